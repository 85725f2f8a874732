#pragma once

#include <cstdint>
#include <queue>
#include <tuple>
#include <vector>

#include "heron/event_queue.hpp"

namespace candidates {

// The standard library's binary heap; cancelling would need a set beside it.
class StandardQueue {
 public:
  void push(double time_s, std::int32_t priority, std::int64_t payload) {
    queue_.emplace(time_s, priority, next_sequence_++, payload);
  }

  heron::Event pop() {
    const auto [time_s, priority, sequence, payload] = queue_.top();
    queue_.pop();
    return {time_s, priority, sequence, payload};
  }

 private:
  using Item = std::tuple<double, std::int32_t, std::uint64_t, std::int64_t>;
  std::priority_queue<Item, std::vector<Item>, std::greater<>> queue_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace candidates
