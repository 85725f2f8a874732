#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include "solve_job.hpp"

namespace powergrid {

// The lanes of a batch that a caller wants solved: those of a range, or some of it.
struct LaneRange {
  std::size_t n_lane;  // of the batch
  std::size_t first;
  std::size_t last;
  std::span<const std::uint8_t> is_chosen;  // (last - first), or empty: all

  // The part of it from `begin` to `end`.
  [[nodiscard]] LaneRange within(std::size_t begin, std::size_t end) const noexcept {
    begin = std::max(begin, first);
    end = std::min(end, last);
    return {n_lane, begin, end,
            is_chosen.empty() ? is_chosen : is_chosen.subspan(begin - first, end - begin)};
  }
};

// Solves the lanes of a range that is not empty with the kernels of one level, and reads and writes
// nothing of any other lane.
void solve_range(const Kernels& kernels, const SolveJob& job, const LaneRange& range,
                 GroupMemory& memory, SolveCounters& counters) noexcept;

}  // namespace powergrid
