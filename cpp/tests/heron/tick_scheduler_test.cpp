#include "heron/tick_scheduler.hpp"

#include <doctest.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "allocations.hpp"
#include "heron/error.hpp"

using heron::DueEvents;
using heron::EventType;
using heron::Jitter;
using heron::TickConfig;
using heron::TickEvent;
using heron::TickScheduler;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TickConfig every(double interval_s, Jitter jitter = Jitter::none) {
  TickConfig config;
  config.tick_interval_s = interval_s;
  config.jitter = jitter;
  return config;
}

// All ticks up to t_end_s, as the handlers of n_lane lanes see them.
std::vector<std::vector<TickEvent>> ticks(std::int32_t n_lane, int n_thread, double t_end_s) {
  TickScheduler scheduler(n_lane, 5);
  for (int agent = 0; agent < 7; ++agent) {
    scheduler.register_agent(every(1.0 + 0.1 * agent, Jitter::gaussian));
  }
  std::vector<std::vector<TickEvent>> seen(static_cast<std::size_t>(n_lane));
  scheduler.set_handler(EventType::agent_tick, [&](TickScheduler&, const TickEvent& event) {
    seen[static_cast<std::size_t>(event.lane)].push_back(event);
  });
  scheduler.run_all_until(t_end_s, n_thread);
  return seen;
}

}  // namespace

TEST_CASE("each type of event reaches its own handler, with what it carries") {
  TickScheduler scheduler;
  std::vector<std::int64_t> effects;
  std::vector<std::int64_t> customs;
  scheduler.set_handler(EventType::action_effect, [&](TickScheduler& s, const TickEvent& event) {
    effects.push_back(event.payload);
    s.schedule(event.lane, event.time_s + 1.0, EventType::custom, event.agent, 0, -event.payload);
  });
  scheduler.set_handler(EventType::custom, [&](TickScheduler&, const TickEvent& event) {
    customs.push_back(event.payload);
  });
  constexpr std::int64_t kLarge = std::numeric_limits<std::int64_t>::max();
  scheduler.schedule(0, 1.0, EventType::action_effect, heron::kNoAgent, 0, kLarge);
  scheduler.schedule(0, 1.0, EventType::env_update);
  CHECK(scheduler.run_until(0, 5.0) == 3);
  CHECK(effects == std::vector<std::int64_t>{kLarge});
  CHECK(customs == std::vector<std::int64_t>{-kLarge});
}

TEST_CASE("a tick arms the next one after its handler has scheduled what it leads to") {
  TickScheduler scheduler;
  const std::int32_t agent = scheduler.register_agent(every(1.0));
  std::vector<EventType> order;
  scheduler.set_handler(EventType::agent_tick, [&](TickScheduler& s, const TickEvent& event) {
    order.push_back(event.type);
    s.schedule(event.lane, event.time_s + 1.0, EventType::action_effect, agent);
  });
  scheduler.set_handler(EventType::action_effect, [&](TickScheduler&, const TickEvent& event) {
    order.push_back(event.type);
  });
  scheduler.run_until(0, 1.0);
  CHECK(order ==
        std::vector{EventType::agent_tick, EventType::action_effect, EventType::agent_tick});
}

TEST_CASE("lanes give the same for one thread, for two and for more than there are lanes") {
  const auto one = ticks(5, 1, 50.0);
  CHECK(one.front().size() > 200);
  CHECK(ticks(5, 2, 50.0) == one);
  CHECK(ticks(5, 8, 50.0) == one);
}

TEST_CASE("what an agent draws does not depend on how many lanes there are") {
  const auto many = ticks(4, 1, 20.0);
  CHECK(ticks(2, 1, 20.0)[1] == many[1]);
}

TEST_CASE("a handler's error passes through, its agent goes on and so do the other lanes") {
  TickScheduler scheduler(3);
  scheduler.register_agent(every(1.0));
  scheduler.set_handler(EventType::agent_tick, [](TickScheduler&, const TickEvent& event) {
    if (event.time_s == 2.0 && event.lane > 0) {
      throw std::runtime_error("lane " + std::to_string(event.lane));
    }
  });
  CHECK_THROWS_WITH(scheduler.run_all_until(4.0, 2), "lane 1");
  CHECK(scheduler.now_s(0) == 4.0);
  CHECK(scheduler.now_s(1) == 2.0);
  CHECK(scheduler.now_s(2) == 2.0);
  CHECK(scheduler.run_until(1, 4.0) == 2);
}

