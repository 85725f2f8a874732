#include "powergrid/solver.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "lane_range.hpp"
#include "powergrid/error.hpp"
#include "powergrid/worker_pool.hpp"
#include "solve_job.hpp"

namespace powergrid {
namespace {

struct FreeLines {
  void operator()(double* memory) const noexcept {
    ::operator delete(memory, std::align_val_t{64});
  }
};
using Lines = std::unique_ptr<double, FreeLines>;

Lines allocate_lines(std::size_t n) {
  return Lines(static_cast<double*>(::operator new(n * sizeof(double), std::align_val_t{64})));
}

const Kernels& kernels(SimdLevel level) noexcept {
#if defined(__x86_64__)
  if (level == SimdLevel::kAvx512) return kernels_avx512();
  if (level == SimdLevel::kAvx2) return kernels_avx2();
#endif
  static_cast<void>(level);
  return kernels_baseline();
}

bool has_level(SimdLevel level) noexcept {
#if defined(__x86_64__)
  const bool has_avx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("fma") != 0;
  if (level == SimdLevel::kAvx2) return has_avx2;
  if (level == SimdLevel::kAvx512) {
    return has_avx2 && __builtin_cpu_supports("avx512f") != 0 &&
           __builtin_cpu_supports("avx512dq") != 0 && __builtin_cpu_supports("avx512vl") != 0;
  }
#endif
  return level == SimdLevel::kBaseline;
}

// In the order of SimdLevel.
constexpr std::pair<std::string_view, SimdLevel> kLevels[] = {
    {"baseline", SimdLevel::kBaseline},
    {"avx2", SimdLevel::kAvx2},
    {"avx512", SimdLevel::kAvx512},
};

void check(const SolveOptions& options) {
  if (!(options.tolerance_pu > 0.0) || !std::isfinite(options.tolerance_pu)) {
    throw InvalidArgument("tolerance_pu is " + std::to_string(options.tolerance_pu) +
                          ", expected a finite number above 0");
  }
  if (options.max_iterations < 1) {
    throw InvalidArgument("max_iterations is " + std::to_string(options.max_iterations) +
                          ", expected at least 1");
  }
  if (options.n_thread < 1) {
    throw InvalidArgument("n_thread is " + std::to_string(options.n_thread) +
                          ", expected at least 1");
  }
}

}  // namespace

SimdLevel best_simd_level() noexcept {
  if (has_level(SimdLevel::kAvx512)) return SimdLevel::kAvx512;
  return has_level(SimdLevel::kAvx2) ? SimdLevel::kAvx2 : SimdLevel::kBaseline;
}

SimdLevel simd_level(std::string_view name) {
  std::string available;
  for (const auto& [known, level] : kLevels) {
    if (!has_level(level)) continue;
    if (known == name) return level;
    available += available.empty() ? "" : ", ";
    available += known;
  }
  throw InvalidArgument("SIMD level \"" + std::string(name) +
                        "\" is not one of this machine's: " + available);
}

std::string_view name_of(SimdLevel level) noexcept {
  return kLevels[static_cast<std::size_t>(level)].first;
}

// What the solver prepared, and the scratch memory of each thread.
struct Solver::Workspaces {
  struct alignas(64) Thread {
    Lines one;
    Lines two;
    GroupMemory memory{};
    SolveCounters counters;
  };

  Workspaces(const Network& network, const Kernels& of_level) : kernels(of_level) {
    bind(network);
    add_thread();
  }

  void bind(const Network& network) {
    SolveJob bound{};  // taken over only when there is memory for it
    bind_network(bound, network);
    const std::size_t one = kernels.memory_size(bound, 1);
    const std::size_t two = kernels.memory_size(bound, 2);
    if (one > size_one || two > size_two) {
      size_one = std::max(one, size_one);
      size_two = std::max(two, size_two);
      threads.clear();
    }
    job = bound;
    for (Thread& thread : threads) {
      thread.memory.n_filled[0] = thread.memory.n_filled[1] = 0;
      thread.memory.is_spare_filled[0] = thread.memory.is_spare_filled[1] = false;
    }
  }

