#pragma once

#include "group_io.hpp"
#include "tree_kernel.hpp"

// Solves groups of lanes: gather, the chain of starts, scatter. The body of kernels_*.cpp.
namespace powergrid {
namespace {

// A method for the driver: the free functions of its header, with what they need bound.
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

// Lays a group's arrays one behind the other; returns the vectors that they take.
template <int kVec>
std::size_t lay_out(const IoView& io, Vec* memory, Group<kVec>& group) noexcept {
  Vec* next = memory;
  const auto take = [&next](int n_row) {
    Vec* here = next;
    next += n_row * kVec;
    return here;
  };
  group.p = take(io.n_node);
  group.q = take(io.n_node);
  group.p_current = io.has_current ? take(io.n_node) : nullptr;
  group.q_current = io.has_current ? take(io.n_node) : nullptr;
  group.g = take(io.n_node);
  group.b = take(io.n_node);
  group.tap_m_re = take(io.n_tap);
  group.tap_m_im = take(io.n_tap);
  group.vm_set = take(io.n_controlled);
  group.v_re = take(io.n_node);
  group.v_im = take(io.n_node);
  group.i_from_re = take(io.n_branch);
  group.i_from_im = take(io.n_branch);
  group.i_to_re = take(io.n_branch);
  group.i_to_im = take(io.n_branch);
  group.p_controlled = take(io.n_controlled);
  group.q_controlled = take(io.n_controlled);
  group.scratch = next;
  return static_cast<std::size_t>(next - memory);
}

template <int kVec>
bool any_of(const Mask* mask) noexcept {
  bool is_any = false;
  for (int k = 0; k < kVec; ++k) is_any |= any(mask[k]);
  return is_any;
}

// What became of the lanes of a group.
template <int kVec>
struct Outcome {
  Mask is_valid[kVec];
  Mask converged[3][kVec];  // by start
  Vec mismatch[kVec];
  Vec iterations[kVec];
};

// Warm, then flat, then damped, each for the lanes that are left.
template <int kVec, class Method>
void run_chain(const SolveJob& job, const Method& method, const Group<kVec>& group,
               const Mask* is_lane, const Mask* is_warm, Outcome<kVec>& outcome) noexcept {
  Newton<kVec> newton;
  newton.tolerance = job.tolerance_pu;
  newton.max_iterations = job.max_iterations;
  Mask left[kVec];
  for (int k = 0; k < kVec; ++k) {
    left[k] = is_lane[k] & outcome.is_valid[k];
    newton.iterations[k] = Vec{};
    outcome.mismatch[k] = broadcast(__builtin_inf());
  }
  for (int start = 0; start < 3; ++start) {
    for (int k = 0; k < kVec; ++k) {
      outcome.converged[start][k] = Mask{};
      newton.active[k] = start == 0 ? left[k] & is_warm[k] : left[k];
    }
    if (!any_of<kVec>(newton.active)) continue;
    newton.is_warm = start == 0;
    newton.is_damped = start == 2;
    if (start > 0) method.start_flat(group, newton.active);
    method.run(group, newton);
    for (int k = 0; k < kVec; ++k) {
      outcome.converged[start][k] = newton.converged[k];
      const Mask is_known = newton.active[k] & (newton.mismatch[k] < __builtin_inf());
      outcome.mismatch[k] = select(is_known, newton.mismatch[k], outcome.mismatch[k]);
      left[k] &= ~newton.converged[k];
    }
  }
  for (int k = 0; k < kVec; ++k) outcome.iterations[k] = newton.iterations[k];
}

// The lanes' own record, and the counters.
template <int kVec>
void report(const SolveJob& job, std::size_t lane, const Outcome<kVec>& outcome,
            SolveCounters& counters) noexcept {
  for (std::size_t j = 0; j < kVec * kWidth && lane + j < job.n_lane; ++j) {
    const std::size_t k = j / kWidth;
    const std::size_t i = j % kWidth;
    const std::size_t to = lane + j;
    LaneStatus status = LaneStatus::kConverged;
    LaneStart start = LaneStart::kNone;
    if (outcome.is_valid[k][i] == 0) {
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

template <int kVec, class Method>
void solve_group(const SolveJob& job, const Method& method, const Group<kVec>& group,
                 std::size_t lane, SolveCounters& counters) noexcept {
  Mask is_lane[kVec], is_warm[kVec];
  for (std::size_t j = 0; j < kVec * kWidth; ++j) {
    const bool is_one = lane + j < job.n_lane;
    is_lane[j / kWidth][j % kWidth] = is_one ? -1 : 0;
    is_warm[j / kWidth][j % kWidth] = is_one && job.is_warm[lane + j] != 0 ? -1 : 0;
  }
  Outcome<kVec> outcome;
  gather(job, lane, group, outcome.is_valid);
  method.prepare_group(group);
  if (any_of<kVec>(is_warm)) gather_voltages(job, lane, group);
  run_chain(job, method, group, is_lane, is_warm, outcome);

  Mask solved[kVec];
  for (int k = 0; k < kVec; ++k) {
    solved[k] = outcome.converged[0][k] | outcome.converged[1][k] | outcome.converged[2][k];
  }
  if (any_of<kVec>(solved)) {
    method.find_currents(group);
    scatter_voltages(job, lane, group, solved);
    scatter_flows(job, lane, group, solved);
  }
  report(job, lane, outcome, counters);
}

template <int kVec, class Method>
void solve_one(const SolveJob& job, const Method& method, GroupMemory& memory, std::size_t vector,
               SolveCounters& counters) noexcept {
  Group<kVec> group;
  lay_out(job.io, reinterpret_cast<Vec*>(memory.data[kVec - 1]), group);
  if (!memory.is_filled[kVec - 1]) {
    fill(job.io, group);
    memory.is_filled[kVec - 1] = true;
  }
  solve_group(job, method, group, vector * kWidth, counters);
}

template <class Method>
void solve_vectors(const SolveJob& job, const Method& method, GroupMemory& memory,
                   std::size_t first, std::size_t last, SolveCounters& counters) noexcept {
  std::size_t vector = first;
  for (; vector + 2 <= last; vector += 2) solve_one<2>(job, method, memory, vector, counters);
  if (vector < last) solve_one<1>(job, method, memory, vector, counters);
}

void solve(const SolveJob& job, GroupMemory& memory, std::size_t first, std::size_t last,
           SolveCounters& counters) noexcept {
  solve_vectors(job, TreeMethod{job.tree}, memory, first, last, counters);
}

std::size_t memory_size(const SolveJob& job) noexcept {
  Group<1> group;
  const std::size_t n_vector = lay_out(job.io, static_cast<Vec*>(nullptr), group);
  return (n_vector + TreeMethod{job.tree}.scratch_size()) * kWidth;
}

constexpr Kernels kKernels{.width = kWidth, .memory_size = memory_size, .solve = solve};

}  // namespace
}  // namespace powergrid
