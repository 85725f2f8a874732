#include "lane_range.hpp"

#include <array>

namespace powergrid {
namespace {

// Gathers lanes and solves them, many at a time.
class LaneList {
 public:
  LaneList(const Kernels& kernels, const SolveJob& job, GroupMemory& memory,
           SolveCounters& counters) noexcept
      : kernels_(kernels), job_(job), memory_(memory), counters_(counters) {}

  void add(std::size_t lane) noexcept {
    lanes_[n_++] = static_cast<std::int32_t>(lane);
    if (n_ == lanes_.size()) solve();
  }
  void solve() noexcept {
    if (n_ == 0) return;
    const std::size_t n = n_;
    for (; n_ % kernels_.width != 0; ++n_) lanes_[n_] = lanes_[n - 1];
    kernels_.solve(job_, memory_, {0, n, lanes_.data()}, counters_);
    n_ = 0;
  }

 private:
  const Kernels& kernels_;
  const SolveJob& job_;
  GroupMemory& memory_;
  SolveCounters& counters_;
  std::array<std::int32_t, 256> lanes_;  // all groups that go together, of any level
  std::size_t n_ = 0;
};

}  // namespace

void solve_range(const Kernels& kernels, const SolveJob& job, const LaneRange& range,
                 GroupMemory& memory, SolveCounters& counters) noexcept {
  const auto [n_lane, first, last, is_chosen] = range;
  LaneList list(kernels, job, memory, counters);
  if (!is_chosen.empty()) {
    for (std::size_t i = 0; i < is_chosen.size(); ++i) {
      if (is_chosen[i] != 0) list.add(first + i);
    }
  } else {
    // Whole vectors, and the lanes before and behind whose vector is not all the range's.
    const std::size_t width = kernels.width;
    const std::size_t begin = std::min((first + width - 1) / width * width, last);
    const std::size_t end = last == n_lane ? last : std::max(last / width * width, begin);
    if (begin < end) kernels.solve(job, memory, {begin, end, nullptr}, counters);
    for (std::size_t lane = first; lane < begin; ++lane) list.add(lane);
    for (std::size_t lane = end; lane < last; ++lane) list.add(lane);
  }
  list.solve();
}

}  // namespace powergrid