TEST_CASE("decisions surface lane by lane while other agents are handled natively") {
  TickScheduler scheduler(2);
  const std::int32_t native = scheduler.register_agent(every(1.0));
  const std::int32_t decider = scheduler.register_agent(every(5.0), 2.5);
  scheduler.set_surfacing(native, false);
  int n_handled = 0;
  scheduler.set_handler(EventType::agent_tick,
                        [&](TickScheduler&, const TickEvent&) { ++n_handled; });
  DueEvents due;
  scheduler.next_due(4.0, due);
  CHECK(due.lane == std::vector{0, 1});
  CHECK(due.agent == std::vector{decider, decider});
  CHECK(due.time_s == std::vector{2.5, 2.5});
  CHECK(n_handled == 6);
  scheduler.next_due(4.0, due);
  CHECK(due.size() == 0);
  CHECK(scheduler.now_s(0) == 4.0);
  scheduler.next_due(8.0, due);
  CHECK(due.time_s == std::vector{7.5, 7.5});
}

TEST_CASE("a million ticks, and what they schedule, allocate nothing") {
  TickScheduler scheduler(1, 3);
  for (int agent = 0; agent < 100; ++agent) scheduler.register_agent(every(1.0, Jitter::uniform));
  scheduler.set_handler(EventType::agent_tick, [](TickScheduler& s, const TickEvent& event) {
    s.schedule(event.lane, event.time_s + 0.5, EventType::action_effect, event.agent);
  });
  scheduler.run_until(0, 10.0);
  const std::uint64_t n_before = heron_tests::n_allocation();
  CHECK(scheduler.run_until(0, 1e6, 1'000'000) == 1'000'000);
  CHECK(heron_tests::n_allocation() == n_before);
}

TEST_CASE("decisions of other lanes are returned even if a native handler throws") {
  TickScheduler scheduler(2);
  scheduler.register_agent(every(5.0), 1.0);
  scheduler.schedule(1, 0.5, EventType::custom);
  scheduler.set_handler(EventType::custom,
                        [](TickScheduler&, const TickEvent&) { throw std::runtime_error("boom"); });
  DueEvents due;
  CHECK_THROWS_WITH(scheduler.next_due(4.0, due), "boom");
  CHECK(due.lane == std::vector{0});
}

TEST_CASE("bad arguments are refused and change nothing") {
  TickScheduler scheduler(2, 0, 10.0);
  CHECK_THROWS_AS(TickScheduler(0), heron::InvalidArgument);
  CHECK_THROWS_AS(scheduler.register_agent(every(0.0)), heron::InvalidArgument);
  CHECK_THROWS_AS(scheduler.register_agent(every(1.0), 9.0), heron::InvalidArgument);
  CHECK_THROWS_AS(scheduler.register_agent(every(1.0), kNan), heron::InvalidArgument);
  CHECK(scheduler.agents().empty());
  CHECK_THROWS_AS(scheduler.schedule(2, 10.0, EventType::custom), heron::InvalidArgument);
  CHECK_THROWS_AS(scheduler.schedule(0, 10.0, EventType::custom, 0), heron::InvalidArgument);
  const std::vector<std::int32_t> lanes{0, 1};
  const std::vector<double> times{11.0, 9.0};
  const std::vector<std::int32_t> nobody{-1, -1};
  const std::vector<std::int64_t> payloads{0, 0};
  CHECK_THROWS_AS(scheduler.schedule_batch(lanes, times, EventType::custom, nobody, 0, payloads),
                  heron::InvalidArgument);
  CHECK_THROWS_AS(scheduler.run_all_until(20.0, 0), heron::InvalidArgument);
  CHECK_THROWS_AS(scheduler.run_all_until(kNan), heron::InvalidArgument);
  CHECK_THROWS_AS(scheduler.run_until(0, kNan), heron::InvalidArgument);
  DueEvents due;
  CHECK_THROWS_AS(scheduler.next_due(kNan, due), heron::InvalidArgument);
  CHECK_THROWS_AS(static_cast<void>(scheduler.config_of(0)), heron::InvalidArgument);
  CHECK_FALSE(scheduler.is_live({.agent = 7}));
  CHECK_FALSE(scheduler.is_live({.agent = -7}));
  CHECK(scheduler.n_pending(0) == 0);
  CHECK(scheduler.n_pending(1) == 0);
}
