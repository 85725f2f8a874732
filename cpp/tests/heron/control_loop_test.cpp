#include "heron/control_loop.hpp"

#include <doctest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "allocations.hpp"
#include "heron/error.hpp"
#include "heron/priority.hpp"

namespace {

using heron::CommandCounters;
using heron::ControlLoop;
using heron::Decisions;
using heron::Effects;
using heron::Jitter;
using heron::MessageFaults;
using heron::TickConfig;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

TickConfig every(double interval_s, double msg_delay_s = 0.0, double act_delay_s = 0.0) {
  TickConfig config;
  config.tick_interval_s = interval_s;
  config.msg_delay_s = msg_delay_s;
  config.act_delay_s = act_delay_s;
  return config;
}

TickConfig jittered(double interval_s, double delay_s) {
  TickConfig config = every(interval_s, delay_s, delay_s);
  config.obs_delay_s = delay_s;
  config.jitter = Jitter::uniform;
  config.jitter_ratio = 0.5;
  return config;
}

// One agent that decides and one that obeys it.
ControlLoop pair(const TickConfig& decider, const TickConfig& member, MessageFaults faults = {},
                 std::int32_t n_lane = 1) {
  return {n_lane, 10.0, std::vector<std::int32_t>{-1, 0}, std::vector{decider, member},
          std::move(faults)};
}

// Three microgrids with 3, 3 and 4 devices, of which the second comes before its coordinator.
const std::vector<std::int32_t> kOwner{-1, 0, 0, 0, 7, 7, 7, -1, -1, 8, 8, 8, 8};
std::vector<TickConfig> fleet_configs() {
  std::vector<TickConfig> configs(kOwner.size(), jittered(1.0, 0.3));
  return configs;
}
MessageFaults noisy() {
  return {.loss = 0.1, .duplication = 0.1, .reordering = 0.2, .reordering_delay_s = 2.0};
}

// Answer with a number that rises, interval by interval.
struct Driver {
  ControlLoop& loop;
  int n_thread = 1;
  std::int64_t next_payload = 0;
  std::vector<std::int64_t> payloads{};

  const Effects& run_interval() {
    for (;;) {
      const std::size_t n_due = loop.next_due(n_thread).size();
      if (n_due == 0) return loop.end_interval();
      payloads.clear();
      for (std::size_t i = 0; i < n_due; ++i) payloads.push_back(next_payload++);
      loop.answer(payloads, n_thread);
    }
  }
};

struct Record {
  std::int32_t lane;
  std::int32_t member;
  double time_s;
  std::int64_t payload;

  friend bool operator==(const Record&, const Record&) = default;
};

std::vector<Record> records(Driver driver, int n_interval) {
  std::vector<Record> all;
  for (int k = 0; k < n_interval; ++k) {
    const Effects& effects = driver.run_interval();
    for (std::size_t i = 0; i < effects.size(); ++i) {
      all.push_back({effects.lane[i], effects.member[i], effects.time_s[i], effects.payload[i]});
    }
  }
  return all;
}

}  // namespace

TEST_CASE("without delays a decision takes effect at its own instant, in order of the members") {
  ControlLoop loop(1, 10.0, std::vector<std::int32_t>{1, -1, 1}, std::vector(3, every(10.0)));
  Driver driver{loop};
  for (int k = 0; k < 3; ++k) {
    const Effects& effects = driver.run_interval();
    CHECK(effects.member == std::vector{0, 1});
    CHECK(effects.time_s == std::vector{10.0 * k, 10.0 * k});
    CHECK(effects.payload == std::vector<std::int64_t>{k, k});
  }
  CHECK(loop.interval_start_s(0) == 30.0);
  CHECK(loop.counters(0) == CommandCounters{.sent = 6, .delivered = 6, .applied = 6});
}

TEST_CASE("a command travels, waits for its member's tick, and takes effect later still") {
  TickConfig decider = every(100.0, 2.0);
  decider.obs_delay_s = 30.0;
  ControlLoop loop = pair(decider, every(3.0, 0.0, 0.5));
  const Decisions& due = loop.next_due();
  CHECK(due.agent == std::vector{0});
  CHECK(due.time_s == std::vector{0.0});
  CHECK(due.as_of_s == std::vector{-30.0});
  loop.answer(std::vector<std::int64_t>{7});
  CHECK(loop.next_due().size() == 0);
  const Effects& effects = loop.end_interval();
  CHECK(effects.time_s == std::vector{3.5});
  CHECK(effects.payload == std::vector<std::int64_t>{7});
  CHECK(loop.counters(0).latency_sum_s == 3.5);
  CHECK(loop.counters(0).latency_max_s == 3.5);
}

