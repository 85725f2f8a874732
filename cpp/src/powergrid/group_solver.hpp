#pragma once

#include "group_io.hpp"
#include "group_memory.hpp"
#include "sparse_kernel.hpp"
#include "tree_kernel.hpp"

// Solves groups of lanes: gather, the chain of starts, scatter. The body of kernels_*.cpp.
namespace powergrid {
namespace {

// A method for the driver: the free functions of its header, with what they need bound.
//   scratch_size()           vectors of scratch for each of a group's kVec
//   prepare_group(group)     once after the inputs are gathered
//   start_flat(group, mask)  into v_re, v_im of a mask's lanes: the unloaded network at their taps
//   run(group, newton)       from v_re, v_im, as Newton says
//   find_currents(group)     from the voltages and what the last run left in the scratch
struct TreeMethod {
  const TreeView& plan;

  std::size_t scratch_size() const noexcept { return tree_scratch_size(plan); }
  template <int kVec>
  void prepare_group(const Group<kVec>& group) const noexcept {
    prepare(plan, group);
  }
  template <int kVec>
  void start_flat(const Group<kVec>& group, const Mask* mask) const noexcept {
    flat_start(plan, group, mask);
  }
  template <int kVec>
  void run(const Group<kVec>& group, Newton<kVec>& newton) const noexcept {
    iterate(plan, group, newton);
  }
  template <int kVec>
  void find_currents(const Group<kVec>& group) const noexcept {
    branch_currents(plan, group);
  }
};

struct SparseMethod {
  const SparsePlan& plan;

