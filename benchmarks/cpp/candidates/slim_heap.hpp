#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "candidates/slots.hpp"
#include "heron/event_queue.hpp"

namespace candidates {

// A heap of 24-byte nodes. With kHoleAtRoot a pop leaves the root empty, and the push that follows
// fills it: one way down in place of one down and one up.
template <std::size_t kArity, bool kHoleAtRoot>
class SlimHeap {
 public:
  void push(double time_s, std::int32_t priority, std::int64_t payload) {
    const Node node{time_s, next_sequence_++, priority, slots_.take(payload)};
    if (has_hole_) {
      has_hole_ = false;
      sift_down(node);
    } else {
      heap_.push_back(node);
      sift_up(heap_.size() - 1, node);
    }
  }

  heron::Event pop() {
    if (has_hole_) close_hole();
    // What surfaces now may have been cancelled.
    while (!slots_.is_pending(heap_.front().slot)) close_hole();
    const Node top = heap_.front();
    has_hole_ = true;
    if constexpr (!kHoleAtRoot) close_hole();
    return {top.time_s, top.priority, top.sequence, slots_.release(top.slot)};
  }

 private:
  struct Node {
    double time_s;
    std::uint64_t sequence;
    std::int32_t priority;
    std::uint32_t slot;
  };

  static bool before(const Node& a, const Node& b) noexcept {
    if (a.time_s == b.time_s) [[unlikely]] {
      return a.priority != b.priority ? a.priority < b.priority : a.sequence < b.sequence;
    }
    return a.time_s < b.time_s;
  }

  void close_hole() {
    has_hole_ = false;
    const Node last = heap_.back();
    heap_.pop_back();
    if (!heap_.empty()) sink_to_leaf(last);
  }

  // Selected with a mask in place of a jump: which child is earlier cannot be predicted.
  std::size_t best_child(std::size_t first, std::size_t end) const noexcept {
    std::size_t best = first;
    for (std::size_t child = first + 1; child < end; ++child) {
      const auto mask =
          std::size_t{0} - static_cast<std::size_t>(before(heap_[child], heap_[best]));
      best ^= (best ^ child) & mask;
    }
    return best;
  }

  void sift_down(const Node& moving) {
    std::size_t position = 0;
    for (;;) {
      const std::size_t first = position * kArity + 1;
      if (first >= heap_.size()) break;
      const std::size_t best = best_child(first, std::min(first + kArity, heap_.size()));
      if (!before(heap_[best], moving)) break;
      heap_[position] = heap_[best];
      position = best;
    }
    heap_[position] = moving;
  }

  // Bottom-up: what was last belongs near a leaf, so go down without comparing with it, then up.
  void sink_to_leaf(const Node& moving) {
    std::size_t position = 0;
    for (;;) {
      const std::size_t first = position * kArity + 1;
      if (first >= heap_.size()) break;
      const std::size_t best = best_child(first, std::min(first + kArity, heap_.size()));
      heap_[position] = heap_[best];
      position = best;
    }
    sift_up(position, moving);
  }

  void sift_up(std::size_t position, const Node& moving) {
    while (position > 0) {
      const std::size_t parent = (position - 1) / kArity;
      if (!before(moving, heap_[parent])) break;
      heap_[position] = heap_[parent];
      position = parent;
    }
    heap_[position] = moving;
  }

  std::vector<Node> heap_;
  Slots slots_;
  bool has_hole_ = false;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace candidates
