#pragma once

#include "tap_rounds.hpp"

// Solves lanes, as many groups together as fit: gather, solve, scatter. The body of kernels_*.cpp.
namespace powergrid {
namespace {

template <int kVec, class Method, class Lanes>
void solve_groups(const SolveJob& job, const Method& method, GroupMemory& memory,
                  const Groups<kVec, Lanes>& groups, SolveCounters& counters) noexcept {
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
  LaneQueue moved;
  for (std::size_t n = 0; n < groups.n; ++n) {
    for (int k = 0; k < kVec; ++k) is_tried[n][k] &= is_valid[n][k];
    solve_group(job, method, groups.group[n], groups.lanes, index_of(groups, n, 0), is_tried[n],
                is_warm[n], is_valid[n], is_solved[n], counters);
    if (job.mover != nullptr) {
      move_taps(job, groups.group[n], groups.lanes, index_of(groups, n, 0), is_solved[n],
                [&](std::size_t j) { moved.add(n * kVec * kWidth + j); });
    }
  }
  if (moved.n != 0) settle(job, method, memory, groups, moved, counters);
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
  lay_out(job.io, method.scratch_size(), reinterpret_cast<Vec*>(memory.data[kVec - 1]), n_most + 1,
          groups.group);
  const std::size_t n_vector = (lanes.end - first + kWidth - 1) / kWidth;
  groups.n = n_vector / kVec;
  if (groups.n > n_most) groups.n = n_most;
  for (std::size_t& n = memory.n_filled[kVec - 1]; n < groups.n; ++n) {
    fill(job.io, groups.group[n]);
  }
  solve_groups(job, method, memory, groups, counters);
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
  return (n_scratch * kVec + (most_groups<kVec>(job.io) + 1) * group_size<kVec>(job.io)) * kWidth;
}

std::size_t memory_size(const SolveJob& job, int n_vec) noexcept {
  return n_vec == 1 ? memory_size_of<1>(job) : memory_size_of<2>(job);
}

constexpr Kernels kKernels{.width = kWidth, .memory_size = memory_size, .solve = solve};

}  // namespace
}  // namespace powergrid