  std::size_t scratch_size() const noexcept { return powergrid::scratch_size(plan); }
  template <int kVec>
  void prepare_group(const Group<kVec>&) const noexcept {}
  template <int kVec>
  void start_flat(const Group<kVec>& group, const Mask* mask) const noexcept {
    flat_start(plan, group, mask);
  }
  template <int kVec>
  void run(const Group<kVec>& group, Newton<kVec>& newton) const noexcept {
    iterate(plan, group, newton);
  }
  template <int kVec>
  void find_currents(const Group<kVec>& group) const noexcept {
    branch_currents(plan, group);
  }
};

template <int kVec>
bool any_of(const Mask* mask) noexcept {
  bool is_any = false;
  for (int k = 0; k < kVec; ++k) is_any |= any(mask[k]);
  return is_any;
}

// What became of the lanes of a group.
template <int kVec>
struct Outcome {
  Mask converged[3][kVec];  // by start
  Vec mismatch[kVec];
  Vec iterations[kVec];
};

// Warm, then flat, then damped, each for the lanes that are left.
template <int kVec, class Method>
void run_chain(const SolveJob& job, const Method& method, const Group<kVec>& group,
               const Mask* is_tried, const Mask* is_warm, Outcome<kVec>& outcome) noexcept {
  Newton<kVec> newton;
  newton.tolerance = job.tolerance_pu;
  newton.max_iterations = job.max_iterations;
  Mask left[kVec];
  for (int k = 0; k < kVec; ++k) {
    left[k] = is_tried[k];
    newton.iterations[k] = Vec{};
    outcome.mismatch[k] = broadcast(__builtin_inf());
  }
  for (int start = 0; start < 3; ++start) {
    for (int k = 0; k < kVec; ++k) {
      outcome.converged[start][k] = Mask{};
      newton.active[k] = start == 0 ? left[k] & is_warm[k] : left[k];
    }
    if (!any_of<kVec>(newton.active)) continue;
    newton.is_low_refused = start < 2;
    newton.is_damped = start == 2;
    if (start > 0) method.start_flat(group, newton.active);
    method.run(group, newton);
    for (int k = 0; k < kVec; ++k) {
      outcome.converged[start][k] = newton.converged[k];
      // One within the tolerance that did not converge was of a solution refused.
      const Mask is_known =
          newton.converged[k] | (newton.active[k] & (newton.mismatch[k] >= newton.tolerance) &
                                 (newton.mismatch[k] < __builtin_inf()));
      outcome.mismatch[k] = select(is_known, newton.mismatch[k], outcome.mismatch[k]);
      left[k] &= ~newton.converged[k];
    }
  }
  for (int k = 0; k < kVec; ++k) outcome.iterations[k] = newton.iterations[k];
}

// The lanes' own record, and the counters.
template <int kVec, class Lanes>
void report(const SolveJob& job, const Lanes& lanes, std::size_t first, const Mask* is_valid,
            const Outcome<kVec>& outcome, SolveCounters& counters) noexcept {
  for (std::size_t j = 0; j < kVec * kWidth && first + j < lanes.end; ++j) {
    const std::size_t k = j / kWidth;
    const std::size_t i = j % kWidth;
    const std::size_t to = lanes[first + j];
    LaneStatus status = LaneStatus::kConverged;
    LaneStart start = LaneStart::kNone;
    if (is_valid[k][i] == 0) {
      status = LaneStatus::kInvalidInput;
      ++counters.n_invalid;
    } else if (outcome.converged[0][k][i] != 0) {
      start = LaneStart::kWarm;
      ++counters.n_warm;
    } else if (outcome.converged[1][k][i] != 0) {
      start = LaneStart::kFlat;
      ++counters.n_flat;
    } else if (outcome.converged[2][k][i] != 0) {
      start = LaneStart::kDamped;
      ++counters.n_damped;
    } else {
      status = LaneStatus::kNoSolution;
      ++counters.n_failed;
    }
    const auto iterations = static_cast<std::int32_t>(outcome.iterations[k][i]);
    counters.n_iteration += static_cast<std::uint64_t>(iterations);
    job.status[to] = status;
    job.start[to] = start;
    job.iterations[to] = iterations;
    job.mismatch_pu[to] = outcome.mismatch[k][i];
    job.is_warm[to] = status == LaneStatus::kConverged ? 1 : 0;
  }
}

// Takes back what led to no finite power where the voltage is held: the powers of all nodes and the
// currents of all branches add up to these.
template <int kVec>
void discard_infinite(const IoView& io, const Group<kVec>& group, Mask* is_solved,
                      Outcome<kVec>& outcome) noexcept {
  for (int k = 0; k < kVec; ++k) {
    Vec guard{};
    for (int row = 0; row < io.n_controlled; ++row) {
      guard = fma(group.p_controlled[row * kVec + k], Vec{}, guard);
      guard = fma(group.q_controlled[row * kVec + k], Vec{}, guard);
    }
    const Mask is_finite = guard == 0.0;
    outcome.mismatch[k] =
        select(is_solved[k] & ~is_finite, broadcast(__builtin_inf()), outcome.mismatch[k]);
    is_solved[k] &= is_finite;
    for (int start = 0; start < 3; ++start) outcome.converged[start][k] &= is_finite;
  }
}

template <int kVec, class Method, class Lanes>
void solve_groups(const SolveJob& job, const Method& method, const Groups<kVec, Lanes>& groups,
                  SolveCounters& counters) noexcept {
  Masks<kVec> is_warm{};
  Masks<kVec> is_tried{};
  Masks<kVec> is_valid{};
  Masks<kVec> is_solved{};
  bool is_any_warm = false;
  for (std::size_t j = 0; j < groups.n * kVec * kWidth; ++j) {
    const bool is_lane = groups.first + j < groups.lanes.end;
    const bool is_one_warm = is_lane && job.is_warm[groups.lanes[groups.first + j]] != 0;
    const std::size_t n = j / (kVec * kWidth);
    const std::size_t k = j / kWidth % kVec;
    is_tried[n][k][j % kWidth] = is_lane ? -1 : 0;
    is_warm[n][k][j % kWidth] = is_one_warm ? -1 : 0;
    is_any_warm |= is_one_warm;
  }
  gather(job, groups, is_valid);
  if (is_any_warm) gather_voltages(job, groups);
  for (std::size_t n = 0; n < groups.n; ++n) {
    const Group<kVec>& group = groups.group[n];
    for (int k = 0; k < kVec; ++k) is_tried[n][k] &= is_valid[n][k];
    Outcome<kVec> outcome;
    method.prepare_group(group);
    run_chain(job, method, group, is_tried[n], is_warm[n], outcome);
    for (int k = 0; k < kVec; ++k) {
      is_solved[n][k] = outcome.converged[0][k] | outcome.converged[1][k] | outcome.converged[2][k];
    }
    if (any_of<kVec>(is_solved[n])) {
      method.find_currents(group);
      discard_infinite(job.io, group, is_solved[n], outcome);
    }
    report(job, groups.lanes, index_of(groups, n, 0), is_valid[n], outcome, counters);
  }
  scatter_voltages(job, groups, is_solved);
  scatter_flows(job, groups, is_solved);
}

// Lanes from index `first` on, as many groups as go together.
template <int kVec, class Method, class Lanes>
std::size_t solve_next(const SolveJob& job, const Method& method, GroupMemory& memory,
                       const Lanes& lanes, std::size_t first, SolveCounters& counters) noexcept {
  const std::size_t n_most = most_groups<kVec>(job.io);
  Groups<kVec, Lanes> groups;
  groups.lanes = lanes;
  groups.first = first;
  lay_out(job.io, method.scratch_size(), reinterpret_cast<Vec*>(memory.data[kVec - 1]), n_most,
          groups.group);
  const std::size_t n_vector = (lanes.end - first + kWidth - 1) / kWidth;
  groups.n = n_vector / kVec;
  if (groups.n > n_most) groups.n = n_most;
  for (std::size_t& n = memory.n_filled[kVec - 1]; n < groups.n; ++n) {
    fill(job.io, groups.group[n]);
  }
  solve_groups(job, method, groups, counters);
  return first + groups.n * kVec * kWidth;
}

template <class Method, class Lanes>
void solve_lanes(const SolveJob& job, const Method& method, GroupMemory& memory, const Lanes& lanes,
                 std::size_t first, SolveCounters& counters) noexcept {
  while (first + kWidth < lanes.end) {
    first = solve_next<2>(job, method, memory, lanes, first, counters);
  }
  if (first < lanes.end) solve_next<1>(job, method, memory, lanes, first, counters);
}

template <class Method>
void solve_lanes(const SolveJob& job, const Method& method, GroupMemory& memory,
                 const LaneSet& lanes, SolveCounters& counters) noexcept {
  if (lanes.list == nullptr) {
    solve_lanes(job, method, memory, AdjacentLanes{lanes.last}, lanes.first, counters);
  } else {
    solve_lanes(job, method, memory, ListedLanes{lanes.list, lanes.last}, lanes.first, counters);
  }
}

// Lanes that failed or stand idle may hold numbers so small that the processor would take hundreds
// of cycles for each operation. They count as zero meanwhile.
class TinyAsZero {
 public:
#if defined(__SSE2__)
  TinyAsZero() noexcept : saved_(_mm_getcsr()) { _mm_setcsr(saved_ | 0x8040U); }
  ~TinyAsZero() { _mm_setcsr(saved_); }
#else
  TinyAsZero() noexcept = default;
#endif
  TinyAsZero(const TinyAsZero&) = delete;
  TinyAsZero& operator=(const TinyAsZero&) = delete;

 private:
  unsigned saved_ = 0;
};

void solve(const SolveJob& job, GroupMemory& memory, const LaneSet& lanes,
           SolveCounters& counters) noexcept {
  const TinyAsZero tiny_as_zero;
  if (job.sparse == nullptr) {
    solve_lanes(job, TreeMethod{job.tree}, memory, lanes, counters);
  } else {
    solve_lanes(job, SparseMethod{*job.sparse}, memory, lanes, counters);
  }
  if (job.is_large) flush();
}

template <int kVec>
std::size_t memory_size_of(const SolveJob& job) noexcept {
  const std::size_t n_scratch = job.sparse == nullptr ? TreeMethod{job.tree}.scratch_size()
                                                      : SparseMethod{*job.sparse}.scratch_size();
  return (n_scratch * kVec + most_groups<kVec>(job.io) * group_size<kVec>(job.io)) * kWidth;
}

std::size_t memory_size(const SolveJob& job, int n_vec) noexcept {
  return n_vec == 1 ? memory_size_of<1>(job) : memory_size_of<2>(job);
}

constexpr Kernels kKernels{.width = kWidth, .memory_size = memory_size, .solve = solve};

}  // namespace
}  // namespace powergrid
