#include "powergrid/bind_stage_program.hpp"

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "common/arrays.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/error.hpp"
#include "powergrid/shared_solver.hpp"
#include "powergrid/tap_control.hpp"
#include "powergrid/worker_pool.hpp"

namespace heron_bindings {
namespace {

using powergrid::Batch;
using powergrid::SolveOptions;
using powergrid::TapControl;

// Calls a compiled kernel with its arguments, 8 bytes each, on some lanes; 0 if all went well.
using Entry = std::int32_t (*)(std::int64_t kernel, std::int64_t arguments, std::int64_t first,
                               std::int64_t last);

struct Call {
  Entry entry;
  std::int64_t kernel;     // address
  std::int64_t arguments;  // address
};

// Kernels and at most one power flow, one after the other, without the interpreter in between.
class StageProgram {
 public:
  // (entry, kernel, arguments) of each call, addresses that must stay valid.
  explicit StageProgram(const InputArray<std::int64_t>& calls) {
    const std::span<const std::int64_t> values = as_span(calls, "calls");
    if (values.size() % 3 != 0)
      throw powergrid::InvalidArgument("calls: expected three numbers each");
    for (std::size_t i = 0; i < values.size(); i += 3) {
      calls_.push_back({reinterpret_cast<Entry>(values[i]), values[i + 1], values[i + 2]});
    }
    settle_at_ = calls_.size();
  }

  // Solve the batch's lanes before call `at`, with the regulators, if any, where they settle.
  void set_power_flow(std::size_t at, Batch& batch, const TapControl* control, double tolerance_pu,
                      std::int32_t max_iterations) {
    if (at > calls_.size()) throw powergrid::InvalidArgument("there are fewer calls");
    settle_at_ = at;
    batch_ = &batch;
    control_ = control;
    options_ = {.tolerance_pu = tolerance_pu, .max_iterations = max_iterations};
  }

  void check(std::int64_t first, std::int64_t last, const SharedSolver* solver) const {
    if (first < 0 || last < first) throw powergrid::InvalidArgument("lanes end before they begin");
    if (batch_ != nullptr && solver == nullptr) throw powergrid::InvalidArgument("no solver given");
    if (batch_ != nullptr && static_cast<std::size_t>(last) > batch_->n_lane())
      throw powergrid::InvalidArgument("the batch has fewer lanes");
  }

  // Solves of a lane that it took, or -1 - k where call k failed, and nothing after it was done.
  // What is asked for must have been checked.
  std::int64_t run(std::int64_t first, std::int64_t last, SharedSolver* solver) const {
    if (const std::int64_t failed = call(0, settle_at_, first, last); failed < 0) return failed;
    std::int64_t n_solve = 0;
    if (batch_ != nullptr) {
      const std::scoped_lock lock(solver->mutex);
      const auto begin = static_cast<std::size_t>(first);
      const auto end = static_cast<std::size_t>(last);
      if (control_ != nullptr) {
        n_solve = static_cast<std::int64_t>(
            control_->settle(solver->solver, *batch_, options_, begin, end));
      } else {
        solver->solver.solve(*batch_, options_, begin, end);
        n_solve = last - first;
      }
    }
    const std::int64_t failed = call(settle_at_, calls_.size(), first, last);
    return failed < 0 ? failed : n_solve;
  }

 private:
  std::int64_t call(std::size_t begin, std::size_t end, std::int64_t first,
                    std::int64_t last) const {
    for (std::size_t k = begin; k < end; ++k) {
      const Call& of = calls_[k];
      if (of.entry(of.kernel, of.arguments, first, last) != 0) {
        return -1 - static_cast<std::int64_t>(k);
      }
    }
    return 0;
  }

  std::vector<Call> calls_;
  std::size_t settle_at_ = 0;  // the power flow comes before this call
  Batch* batch_ = nullptr;
  const TapControl* control_ = nullptr;
  SolveOptions options_;
};

// Threads that share out the lanes of a program. One caller and one program at a time.
class StageCrew {
 public:
  explicit StageCrew(std::size_t n_thread) : n_thread_(n_thread) {
    if (n_thread == 0) throw powergrid::InvalidArgument("n_thread is 0, expected at least 1");
  }
  StageCrew(const StageCrew&) = delete;
  StageCrew& operator=(const StageCrew&) = delete;
  ~StageCrew() { pool_.finish(); }

