#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "heron/event_queue.hpp"
#include "heron/tick_config.hpp"

namespace heron {

enum class EventType : std::uint8_t {
  agent_tick,
  action_effect,
  message_delivery,
  observation_ready,
  env_update,
  custom,
};
inline constexpr std::size_t kEventTypeCount = 6;

// Agents by the number that registering gave them; kNoAgent for events that belong to none.
inline constexpr std::int32_t kNoAgent = -1;

// Throws InvalidArgument if a run could not end there: at NaN.
void check_end(double t_end_s);

// One event as it is handled.
struct TickEvent {
  double time_s = 0.0;
  std::int32_t priority = 0;
  std::uint64_t sequence = 0;  // counted from 0 in each lane
  EventType type = EventType::agent_tick;
  bool is_periodic = false;  // the tick that re-arms itself
  std::int32_t lane = 0;
  std::int32_t agent = kNoAgent;
  std::int64_t payload = 0;  // the caller's own number

  friend bool operator==(const TickEvent&, const TickEvent&) = default;
};

// Events that surfaced to the caller, side by side, ordered by lane and then as they are due.
struct DueEvents {
  std::vector<std::int32_t> lane;
  std::vector<std::int32_t> agent;
  std::vector<double> time_s;
  std::vector<EventType> type;
  std::vector<std::int64_t> payload;

  [[nodiscard]] std::size_t size() const noexcept { return lane.size(); }
  void clear() noexcept;
};

// Agents that tick at jittered intervals, in many lanes at once. A lane is one simulated clock with
// its own queue; all lanes have the same agents, and nothing that happens in one is felt in
// another.
//
// Draws come from streams keyed (seed, lane key, agent), so lane k of a batch equals a scheduler of
// one lane with the same seed and lane key. Lanes may run on several threads; registering agents
// and setting handlers may not happen meanwhile.
class TickScheduler {
 public:
  // Called with every event of its type whose agent is registered, from the thread of the lane.
  using Handler = std::function<void(TickScheduler&, const TickEvent&)>;

  explicit TickScheduler(std::int32_t n_lane = 1, std::uint64_t seed = 0,
                         double start_time_s = 0.0);

  // --- agents -------------------------------------------------------------------------------
  // Add an agent to every lane and arm its first tick, at first_tick_s or else at the lane's now.
  // One that does not tick only has delays to draw. Returns its number: 0, 1, 2, ... in order of
  // registration, never used again for another.
  std::int32_t register_agent(const TickConfig& config, std::optional<double> first_tick_s = {},
                              std::int32_t tick_priority = 0, bool ticks = true);
  // Register a known number again: its armed tick is taken back and its draws start anew. An
  // unregistered one goes to the end of the order of registration, a registered one keeps its
  // place.
  void register_again(std::int32_t agent, const TickConfig& config,
                      std::optional<double> first_tick_s = {}, std::int32_t tick_priority = 0);
  // Its events stay pending; when their time comes they are counted and skipped.
  void unregister_agent(std::int32_t agent);
  [[nodiscard]] bool is_registered(std::int32_t agent) const noexcept;
  [[nodiscard]] const TickConfig& config_of(std::int32_t agent) const;
  // Registered agents in order of registration.
  [[nodiscard]] std::span<const std::int32_t> agents() const noexcept { return order_; }
  // Whether the agent's ticks surface in next_due (the default), or only reach the handler.
  void set_surfacing(std::int32_t agent, bool is_surfacing);

  // --- events -------------------------------------------------------------------------------
  // Throws InvalidArgument for a time that is not finite or lies before the lane's now.
  EventHandle schedule(std::int32_t lane, double time_s, EventType type,
                       std::int32_t agent = kNoAgent, std::int32_t priority = 0,
                       std::int64_t payload = 0);
  // All events in index order, or none. Spans have one length.
  void schedule_batch(std::span<const std::int32_t> lane, std::span<const double> time_s,
                      EventType type, std::span<const std::int32_t> agent, std::int32_t priority,
                      std::span<const std::int64_t> payload);
  bool cancel(std::int32_t lane, EventHandle handle);

  // Draw from a timing stream of a registered agent [s]; the next draw of that stream differs.
  double draw_s(std::int32_t lane, std::int32_t agent, Stream stream);
  void draw_batch(Stream stream, std::span<const std::int32_t> lane,
                  std::span<const std::int32_t> agent, std::span<double> drawn_s);

  // --- one event at a time ------------------------------------------------------------------
  // Take the next event up to and including t_end_s, count it and move the lane's now to it. The
  // caller handles it if `is_live` says so, then calls `finish`.
  std::optional<TickEvent> next(std::int32_t lane,
                                double t_end_s = std::numeric_limits<double>::infinity());
  [[nodiscard]] std::optional<TickEvent> peek(std::int32_t lane) const;
  [[nodiscard]] bool is_live(const TickEvent& event) const noexcept;
  // After a tick was handled: arm the agent's next one a drawn interval later, unless one is armed.
  void finish(const TickEvent& event);

