#include "heron/tick_config.hpp"

#include <doctest.h>

#include <cstdint>
#include <limits>

#include "heron/error.hpp"

using heron::Jitter;
using heron::Stream;
using heron::TickConfig;

namespace {
constexpr std::uint64_t kLeast = 0;
constexpr std::uint64_t kMost = ~std::uint64_t{0};
}  // namespace

TEST_CASE("values out of range are refused by name") {
  const auto refuses = [](auto change, const char* name) {
    TickConfig config;
    change(config);
    CHECK_THROWS_WITH_AS(heron::check(config), doctest::Contains(name), heron::InvalidArgument);
  };
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  refuses([](TickConfig& c) { c.tick_interval_s = 0.0; }, "tick_interval must be positive");
  refuses([](TickConfig& c) { c.tick_interval_s = 0.0005; }, "at least 0.001 s");
  refuses([](TickConfig& c) { c.tick_interval_s = kNan; }, "tick_interval");
  refuses([](TickConfig& c) { c.tick_interval_s = kInfinity; }, "tick_interval");
  refuses([](TickConfig& c) { c.obs_delay_s = -1.0; }, "obs_delay must be non-negative");
  refuses([](TickConfig& c) { c.act_delay_s = kNan; }, "act_delay");
  refuses([](TickConfig& c) { c.msg_delay_s = kInfinity; }, "msg_delay");
  refuses([](TickConfig& c) { c.jitter_ratio = -0.1; }, "jitter_ratio");
  refuses([](TickConfig& c) { c.min_delay_s = -1e-9; }, "min_delay");
  CHECK_NOTHROW(heron::check(TickConfig{}));
}

TEST_CASE("a base of zero never jitters") {
  TickConfig config;
  config.jitter = Jitter::uniform;
  config.min_delay_s = 0.5;
  CHECK(heron::is_jittered(config, Stream::tick_interval));
  CHECK_FALSE(heron::is_jittered(config, Stream::obs_delay));
  config.jitter = Jitter::none;
  CHECK_FALSE(heron::is_jittered(config, Stream::tick_interval));
}

TEST_CASE("uniform jitter spans its ratio of the base") {
  TickConfig config;
  config.jitter = Jitter::uniform;
  config.tick_interval_s = 10.0;
  config.jitter_ratio = 0.2;
  CHECK(heron::jittered_s(config, Stream::tick_interval, kLeast) == 8.0);
  const double most = heron::jittered_s(config, Stream::tick_interval, kMost);
  CHECK(most <= 12.0);
  CHECK(most == doctest::Approx(12.0));
}

TEST_CASE("jitter leaves at least a millisecond of interval and min_delay of a delay") {
  TickConfig config;
  config.jitter = Jitter::gaussian;
  config.jitter_ratio = 1.0;
  config.act_delay_s = 2.0;
  config.min_delay_s = 0.25;
  CHECK(heron::jittered_s(config, Stream::tick_interval, kLeast) == heron::kMinTickInterval_s);
  CHECK(heron::jittered_s(config, Stream::act_delay, kLeast) == 0.25);
}