  // The others begin with lanes `first` to `last`, `block` of them at a time, each with a solver of
  // its own; the caller joins them in `finish`, or before the next program.
  void begin(const StageProgram& program, std::int64_t first, std::int64_t last, std::int64_t block,
             const std::vector<SharedSolver*>& solvers) {
    if (is_busy_) throw powergrid::InvalidArgument("the program before is not finished");
    if (block < 1) throw powergrid::InvalidArgument("blocks have at least one lane");
    if (solvers.size() != n_thread_) throw powergrid::InvalidArgument("each thread needs a solver");
    for (const SharedSolver* solver : solvers) program.check(first, last, solver);
    pool_.grow(n_thread_ - 1);
    work_.program = &program;
    work_.first = first;
    work_.last = last;
    work_.block = block;
    work_.solvers = solvers;
    work_.n_solve.store(0, std::memory_order_relaxed);
    work_.failed.store(0, std::memory_order_relaxed);
    is_busy_ = true;
    const auto n_block = static_cast<std::size_t>((last - first + block - 1) / block);
    pool_.begin(n_block, n_thread_ - 1, work_);
  }

  // Solves that it took, or -1 - k where call k failed in some lanes; 0 if nothing has begun.
  std::int64_t finish() {
    if (!is_busy_) return 0;
    const py::gil_scoped_release released;
    pool_.finish();
    is_busy_ = false;
    if (work_.error != nullptr) std::rethrow_exception(std::exchange(work_.error, nullptr));
    const std::int64_t failed = work_.failed.load(std::memory_order_relaxed);
    return failed < 0 ? failed : work_.n_solve.load(std::memory_order_relaxed);
  }

 private:
  struct Work {
    const StageProgram* program = nullptr;
    std::int64_t first = 0, last = 0, block = 1;
    std::vector<SharedSolver*> solvers;
    mutable std::atomic<std::int64_t> n_solve{0};
    mutable std::atomic<std::int64_t> failed{0};  // one of them
    mutable std::exception_ptr error;             // one of them
    mutable std::mutex mutex;                     // of the error

    void operator()(std::size_t task, std::size_t member) const noexcept {
      const std::int64_t begin = first + static_cast<std::int64_t>(task) * block;
      const std::int64_t end = std::min(begin + block, last);
      try {
        const std::int64_t found = program->run(begin, end, solvers[member]);
        if (found < 0) {
          failed.store(found, std::memory_order_relaxed);
        } else {
          n_solve.fetch_add(found, std::memory_order_relaxed);
        }
      } catch (...) {
        const std::scoped_lock lock(mutex);
        error = std::current_exception();
      }
    }
  };

  std::size_t n_thread_;
  bool is_busy_ = false;
  Work work_;
  powergrid::WorkerPool pool_;
};

}  // namespace

void bind_stage_program(py::module_& module) {
  py::class_<StageProgram>(module, "StageProgram", py::module_local(),
                           "Calls compiled kernels in a row; see powergrid.engine.program.")
      .def(py::init<const InputArray<std::int64_t>&>(), py::arg("calls").noconvert())
      .def("set_power_flow", &StageProgram::set_power_flow, py::arg("at"), py::arg("batch"),
           py::arg("control").none(true), py::arg("tolerance_pu"), py::arg("max_iterations"),
           py::keep_alive<1, 3>(), py::keep_alive<1, 4>())
      .def(
          "run",
          [](const StageProgram& program, std::int64_t first, std::int64_t last,
             SharedSolver* solver) {
            program.check(first, last, solver);
            const py::gil_scoped_release released;
            return program.run(first, last, solver);
          },
          py::arg("first"), py::arg("last"), py::arg("solver").none(true));
  py::class_<StageCrew>(module, "StageCrew", py::module_local(),
                        "Threads that share out the lanes of a program; see powergrid.engine.crew.")
      .def(py::init<std::size_t>(), py::arg("n_thread"))
      .def("begin", &StageCrew::begin, py::arg("program"), py::arg("first"), py::arg("last"),
           py::arg("block"), py::arg("solvers"))
      .def("finish", &StageCrew::finish);
}

}  // namespace heron_bindings
