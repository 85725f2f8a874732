// A winter day of 100 thermostats and a coordinator who keeps their total heat under a limit, with
// late observations, late actions, and messages that are delayed, lost, doubled and overtaken.
//
// Thermostats report their heat, the coordinator answers with set-points. fleet.c is the same
// program in C and prints the same numbers.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include <heron/feature_layout.hpp>
#include <heron/feature_table.hpp>
#include <heron/message_broker.hpp>
#include <heron/message_courier.hpp>
#include <heron/tick_scheduler.hpp>

namespace {

constexpr std::int32_t kRoomCount = 100;    // rooms, and their thermostats, are 0 to 99
constexpr std::int32_t kCoordinator = 100;  // the agent registered after them
constexpr std::int32_t kLane = 0;           // one building, one clock
constexpr double kHour_s = 3600.0;
constexpr double kDay_s = 24.0 * kHour_s;
constexpr double kStep_s = 60.0;             // of the rooms' physics
constexpr double kMinDelay_s = 0.1;          // of every message
constexpr double kCapacity_j_per_k = 1.5e6;  // of a room
constexpr double kMaxHeat_w = 4000.0;
constexpr double kGain_w_per_k = 2000.0;  // of a thermostat
constexpr double kTotalLimit_w = 200e3;
constexpr std::uint64_t kSeed = 2024;
constexpr std::int32_t kReport = 0, kSetPoint = 1;  // types of message
constexpr std::size_t kTemperature_c = 0, kSetPoint_c = 1, kHeat_w = 2, kRoomSlots = 3;

double outdoor_c(double time_s) {  // -8 at 4:00, 8 at 16:00, straight in between
  return 8.0 - 16.0 * std::abs(time_s - 16.0 * kHour_s) / (12.0 * kHour_s);
}

heron::TickConfig timing(double interval_s, double obs_delay_s) {
  heron::TickConfig config;
  config.tick_interval_s = interval_s;
  config.obs_delay_s = obs_delay_s;
  config.act_delay_s = 5.0;
  config.msg_delay_s = 2.0;
  config.jitter = heron::Jitter::uniform;
  config.min_delay_s = kMinDelay_s;
  return config;
}

heron::FeatureLayout rooms() {
  heron::FeatureLayout layout;
  for (std::int32_t room = 0; room < kRoomCount; ++room) {
    layout.add_block("room " + std::to_string(room), "climate", kRoomSlots, 1,
                     heron::kVisibleToOwner);
  }
  return layout;
}

class Fleet {
 public:
  Fleet();
  int run();

 private:
  double& room(std::int32_t number, std::size_t slot) {
    return table_
        .data()[(static_cast<std::size_t>(number) * kRoomSlots + slot) * table_.lane_stride()];
  }
  void advance(double now_s);
  void control(std::int32_t thermostat, double now_s);
  void coordinate(double now_s);
  void receive(std::int32_t channel, std::int32_t recipient, double now_s);

