// Lanes on threads: what one thread computes, eight compute as well. Built with the thread
// sanitizer this also shows that lanes share nothing unguarded.
#include <doctest.h>

#include <cstdint>
#include <vector>

#include "heron/feature_table.hpp"
#include "heron/message_broker.hpp"
#include "heron/message_courier.hpp"
#include "heron/tick_scheduler.hpp"

namespace {

using heron::EventType;
using heron::TickEvent;

constexpr std::int32_t kLaneCount = 12;  // more than threads, and no multiple of them
constexpr std::int32_t kAgentCount = 9;
constexpr std::int32_t kSlotCount = kAgentCount;

heron::TickConfig timing() {
  heron::TickConfig config;
  config.tick_interval_s = 1.0;
  config.obs_delay_s = 1.5;
  config.act_delay_s = 0.25;
  config.msg_delay_s = 0.5;
  config.jitter = heron::Jitter::gaussian;
  config.jitter_ratio = 0.3;
  return config;
}

// What one lane saw, in order: enough to notice any event, draw, message or value that differs.
struct Record {
  double time_s;
  std::int32_t agent;
  EventType type;
  std::vector<std::int64_t> received;
  double observed;

  friend bool operator==(const Record&, const Record&) = default;
};

// Agents that observe the past, act late and write to each other around a ring; scheduler, broker,
// courier and table serve all lanes.
class Ring {
 public:
  Ring() : observer_(table_.add_observer(std::vector<std::int32_t>{0, kSlotCount - 1})) {
    for (std::int32_t agent = 0; agent < kAgentCount; ++agent) {
      scheduler_.register_agent(timing());
    }
    scheduler_.set_handler(EventType::agent_tick,
                           [this](auto&, const TickEvent& event) { tick(event); });
    scheduler_.set_handler(EventType::action_effect,
                           [this](auto&, const TickEvent& event) { take_effect(event); });
    courier_.attach();
  }

  void run(double t_end_s, int n_thread) { scheduler_.run_all_until(t_end_s, n_thread); }

  // The same by decision points: the caller ticks, threads do the rest.
  void decide(double t_end_s, int n_thread) {
    heron::DueEvents due;
    for (;;) {
      scheduler_.next_due(t_end_s, due, n_thread);
      if (due.size() == 0) break;
      for (std::size_t i = 0; i < due.size(); ++i) {
        tick({.time_s = due.time_s[i], .sequence = i, .lane = due.lane[i], .agent = due.agent[i]});
      }
    }
  }

  [[nodiscard]] const std::vector<std::vector<Record>>& records() const { return records_; }
  [[nodiscard]] std::vector<heron::CourierCounters> carried() const {
    std::vector<heron::CourierCounters> counters;
    for (std::int32_t lane = 0; lane < kLaneCount; ++lane) {
      counters.push_back(courier_.counters(lane));
    }
    return counters;
  }
  [[nodiscard]] heron::BrokerCounters queued() const { return broker_.counters(); }

 private:
  std::vector<Record>& record(std::int32_t lane) {
    return records_[static_cast<std::size_t>(lane)];
  }
  double& slot(std::int32_t lane, std::int32_t agent) {
    return table_.data()[static_cast<std::size_t>(agent) * table_.lane_stride() +
                         static_cast<std::size_t>(lane)];
  }

  void tick(const TickEvent& event) {
    const std::int32_t lane = event.lane;
    Record seen{event.time_s, event.agent, event.type, {}, observe(event)};
    std::vector<heron::Message> inbox;
    broker_.consume(channel_, event.agent, lane, inbox);
    for (const heron::Message& message : inbox) seen.received.push_back(message.payload);
    record(lane).push_back(seen);
    courier_.send(lane, channel_, event.agent, (event.agent + 1) % kAgentCount, 0,
                  static_cast<std::int64_t>(event.sequence));
    const double delay_s = scheduler_.draw_s(lane, event.agent, heron::Stream::act_delay);
    scheduler_.schedule(lane, event.time_s + delay_s, EventType::action_effect, event.agent, 0,
                        static_cast<std::int64_t>(seen.received.size()));
  }

  double observe(const TickEvent& event) {
    const double time_s =
        event.time_s - scheduler_.draw_s(event.lane, event.agent, heron::Stream::obs_delay);
    double row[2] = {};
    std::uint8_t is_stale = 0;
    table_.gather_as_of<double>({&observer_, 1}, {&event.lane, 1}, {&time_s, 1}, row, 2,
                                {&is_stale, 1});
    return is_stale != 0 ? -1.0 : row[0] + 100.0 * row[1];
  }

  void take_effect(const TickEvent& event) {
    slot(event.lane, event.agent) += static_cast<double>(event.payload);
    table_.snapshot({&event.lane, 1}, {&event.time_s, 1});
  }

  heron::FeatureTable table_{kSlotCount, kLaneCount, /*n_history=*/64};
  heron::TickScheduler scheduler_{kLaneCount, /*seed=*/5};
  heron::MessageBroker broker_{/*capacity=*/4};
  heron::MessageCourier courier_{
      scheduler_,
      broker_,
      {.loss = 0.1, .duplication = 0.1, .reordering = 0.2, .reordering_delay_s = 2.0},
      /*seed=*/5};
  std::int32_t channel_ = broker_.intern_channel("ring");
  std::int32_t observer_;
  std::vector<std::vector<Record>> records_{static_cast<std::size_t>(kLaneCount)};
};

void check_equal(const Ring& one, const Ring& eight) {
  CHECK(one.records() == eight.records());
  CHECK(one.carried() == eight.carried());
  CHECK(one.queued() == eight.queued());
}

}  // namespace

TEST_CASE("eight threads run lanes to the results of one") {
  Ring one;
  Ring eight;
  one.run(60.0, 1);
  for (const double t_end_s : {10.0, 25.0, 60.0}) eight.run(t_end_s, 8);
  check_equal(one, eight);
  CHECK(one.records()[0].size() > 400);
  CHECK(one.records()[0] != one.records()[1]);
  CHECK(one.queued().consumed > 0);
  CHECK(one.carried()[0].lost > 0);
}

TEST_CASE("decision points on eight threads are those of one") {
  Ring one;
  Ring eight;
  one.decide(20.0, 1);
  eight.decide(20.0, 8);
  check_equal(one, eight);
  CHECK(one.records()[0].size() > 100);
  CHECK(one.queued().consumed > 0);
}
