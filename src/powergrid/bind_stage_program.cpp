#include "powergrid/bind_stage_program.hpp"

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <vector>

#include "common/arrays.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/error.hpp"
#include "powergrid/shared_solver.hpp"
#include "powergrid/tap_control.hpp"

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

  // Solves of a lane that it took, or -1 - k where call k failed, and nothing after it was done.
  std::int64_t run(std::int64_t first, std::int64_t last, SharedSolver* solver) const {
    if (first < 0 || last < first) throw powergrid::InvalidArgument("lanes end before they begin");
    if (batch_ != nullptr && solver == nullptr) throw powergrid::InvalidArgument("no solver given");
    const py::gil_scoped_release released;
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

}  // namespace

void bind_stage_program(py::module_& module) {
  py::class_<StageProgram>(module, "StageProgram", py::module_local(),
                           "Calls compiled kernels in a row; see powergrid.engine.program.")
      .def(py::init<const InputArray<std::int64_t>&>(), py::arg("calls").noconvert())
      .def("set_power_flow", &StageProgram::set_power_flow, py::arg("at"), py::arg("batch"),
           py::arg("control").none(true), py::arg("tolerance_pu"), py::arg("max_iterations"),
           py::keep_alive<1, 3>(), py::keep_alive<1, 4>())
      .def("run", &StageProgram::run, py::arg("first"), py::arg("last"),
           py::arg("solver").none(true));
}

}  // namespace heron_bindings