TEST_CASE("a decision or effect at the environment's update belongs to the next interval") {
  ControlLoop loop = pair(every(10.0, 5.0), every(5.0, 0.0, 5.0));
  Driver driver{loop};
  CHECK(driver.run_interval().size() == 0);
  CHECK(driver.run_interval().time_s == std::vector{10.0});
  CHECK(driver.run_interval().time_s == std::vector{20.0});
}

TEST_CASE("a command that is replaced before its member's tick is superseded") {
  ControlLoop loop = pair(every(1.0), every(4.0));
  Driver driver{loop};
  const Effects& effects = driver.run_interval();
  CHECK(effects.time_s == std::vector{0.0, 4.0, 8.0});
  CHECK(effects.payload == std::vector<std::int64_t>{0, 4, 8});
  CHECK(loop.counters(0).superseded == 6);
  CHECK(loop.oldest_payload(0) == 9);
}

TEST_CASE("no command leaves the members as they were") {
  ControlLoop loop = pair(every(5.0), every(5.0));
  loop.next_due();
  loop.answer(std::vector<std::int64_t>{ControlLoop::kNoCommand});
  loop.next_due();
  loop.answer(std::vector<std::int64_t>{4});
  CHECK(loop.next_due().size() == 0);
  CHECK(loop.end_interval().time_s == std::vector{5.0});
  CHECK(loop.counters(0).sent == 1);
}

TEST_CASE("deciders of one level surface together, those of a higher one before them") {
  const std::vector<std::int32_t> owner{-1, -1, -1};
  const std::vector<std::int32_t> level{heron::kCoordinatorTickPriority, heron::kSystemTickPriority,
                                        heron::kCoordinatorTickPriority};
  ControlLoop loop(2, 10.0, owner, std::vector(3, every(10.0)), {}, level);
  const Decisions& due = loop.next_due();
  CHECK(due.lane == std::vector{0, 1});
  CHECK(due.agent == std::vector{1, 1});
  loop.answer(std::vector<std::int64_t>{0, 0});
  loop.next_due();
  CHECK(due.lane == std::vector{0, 0, 1, 1});
  CHECK(due.agent == std::vector{0, 2, 0, 2});
}

TEST_CASE("an agent that is woken decides once more, at most once at an instant") {
  ControlLoop loop = pair(every(4.0), every(4.0));
  loop.next_due();
  loop.wake(0, 0, 0.0);  // has decided at 0
  loop.wake(0, 0, 3.0);
  loop.wake(0, 0, 4.0);  // ticks then anyway
  loop.wake(0, 0, 12.0);
  std::vector<double> times_s;
  for (int k = 0; k < 2; ++k) {
    if (k == 0) loop.answer(std::vector<std::int64_t>{0});
    for (;;) {
      const Decisions& due = loop.next_due();
      if (due.size() == 0) break;
      times_s.push_back(due.time_s[0]);
      loop.answer(std::vector<std::int64_t>{0});
    }
    loop.end_interval();
  }
  CHECK(times_s == std::vector{3.0, 4.0, 8.0, 12.0, 16.0});
}

TEST_CASE("a lane that waits goes on if it is woken before its update") {
  ControlLoop loop = pair(every(100.0), every(1.0));
  Driver driver{loop};
  driver.run_interval();
  CHECK(loop.next_due().size() == 0);
  loop.wake(0, 0, 19.5);
  CHECK_THROWS_AS(loop.end_interval(), heron::InvalidArgument);
  CHECK(loop.next_due().time_s == std::vector{19.5});
  loop.answer(std::vector<std::int64_t>{5});
  CHECK_THROWS_AS(loop.end_interval(), heron::InvalidArgument);
  CHECK(loop.next_due().size() == 0);
  CHECK(loop.end_interval().size() == 0);
  CHECK(driver.run_interval().time_s == std::vector{20.0});
}

