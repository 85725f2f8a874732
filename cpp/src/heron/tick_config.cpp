#include "heron/tick_config.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "heron/error.hpp"
#include "text.hpp"

namespace heron {
namespace {

void check_not_negative(const char* name, double value) {
  if (!(value >= 0.0) || std::isinf(value)) {
    throw InvalidArgument(std::string(name) + " must be non-negative and finite, got " +
                          text(value));
  }
}

}  // namespace

void check(const TickConfig& config) {
  if (!(config.tick_interval_s >= kMinTickInterval_s) || std::isinf(config.tick_interval_s)) {
    throw InvalidArgument("tick_interval must be positive, finite and at least " +
                          text(kMinTickInterval_s) + " s, got " + text(config.tick_interval_s));
  }
  check_not_negative("obs_delay", config.obs_delay_s);
  check_not_negative("act_delay", config.act_delay_s);
  check_not_negative("msg_delay", config.msg_delay_s);
  check_not_negative("jitter_ratio", config.jitter_ratio);
  check_not_negative("min_delay", config.min_delay_s);
}

double jittered_s(const TickConfig& config, Stream stream, std::uint64_t bits) noexcept {
  const double unit =
      config.jitter == Jitter::uniform ? 2.0 * to_uniform(bits) - 1.0 : to_normal(bits);
  const double floor_s = stream == Stream::tick_interval ? kMinTickInterval_s : config.min_delay_s;
  return std::max(floor_s, base_s(config, stream) * (1.0 + config.jitter_ratio * unit));
}

}  // namespace heron