  heron::FeatureLayout layout_ = rooms();
  heron::FeatureTable table_{layout_.n_slot(), /*n_lane=*/1, /*n_history=*/16};
  heron::TickScheduler scheduler_{/*n_lane=*/1, kSeed};
  heron::MessageBroker broker_;
  heron::MessageCourier courier_{scheduler_,
                                 broker_,
                                 {.loss = 0.05,
                                  .duplication = 0.02,
                                  .reordering = 0.1,
                                  .reordering_delay_s = 400.0,
                                  .outages = {{6.0 * kHour_s, 8.0 * kHour_s, 7}}},
                                 kSeed};
  std::int32_t reports_ = broker_.intern_channel("reports");
  std::int32_t set_points_ = broker_.intern_channel("set points");
  std::vector<heron::Message> inbox_;
  std::array<double, kRoomCount> set_point_sent_s_{};  // newest set-point that a room has read
  std::array<double, kRoomCount> report_sent_s_{};     // newest report of a room that was read
  std::array<double, kRoomCount> reported_w_{};
  double setback_k_ = 0.0;  // what the coordinator takes off to stay under the limit
  double error_sum_k_ = 0.0;
  double peak_w_ = 0.0;
  std::uint64_t n_too_early_ = 0;
};

Fleet::Fleet() {
  for (std::int32_t number = 0; number < kRoomCount; ++number) {
    room(number, kTemperature_c) = 16.0;
    room(number, kSetPoint_c) = 18.0;
    table_.add_observer(layout_.visible_slots("room " + std::to_string(number), /*level=*/1));
    scheduler_.register_agent(timing(60.0, 90.0));
  }
  scheduler_.register_agent(timing(300.0, 0.0));
  scheduler_.set_handler(heron::EventType::agent_tick, [this](auto&, const auto& event) {
    event.agent == kCoordinator ? coordinate(event.time_s) : control(event.agent, event.time_s);
  });
  scheduler_.set_handler(heron::EventType::action_effect, [this](auto&, const auto& event) {
    room(event.agent, kHeat_w) = static_cast<double>(event.payload);
  });
  scheduler_.set_handler(heron::EventType::env_update,
                         [this](auto&, const auto& event) { advance(event.time_s); });
  courier_.attach();
  scheduler_.schedule(kLane, kStep_s, heron::EventType::env_update);
}

// The physics: heat and losses of the last step, then a snapshot that observations look back to.
void Fleet::advance(double now_s) {
  double total_w = 0.0;
  for (std::int32_t number = 0; number < kRoomCount; ++number) {
    const double loss_w_per_k = 80.0 + 0.4 * number;
    double& temperature_c = room(number, kTemperature_c);
    const double loss_w = loss_w_per_k * (temperature_c - outdoor_c(now_s));
    temperature_c += kStep_s * (room(number, kHeat_w) - loss_w) / kCapacity_j_per_k;
    error_sum_k_ += std::abs(temperature_c - room(number, kSetPoint_c));
    total_w += room(number, kHeat_w);
  }
  peak_w_ = std::max(peak_w_, total_w);
  table_.snapshot_all(now_s);
  scheduler_.schedule(kLane, now_s + kStep_s, heron::EventType::env_update);
}

// A thermostat sees its room as it was some time ago, and what it does takes effect later.
void Fleet::control(std::int32_t thermostat, double now_s) {
  receive(set_points_, thermostat, now_s);
  const double as_of_s = now_s - scheduler_.draw_s(kLane, thermostat, heron::Stream::obs_delay);
  std::array<double, kRoomSlots> seen{};
  std::uint8_t is_stale = 0;
  table_.gather_as_of<double>({&thermostat, 1}, {&kLane, 1}, {&as_of_s, 1}, seen, seen.size(),
                              {&is_stale, 1});
  if (is_stale != 0) return;
  const double error_k = seen[kSetPoint_c] - seen[kTemperature_c];
  const auto heat_w =
      static_cast<std::int64_t>(std::clamp(kGain_w_per_k * error_k, 0.0, kMaxHeat_w));
  scheduler_.schedule(kLane, now_s + scheduler_.draw_s(kLane, thermostat, heron::Stream::act_delay),
                      heron::EventType::action_effect, thermostat, 0, heat_w);
  courier_.send(kLane, reports_, thermostat, kCoordinator, kReport, heat_w);
}

// The coordinator lowers all set-points a little while the reported total is above the limit.
void Fleet::coordinate(double now_s) {
  receive(reports_, kCoordinator, now_s);
  double total_w = 0.0;
  for (const double heat_w : reported_w_) total_w += heat_w;
  setback_k_ = total_w > kTotalLimit_w ? setback_k_ + 0.1 : std::max(setback_k_ - 0.1, 0.0);
  const double hour = now_s / kHour_s;
  const double wanted_c = (hour >= 6.0 && hour < 22.0 ? 21.0 : 18.0) - setback_k_;
  for (std::int32_t number = 0; number < kRoomCount; ++number) {
    courier_.send(kLane, set_points_, kCoordinator, number, kSetPoint,
                  static_cast<std::int64_t>(std::lround(1000.0 * wanted_c)));
  }
}

// Messages overtake each other: only what was sent after the newest one that was read counts.
void Fleet::receive(std::int32_t channel, std::int32_t recipient, double now_s) {
  inbox_.clear();
  broker_.consume(channel, recipient, kLane, inbox_);
  for (const heron::Message& message : inbox_) {
    if (now_s < message.time_s + kMinDelay_s) ++n_too_early_;
    const bool is_report = message.type == kReport;
    const std::int32_t number = is_report ? message.sender : recipient;
    double& newest_s =
        (is_report ? report_sent_s_ : set_point_sent_s_)[static_cast<std::size_t>(number)];
    if (message.time_s < newest_s) continue;
    newest_s = message.time_s;
    const auto value = static_cast<double>(message.payload);
    if (is_report) {
      reported_w_[static_cast<std::size_t>(number)] = value;
    } else {
      room(number, kSetPoint_c) = value / 1000.0;
    }
  }
}

int Fleet::run() {
  const std::uint64_t n_event = scheduler_.run_until(kLane, kDay_s);
  const heron::CourierCounters sent = courier_.counters(kLane);
  const heron::BrokerCounters queued = broker_.counters();
  const std::uint64_t n_in_flight = courier_.n_in_flight(kLane);
  const auto print = [](const char* name, std::uint64_t n) {
    std::printf("%-12s %9llu\n", name, static_cast<unsigned long long>(n));
  };
  print("events", n_event);
  print("sent", sent.sent);
  print("lost", sent.lost);
  print("in outage", sent.outage);
  print("duplicated", sent.duplicated);
  print("delivered", sent.delivered);
  print("in flight", n_in_flight);
  print("unread", broker_.n_unread());
  std::printf("error [K]    %9.4f\n", error_sum_k_ / (kRoomCount * kDay_s / kStep_s));
  std::printf("peak [kW]    %9.3f\n", peak_w_ / 1000.0);

  const bool is_closed =
      sent.sent + sent.duplicated == sent.delivered + sent.lost + sent.outage + n_in_flight &&
      queued.published == sent.delivered &&
      queued.published == queued.consumed + broker_.n_unread();
  if (!is_closed) std::fputs("the counters of messages do not close\n", stderr);
  if (n_too_early_ > 0) std::fputs("a message arrived before it could\n", stderr);
  return is_closed && n_too_early_ == 0 ? 0 : 1;
}

}  // namespace

int main() { return Fleet().run(); }
