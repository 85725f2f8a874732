#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "candidates/slots.hpp"
#include "heron/event_queue.hpp"

namespace candidates {

// A 4-ary heap of whole events, 40 bytes a node, compared with jumps.
class FatHeap {
 public:
  void push(double time_s, std::int32_t priority, std::int64_t payload) {
    heap_.push_back({{time_s, priority, next_sequence_++, payload}, slots_.take(payload)});
    const Node moving = heap_.back();
    std::size_t position = heap_.size() - 1;
    while (position > 0 && before(moving, heap_[(position - 1) / 4])) {
      heap_[position] = heap_[(position - 1) / 4];
      position = (position - 1) / 4;
    }
    heap_[position] = moving;
  }

  heron::Event pop() {
    const heron::Event event = heap_.front().event;
    remove_top();
    while (!heap_.empty() && !slots_.is_pending(heap_.front().slot)) remove_top();
    return event;
  }

 private:
  struct Node {
    heron::Event event;
    std::uint32_t slot;
  };

  static bool before(const Node& a, const Node& b) noexcept {
    if (a.event.time_s != b.event.time_s) return a.event.time_s < b.event.time_s;
    if (a.event.priority != b.event.priority) return a.event.priority < b.event.priority;
    return a.event.sequence < b.event.sequence;
  }

  void remove_top() {
    slots_.release(heap_.front().slot);
    const Node moving = heap_.back();
    heap_.pop_back();
    if (heap_.empty()) return;
    std::size_t position = 0;
    for (std::size_t first = 1; first < heap_.size(); first = position * 4 + 1) {
      std::size_t best = first;
      const std::size_t end = std::min(first + 4, heap_.size());
      for (std::size_t child = first + 1; child < end; ++child) {
        if (before(heap_[child], heap_[best])) best = child;
      }
      if (!before(heap_[best], moving)) break;
      heap_[position] = heap_[best];
      position = best;
    }
    heap_[position] = moving;
  }

  std::vector<Node> heap_;
  Slots slots_;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace candidates
