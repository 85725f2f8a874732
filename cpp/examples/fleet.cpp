// A winter day of 100 thermostats and a coordinator who keeps their total heat under a limit, with
// late observations, late actions, and messages that are delayed, lost, doubled and overtaken.
//
// Thermostats report their heat, the coordinator answers with set-points. fleet.c is the same
// program in C and prints the same numbers.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <heron/feature_layout.hpp>
#include <heron/feature_table.hpp>
#include <heron/message_broker.hpp>
#include <heron/message_courier.hpp>
#include <heron/tick_scheduler.hpp>
#include <string>
#include <vector>

#include "fleet.h"

namespace {

heron::TickConfig timing(double interval_s) {
  heron::TickConfig config;
  config.tick_interval_s = interval_s;
  config.obs_delay_s = 90.0;
  config.act_delay_s = 5.0;
  config.msg_delay_s = 2.0;
  config.jitter = heron::Jitter::uniform;
  config.min_delay_s = kMinDelay_s;
  return config;
}

heron::MessageFaults faults() {
  return {.loss = 0.05,
          .duplication = 0.02,
          .reordering = 0.1,
          .reordering_delay_s = 400.0,
          .outages = {{6.0 * kHour_s, 8.0 * kHour_s, /*sender=*/7}}};
}

class Fleet {
 public:
  Fleet();
  int run();

 private:
  void advance(double now_s);
  void control(int thermostat, double now_s);
  void coordinate(double now_s);
  void receive(std::int32_t channel, int recipient, double now_s);
  double* room(int number) { return table_.data() + number * kSlotCount; }  // one lane: stride 1