  // --- the loop -----------------------------------------------------------------------------
  void set_handler(EventType type, Handler handler);
  // Handle events in order up to and including t_end_s; returns how many, skipped ones included.
  std::uint64_t run_until(std::int32_t lane, double t_end_s,
                          std::uint64_t max_events = std::numeric_limits<std::uint64_t>::max());
  // The same in every lane, shared out among n_thread threads; results do not depend on it. A
  // handler's exception is rethrown here, that of the lowest lane first.
  std::uint64_t run_all_until(double t_end_s, int n_thread = 1);

  // --- decision points ----------------------------------------------------------------------
  // Make events of a type surface in next_due; ticks do from the start.
  void set_surfacing_type(EventType type, bool is_surfacing);
  // Run every lane up to its first surfacing event at or before t_end_s, and return it with those
  // that follow it directly at the same time, priority and type. The caller answers them, and may
  // schedule; the next call first finishes them all (which arms the next ticks). `due` is empty
  // when no lane has any left. Native handlers see the other events on the way; if one throws, its
  // error is passed on after `due` has been filled with what surfaced in the other lanes.
  void next_due(double t_end_s, DueEvents& due, int n_thread = 1);

  // --- whole lanes --------------------------------------------------------------------------
  // Drop pending events; time, sequence numbers, agents and counters stay.
  void clear(std::int32_t lane);
  // Start again at start_time_s: no events, sequence 0, draws from their beginning, and the first
  // tick of every registered agent armed in order of registration.
  void reset(std::int32_t lane, double start_time_s = 0.0);
  // Key of the lane's draws from the next reset on; at first (seed of the constructor, lane).
  void seed_lane(std::int32_t lane, std::uint64_t seed, std::uint64_t lane_key);

  [[nodiscard]] std::int32_t n_lane() const noexcept {
    return static_cast<std::int32_t>(lanes_.size());
  }
  [[nodiscard]] double now_s(std::int32_t lane) const { return lane_at(lane).queue.now_s(); }
  [[nodiscard]] std::size_t n_pending(std::int32_t lane) const {
    return lane_at(lane).queue.size();
  }
  // The sequence number that the lane's next event will get.
  [[nodiscard]] std::uint64_t next_sequence(std::int32_t lane) const {
    return lane_at(lane).queue.next_sequence();
  }
  [[nodiscard]] std::uint64_t n_processed(std::int32_t lane) const {
    return lane_at(lane).n_processed;
  }

 private:
  using DrawCounts = std::array<std::uint64_t, kTimingStreamCount>;  // intervals count elsewhere

  // What is the same in every lane.
  struct Agent {
    TickConfig config;
    std::optional<double> first_tick_s;
    std::int32_t tick_priority = 0;
    bool is_surfacing = true;
    bool ticks = true;
  };
  // An agent in one lane: all that a tick touches, in one cache line.
  struct alignas(64) Clock {
    EventHandle armed{};  // the pending periodic tick, if is_armed
    bool is_armed = false;
    std::int32_t tick_priority = 0;
    std::uint64_t n_interval = 0;         // drawn so far
    std::array<double, 4> intervals_s{};  // of the block that the next one is drawn from
  };
  struct Lane {
    EventQueue queue;
    std::uint64_t seed = 0;  // of the draws since the last reset
    std::uint64_t key = 0;
    std::uint64_t next_seed = 0;  // from the next reset on
    std::uint64_t next_key = 0;
    std::uint64_t n_processed = 0;
    std::vector<Clock> clocks;        // (n_agent)
    std::vector<DrawCounts> n_drawn;  // of delays, (n_agent)
    std::vector<TickEvent> surfaced;  // by next_due, to be finished
  };

  [[nodiscard]] const Lane& lane_at(std::int32_t lane) const;
  [[nodiscard]] Lane& lane_at(std::int32_t lane);
  void check_agent(std::int32_t agent, bool may_be_none) const;
  void check_first_tick(std::optional<double> first_tick_s) const;
  void arm_first(Lane& lane, std::int32_t agent);
  void arm(Lane& lane, std::int32_t agent, double time_s);
  double draw(Lane& lane, std::int32_t agent, Stream stream) noexcept;
  double next_interval(Lane& lane, std::int32_t agent) noexcept;
  [[nodiscard]] StreamKey key_of(const Lane& lane, std::int32_t agent,
                                 Stream stream) const noexcept;
  static bool take_next(Lane& lane, std::int32_t number, double t_end_s, TickEvent& taken);
  static void count(Lane& lane, const TickEvent& taken) noexcept;
  void finish(Lane& lane, const TickEvent& event);
  void handle(Lane& lane, const TickEvent& event);
  void finish_surfaced(Lane& lane);
  [[nodiscard]] bool surfaces(const TickEvent& event) const noexcept;
  void advance_to_due(std::int32_t lane, double t_end_s);

  std::vector<Lane> lanes_;
  std::vector<Agent> agents_;                // by number
  std::vector<std::uint8_t> is_registered_;  // by number
  std::vector<std::int32_t> order_;          // registered agents in order of registration
  std::array<Handler, kEventTypeCount> handlers_{};
  std::array<bool, kEventTypeCount> is_surfacing_type_{true};
};

}  // namespace heron
