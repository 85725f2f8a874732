#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "heron/random.hpp"

namespace heron {

// Distribution of a drawn interval or delay around its base value.
enum class Jitter : std::uint8_t { none, uniform, gaussian };

// Timing of one agent, in seconds of simulated time.
struct TickConfig {
  double tick_interval_s = 1.0;  // between two ticks, at least kMinTickInterval_s
  double obs_delay_s = 0.0;      // age of what is observed
  double act_delay_s = 0.0;      // until an action takes effect
  double msg_delay_s = 0.0;      // travel time of a message
  Jitter jitter = Jitter::none;
  double jitter_ratio = 0.1;          // uniform: half width, Gaussian: standard deviation [of base]
  double min_delay_s = 0.0;           // least delay that jitter may leave
  std::optional<std::uint64_t> seed;  // draws of its own: key (seed, lane, agent 0)

  friend bool operator==(const TickConfig&, const TickConfig&) = default;
};

// The first streams, from tick_interval to msg_delay, are those of timing.
inline constexpr std::size_t kTimingStreamCount = 4;

// Least interval, as configured and as drawn [s].
inline constexpr double kMinTickInterval_s = 0.001;

// Throws InvalidArgument, naming the member, if a value is out of range.
void check(const TickConfig& config);

// The base value of a timing stream (tick_interval to msg_delay) [s].
[[nodiscard]] inline double base_s(const TickConfig& config, Stream stream) noexcept {
  switch (stream) {
    case Stream::obs_delay:
      return config.obs_delay_s;
    case Stream::act_delay:
      return config.act_delay_s;
    case Stream::msg_delay:
      return config.msg_delay_s;
    default:
      return config.tick_interval_s;
  }
}

// Whether a timing stream has any jitter to draw: not for a base of zero.
[[nodiscard]] inline bool is_jittered(const TickConfig& config, Stream stream) noexcept {
  return config.jitter != Jitter::none && base_s(config, stream) != 0.0;
}

// What these random bits make of a jittered stream [s]: base * (1 + ratio * unit), no less than its
// floor, with unit uniform in [-1, 1) or standard normal.
[[nodiscard]] double jittered_s(const TickConfig& config, Stream stream,
                                std::uint64_t bits) noexcept;

}  // namespace heron