  heron::FeatureTable table_{kRoomCount * kSlotCount, /*n_lane=*/1, /*n_history=*/16};
  heron::TickScheduler scheduler_{/*n_lane=*/1, kSeed};
  heron::MessageBroker broker_{kCapacity};
  heron::MessageCourier courier_{scheduler_, broker_, faults(), kSeed};
  std::int32_t reports_ = broker_.intern_channel("reports");
  std::int32_t set_points_ = broker_.intern_channel("set points");
  std::vector<heron::Message> inbox_;
  double sent_s_[2][kRoomCount] = {};  // by type and room: the newest message that was read
  double reported_w_[kRoomCount] = {};
  double set_point_c_ = kFirstSetPoint_c;  // the coordinator's
  double error_sum_k_ = 0.0;
  int n_error_ = 0;
  double peak_w_ = 0.0;
  int n_too_early_ = 0;
};

Fleet::Fleet() {
  heron::FeatureLayout layout;
  for (int number = 0; number < kRoomCount; ++number) {
    room(number)[kTemperature_c] = kFirstRoom_c;
    room(number)[kSetPoint_c] = set_point_c_;
    const std::string name = "room " + std::to_string(number);
    layout.add_block(name, "climate", kSlotCount, /*owner_level=*/1, heron::kVisibleToOwner);
    table_.add_observer(layout.visible_slots(name, /*requestor_level=*/1));
    scheduler_.register_agent(timing(kThermostat_s));
  }
  scheduler_.register_agent(timing(kCoordinator_s));
  scheduler_.set_handler(heron::EventType::agent_tick, [this](auto&, const auto& event) {
    event.agent == kCoordinator ? coordinate(event.time_s) : control(event.agent, event.time_s);
  });
  scheduler_.set_handler(heron::EventType::action_effect, [this](auto&, const auto& event) {
    room(event.agent)[kHeat_w] = static_cast<double>(event.payload);
  });
  scheduler_.set_handler(heron::EventType::env_update,
                         [this](auto&, const auto& event) { advance(event.time_s); });
  courier_.attach();
  scheduler_.schedule(kLane, kStep_s, heron::EventType::env_update);
}

// The physics of the last step, then a snapshot for those who look back.
void Fleet::advance(double now_s) {
  double total_w = 0.0;
  for (int number = 0; number < kRoomCount; ++number) {
    double* const slots = room(number);
    const double heat_w = slots[kHeat_w] - loss_w(number, slots[kTemperature_c], now_s);
    slots[kTemperature_c] += kStep_s * heat_w / kRoom_j_per_k;
    error_sum_k_ += std::abs(slots[kTemperature_c] - slots[kSetPoint_c]);
    ++n_error_;
    total_w += slots[kHeat_w];
  }
  peak_w_ = std::max(peak_w_, total_w);
  table_.snapshot_all(now_s);
  scheduler_.schedule(kLane, now_s + kStep_s, heron::EventType::env_update);
}

// A thermostat sees its room as it was some time ago, and what it does takes effect later.
void Fleet::control(int thermostat, double now_s) {
  const std::int32_t lane = kLane;
  receive(set_points_, thermostat, now_s);
  const double as_of_s = now_s - scheduler_.draw_s(kLane, thermostat, heron::Stream::obs_delay);
  double seen[kSlotCount] = {};
  std::uint8_t is_stale = 0;
  table_.gather_as_of<double>({&thermostat, 1}, {&lane, 1}, {&as_of_s, 1}, seen, kSlotCount,
                              {&is_stale, 1});
  if (is_stale != 0) return;  // nothing is as old as that yet
  const double wanted_w = kGain_w_per_k * (seen[kSetPoint_c] - seen[kTemperature_c]);
  const auto heat_w = static_cast<std::int64_t>(clamp(wanted_w, 0.0, kMaxHeat_w));
  const double effect_s = now_s + scheduler_.draw_s(kLane, thermostat, heron::Stream::act_delay);
  scheduler_.schedule(kLane, effect_s, heron::EventType::action_effect, thermostat, 0, heat_w);
  courier_.send(kLane, reports_, thermostat, kCoordinator, kReport, heat_w);
}

// The coordinator moves the set-point to the hour's, or down while the rooms report too much.
void Fleet::coordinate(double now_s) {
  receive(reports_, kCoordinator, now_s);
  double total_w = 0.0;
  for (const double heat_w : reported_w_) total_w += heat_w;
  set_point_c_ += clamp(wanted_c(now_s, total_w) - set_point_c_, -kSetPointStep_k, kSetPointStep_k);
  const auto payload = static_cast<std::int64_t>(1000.0 * set_point_c_);
  for (int number = 0; number < kRoomCount; ++number) {
    courier_.send(kLane, set_points_, kCoordinator, number, kSetPoint, payload);
  }
}

// Messages overtake each other: one sent before the newest that was read is out of date.
void Fleet::receive(std::int32_t channel, int recipient, double now_s) {
  inbox_.clear();
  broker_.consume(channel, recipient, kLane, inbox_);
  for (const heron::Message& message : inbox_) {
    if (now_s < message.time_s + kMinDelay_s) ++n_too_early_;
    const int number = message.type == kReport ? message.sender : recipient;
    double& newest_s = sent_s_[message.type][number];
    if (message.time_s < newest_s) continue;
    newest_s = message.time_s;
    const auto value = static_cast<double>(message.payload);
    if (message.type == kReport) {
      reported_w_[number] = value;
    } else {
      room(number)[kSetPoint_c] = value / 1000.0;
    }
  }
}

int Fleet::run() {
  const std::uint64_t n_event = scheduler_.run_until(kLane, kDay_s);
  const heron::CourierCounters sent = courier_.counters(kLane);
  const heron::BrokerCounters queued = broker_.counters();
  const std::uint64_t n_in_flight = courier_.n_in_flight(kLane);
  const auto print = [](const char* name, std::uint64_t n) {
    std::printf("%-11s %9llu\n", name, static_cast<unsigned long long>(n));
  };
  print("events", n_event);
  print("sent", sent.sent);
  print("lost", sent.lost);
  print("in outage", sent.outage);
  print("duplicated", sent.duplicated);
  print("delivered", sent.delivered);
  print("in flight", n_in_flight);
  print("unread", broker_.n_unread());
  std::printf("error [K]   %9.4f\n", error_sum_k_ / n_error_);
  std::printf("peak [kW]   %9.3f\n", peak_w_ / 1000.0);

  const bool is_closed =
      sent.sent + sent.duplicated == sent.delivered + sent.lost + sent.outage + n_in_flight &&
      sent.delivered == queued.published &&
      queued.published == queued.consumed + broker_.n_unread();
  if (!is_closed) std::fputs("the counters of messages do not close\n", stderr);
  if (n_too_early_ > 0) std::fputs("a message arrived before it could\n", stderr);
  return is_closed && n_too_early_ == 0 ? 0 : 1;
}

}  // namespace

int main() { return Fleet().run(); }