  void add_thread() {
    Thread thread;  // added only when whole: memory may run out
    thread.one = allocate_lines(size_one);
    thread.two = allocate_lines(size_two);
    thread.memory = {
        .data = {thread.one.get(), thread.two.get()}, .n_filled = {}, .is_spare_filled = {}};
    threads.push_back(std::move(thread));
  }

  const Kernels& kernels;
  SolveJob job{};
  std::size_t size_one = 0;  // doubles of each thread's memories
  std::size_t size_two = 0;
  std::vector<Thread> threads;
  WorkerPool workers;  // all threads but the caller's
};

Solver::Solver(const Network& network, SimdLevel level) : network_(&network), level_(level) {
  if (!has_level(level)) throw InvalidArgument("this machine lacks the SIMD level asked for");
  workspaces_ = std::make_unique<Workspaces>(network, kernels(level));
}
Solver::Solver(Solver&&) noexcept = default;
Solver& Solver::operator=(Solver&&) noexcept = default;
Solver::~Solver() = default;

void Solver::use(const Network& network) {
  workspaces_->bind(network);
  network_ = &network;
}

void Solver::solve(Batch& batch, const SolveOptions& options) {
  solve(batch, options, 0, batch.n_lane());
}

void Solver::solve(Batch& batch, const SolveOptions& options, std::size_t first, std::size_t last,
                   std::span<const std::uint8_t> is_chosen) {
  solve(batch, options, first, last, is_chosen, nullptr);
}

std::size_t Solver::solve(Batch& batch, const SolveOptions& options, std::size_t first,
                          std::size_t last, std::span<const std::uint8_t> is_chosen,
                          const TapMover* mover) {
  if (&batch.network() != &network_->base()) {
    throw InvalidArgument("the batch is of another network than the solver");
  }
  if (batch.v_re_pu.n_row < network_->n_voltage_row()) {
    throw InvalidArgument("the batch has room for the voltages of " +
                          std::to_string(batch.v_re_pu.n_row) + " nodes, but the network has " +
                          std::to_string(network_->n_voltage_row()) +
                          ": make it with more spare nodes");
  }
  check(options);
  batch.check_lanes(first, last);
  if (!is_chosen.empty() && is_chosen.size() != last - first) {
    throw InvalidArgument("is_chosen has " + std::to_string(is_chosen.size()) +
                          " values, expected " + std::to_string(last - first) +
                          ": one value per lane");
  }
  if (first == last) return 0;
  Workspaces& all = *workspaces_;
  SolveJob& job = all.job;
  bind_batch(job, batch);
  job.tolerance_pu = options.tolerance_pu;
  job.max_iterations = options.max_iterations;
  job.mover = mover;

  const LaneRange range{batch.n_lane(), first, last, is_chosen};
  const std::size_t group = 2 * all.kernels.width;
  const std::size_t first_group = first / group;
  const std::size_t n_group = (last + group - 1) / group - first_group;
  const std::size_t n_thread =
      std::min<std::size_t>(static_cast<std::size_t>(options.n_thread), n_group);
  while (all.threads.size() < n_thread) all.add_thread();
  for (Workspaces::Thread& thread : all.threads) thread.counters = {};
  all.workers.grow(n_thread - 1);
  // Several blocks of groups for each thread, so that all end together although some began late.
  const std::size_t n_block =
      n_thread == 1 ? 1 : std::max(std::min(n_group, 8 * n_thread), (n_group + 7) / 8);
  all.workers.run(n_block, n_thread - 1, [&](std::size_t block, std::size_t member) {
    const std::size_t begin = group * (first_group + block * n_group / n_block);
    const std::size_t end = group * (first_group + (block + 1) * n_group / n_block);
    Workspaces::Thread& thread = all.threads[member];
    solve_range(all.kernels, job, range.within(begin, end), thread.memory, thread.counters);
  });
  std::uint64_t n_solve = 0;
  for (std::size_t i = 0; i < n_thread; ++i) {
    const SolveCounters& of = all.threads[i].counters;
    n_solve += of.n_warm + of.n_flat + of.n_damped + of.n_failed + of.n_invalid;
    add(batch.counters, of);
  }
  return n_solve;
}

}  // namespace powergrid
