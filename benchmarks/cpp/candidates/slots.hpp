#pragma once

#include <cstdint>
#include <vector>

// The candidates for heron::EventQueue. Each has push(time_s, priority, payload), and pop() of a
// queue that is not empty, in the total order (time_s, priority, sequence). All but the standard
// queue keep what cancelling by handle needs, so that none is fast by leaving it out.
namespace candidates {

// Places that handles refer to, recycled in last-in first-out order.
class Slots {
 public:
  std::uint32_t take(std::int64_t payload) {
    if (free_.empty()) {
      slots_.push_back({payload, 0, true});
      return static_cast<std::uint32_t>(slots_.size() - 1);
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    slots_[slot].payload = payload;
    slots_[slot].is_pending = true;
    return slot;
  }
  std::int64_t release(std::uint32_t slot) {
    slots_[slot].is_pending = false;
    ++slots_[slot].generation;
    free_.push_back(slot);
    return slots_[slot].payload;
  }
  [[nodiscard]] bool is_pending(std::uint32_t slot) const noexcept {
    return slots_[slot].is_pending;
  }

 private:
  struct Slot {
    std::int64_t payload;
    std::uint32_t generation;
    bool is_pending;
  };
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
};

}  // namespace candidates