TEST_CASE("an outage loses what is sent meanwhile, in its lane and episode") {
  ControlLoop loop = pair(every(1.0), every(1.0), {.outages = {{2.0, 4.0, 0}}}, 2);
  loop.set_outage(1, 5.0, kInfinity);
  loop.set_outage(0, 0.0, kInfinity, 1);  // does not send
  Driver driver{loop};
  driver.run_interval();
  CHECK(loop.counters(0).outage == 2);
  CHECK(loop.counters(1).outage == 7);
  loop.reset(1, 0, 1);
  CHECK(loop.counters(1) == CommandCounters{});
  for (const double time_s : {10.0, 11.0}) {
    CHECK(loop.next_due().time_s == std::vector{time_s, time_s - 10.0});
    loop.answer(std::vector<std::int64_t>{0, 0});
  }
}

TEST_CASE("a reset takes back the decisions of its lane") {
  ControlLoop loop = pair(every(10.0), every(10.0), {}, 2);
  loop.next_due();
  loop.reset(0, 5);
  CHECK_THROWS_AS(loop.answer(std::vector<std::int64_t>{1, 2}), heron::InvalidArgument);
  loop.answer(std::vector<std::int64_t>{2});
  CHECK(loop.next_due().lane == std::vector{0});
  loop.answer(std::vector<std::int64_t>{1});
  CHECK(loop.next_due().size() == 0);
  CHECK(loop.end_interval().payload == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("lanes give the same for one thread and for eight, alone and in a batch") {
  ControlLoop one(12, 1.0, kOwner, fleet_configs(), noisy());
  ControlLoop eight(12, 1.0, kOwner, fleet_configs(), noisy());
  for (std::int32_t lane = 0; lane < 12; ++lane) {
    one.reset(lane, 3, static_cast<std::uint64_t>(lane));
    eight.reset(lane, 3, static_cast<std::uint64_t>(lane));
  }
  const auto found = records({one}, 50);
  CHECK(records({eight, 8}, 50) == found);
  CHECK(found.size() > 4000);
  for (std::int32_t lane = 0; lane < 12; ++lane) CHECK(one.counters(lane) == eight.counters(lane));

  ControlLoop alone(1, 1.0, kOwner, fleet_configs(), noisy());
  alone.reset(0, 3, 7);
  const auto expected = records({alone}, 50);
  CHECK(one.counters(7) == alone.counters(0));
  std::size_t n = 0;
  for (const Record& record : found) {
    if (record.lane != 7) continue;
    REQUIRE(n < expected.size());
    CHECK(record.member == expected[n].member);
    CHECK(record.time_s == expected[n].time_s);
    ++n;
  }
  CHECK(n == expected.size());
}

TEST_CASE("commands add up, and their numbers come free") {
  ControlLoop loop(1, 1.0, kOwner, fleet_configs(), noisy());
  Driver driver{loop};
  for (int k = 0; k < 200; ++k) {
    driver.run_interval();
    CHECK(loop.oldest_payload(0) > driver.next_payload - 40);
  }
  for (int k = 0; k < 20; ++k) {  // nothing more is sent
    while (const std::size_t n_due = loop.next_due().size()) {
      loop.answer(std::vector<std::int64_t>(n_due, ControlLoop::kNoCommand));
    }
    loop.end_interval();
  }
  CHECK(loop.oldest_payload(0) == ControlLoop::kNoPayload);
  const CommandCounters c = loop.counters(0);
  CHECK(c.sent + c.duplicated == c.delivered + c.lost + c.outage);
  CHECK(c.delivered == c.applied + c.superseded);
  CHECK(c.lost > 0);
  CHECK(c.held_back > 0);
  CHECK(c.superseded > 0);
  CHECK(c.latency_sum_s > 0.3 * static_cast<double>(c.applied));
}

TEST_CASE("a hundred thousand decisions allocate nothing") {
  ControlLoop loop(8, 1.0, kOwner, fleet_configs(), noisy());
  Driver driver{loop};
  for (int k = 0; k < 4000; ++k) driver.run_interval();  // the most that are on their way
  const std::uint64_t before = heron_tests::n_allocation();
  for (int k = 0; k < 4200; ++k) driver.run_interval();
  CHECK(heron_tests::n_allocation() == before);
  CHECK(driver.next_payload > 100'000);
}

TEST_CASE("what cannot be is refused, and changes nothing") {
  const std::vector<std::int32_t> owner{-1, 0};
  const std::vector<TickConfig> configs(2, every(5.0));
  const auto make = [&](std::int32_t n_lane, double step_s, const std::vector<std::int32_t>& who,
                        const std::vector<TickConfig>& when, MessageFaults faults = {},
                        const std::vector<std::int32_t>& level = {}) {
    ControlLoop loop(n_lane, step_s, who, when, std::move(faults), level);
  };
  CHECK_THROWS_AS(make(0, 10.0, owner, configs), heron::InvalidArgument);
  for (const double step_s : {0.0, -1.0, kNan, kInfinity, 1e13}) {
    CHECK_THROWS_AS(make(1, step_s, owner, configs), heron::InvalidArgument);
  }
  CHECK_THROWS_AS(make(1, 10.0, {}, {}), heron::InvalidArgument);
  CHECK_THROWS_AS(make(1, 10.0, {-1, 2}, configs), heron::InvalidArgument);
  CHECK_THROWS_AS(make(1, 10.0, {-1, 1}, configs), heron::InvalidArgument);
  CHECK_THROWS_AS(make(1, 10.0, {-1}, configs), heron::InvalidArgument);
  CHECK_THROWS_AS(make(1, 10.0, owner, {configs[0], every(0.0)}), heron::InvalidArgument);
  TickConfig wild = jittered(1.0, 1e11);
  wild.jitter_ratio = 1e300;
  CHECK_THROWS_AS(make(1, 10.0, owner, {configs[0], wild}), heron::InvalidArgument);
  CHECK_THROWS_AS(make(1, 10.0, owner, configs, {.loss = 2.0}), heron::InvalidArgument);
  CHECK_THROWS_AS(make(1, 10.0, owner, configs, {.reordering_delay_s = 1e13}),
                  heron::InvalidArgument);
  CHECK_THROWS_AS(make(1, 10.0, owner, configs, {}, {3}), heron::InvalidArgument);
  CHECK_THROWS_AS(make(1, 10.0, owner, configs, {}, {4, 4}), heron::InvalidArgument);
  CHECK_THROWS_AS(make(1, 10.0, owner, configs, {}, {3, 3}), heron::InvalidArgument);

  ControlLoop loop = pair(every(5.0), every(5.0));
  CHECK_THROWS_AS(loop.end_interval(), heron::InvalidArgument);
  CHECK_THROWS_AS(loop.next_due(0), heron::InvalidArgument);
  CHECK(loop.next_due().size() == 1);
  CHECK_THROWS_AS(loop.next_due(), heron::InvalidArgument);
  CHECK_THROWS_AS(loop.answer({}), heron::InvalidArgument);
  CHECK_THROWS_AS(loop.answer(std::vector<std::int64_t>{-2}), heron::InvalidArgument);
  CHECK_THROWS_AS(loop.answer(std::vector<std::int64_t>{1}, 0), heron::InvalidArgument);
  CHECK_THROWS_AS(loop.wake(0, 1, 6.0), heron::InvalidArgument);
  CHECK_THROWS_AS(loop.wake(0, 2, 6.0), heron::InvalidArgument);
  CHECK_THROWS_AS(loop.wake(1, 0, 6.0), heron::InvalidArgument);
  for (const double time_s : {-1.0, kNan, kInfinity}) {
    CHECK_THROWS_AS(loop.wake(0, 0, time_s), heron::InvalidArgument);
  }
  CHECK_THROWS_AS(loop.set_outage(0, 2.0, 2.0), heron::InvalidArgument);
  CHECK_THROWS_AS(loop.set_outage(0, 0.0, 2.0, 2), heron::InvalidArgument);
  CHECK_THROWS_AS(loop.set_outage(1, 0.0, 2.0), heron::InvalidArgument);
  CHECK_THROWS_AS(loop.reset(1, 0), heron::InvalidArgument);
  CHECK_THROWS_AS(static_cast<void>(loop.counters(-1)), heron::InvalidArgument);
  loop.answer(std::vector<std::int64_t>{1});
  CHECK(loop.counters(0).sent == 1);
  CHECK(loop.next_due().time_s == std::vector{5.0});
}
