#pragma once

#include "group_io.hpp"
#include "sparse_kernel.hpp"
#include "tree_kernel.hpp"

// Solves a group of lanes whose inputs are there: the chain of starts, and what is told of it.
namespace powergrid {
namespace {

// A method for the driver: the free functions of its header, with what they need bound.
//   scratch_size()           vectors of scratch for each of a group's kVec
//   prepare_group(group)     once after the inputs are gathered, admittances last
//   start_flat(group, mask)  into v_re, v_im of a mask's lanes: the unloaded network at their taps
//   run(group, newton)       from v_re, v_im, as Newton says
//   find_currents(group)     from the voltages and what prepare_group() left in the scratch
template <class Plan>
struct MethodOf {
  const Plan& plan;

  std::size_t scratch_size() const noexcept { return powergrid::scratch_size(plan); }
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
using TreeMethod = MethodOf<TreeView>;
using SparseMethod = MethodOf<SparsePlan>;

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

// One group whose inputs are there, and its record; `is_solved` tells which lanes have a solution.
template <int kVec, class Method, class Lanes>
void solve_group(const SolveJob& job, const Method& method, const Group<kVec>& group,
                 const Lanes& lanes, std::size_t first, const Mask* is_tried, const Mask* is_warm,
                 const Mask* is_valid, Mask* is_solved, SolveCounters& counters) noexcept {
  Outcome<kVec> outcome;
  method.prepare_group(group);
  run_chain(job, method, group, is_tried, is_warm, outcome);
  for (int k = 0; k < kVec; ++k) {
    is_solved[k] = outcome.converged[0][k] | outcome.converged[1][k] | outcome.converged[2][k];
  }
  if (any_of<kVec>(is_solved)) {
    method.find_currents(group);
    discard_infinite(job.io, group, is_solved, outcome);
  }
  report(job, lanes, first, is_valid, outcome, counters);
}

}  // namespace
}  // namespace powergrid
