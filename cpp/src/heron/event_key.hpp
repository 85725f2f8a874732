#pragma once

#include <bit>
#include <cstdint>
#include <limits>

#include "heron/event_queue.hpp"

// How the event queue packs times and handles into integers.
namespace heron {

// Key of a place without an event: later than every finite time.
inline constexpr std::uint64_t kFree = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint64_t kSign = std::uint64_t{1} << 63U;

// The bits of a double as an integer of the same order, since integers are compared and selected
// in fewer cycles. Minus zero becomes zero, with which it is equal.
inline std::uint64_t to_key(double time_s) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(time_s + 0.0);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}
inline double to_time(std::uint64_t key) noexcept {
  return std::bit_cast<double>((key & kSign) != 0 ? key & ~kSign : ~key);
}

constexpr EventHandle to_handle(std::uint32_t place, std::uint32_t generation) noexcept {
  return EventHandle{(std::uint64_t{generation} << 32U) | place};
}
constexpr std::uint32_t place_of(EventHandle handle) noexcept {
  return static_cast<std::uint32_t>(handle);
}
constexpr std::uint32_t generation_of(EventHandle handle) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(handle) >> 32U);
}

}  // namespace heron
