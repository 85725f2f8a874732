#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "heron/message_faults.hpp"
#include "heron/tick_config.hpp"
#include "heron/tick_scheduler.hpp"

namespace heron {

// Ticks that are to be decided, side by side, ordered by lane and then as they are due.
struct Decisions {
  std::vector<std::int32_t> lane;
  std::vector<std::int32_t> agent;
  std::vector<double> time_s;
  std::vector<double> as_of_s;  // what is observed is that old: time_s less the drawn obs_delay

  [[nodiscard]] std::size_t size() const noexcept { return lane.size(); }
  void clear() noexcept;
};

// Commands that took effect, side by side, ordered by lane and then as they happened.
struct Effects {
  std::vector<std::int32_t> lane;
  std::vector<std::int32_t> member;  // among all members, in order of the agents
  std::vector<double> time_s;
  std::vector<std::int64_t> payload;  // of the decision

  [[nodiscard]] std::size_t size() const noexcept { return lane.size(); }
  void clear() noexcept;
};

// What became of a lane's commands since its reset. A command is a message to one member:
// sent + duplicated = delivered + lost + outage + still in flight, and
// delivered = applied + superseded + received or due to take effect.
struct CommandCounters {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;  // copies
  std::uint64_t lost = 0;
  std::uint64_t outage = 0;
  std::uint64_t duplicated = 0;  // second copies
  std::uint64_t held_back = 0;   // copies
  std::uint64_t superseded = 0;  // by one that arrived before the member ticked
  std::uint64_t applied = 0;
  double latency_sum_s = 0.0;  // from decision to effect, over those applied
  double latency_max_s = 0.0;

  friend bool operator==(const CommandCounters&, const CommandCounters&) = default;
};

// The event-driven mode of a batch of environments: agents that decide, members that obey one of
// them, and an environment that updates every step_s. Deciders tick, are answered by the caller and
// send their decision, as the number `payload`, to each of their members; it travels for the
// decider's drawn message delay and meets its faults; the member keeps what arrived last, and at
// its own next tick sets it off, to take effect after its drawn action delay.
//
// A lane is one environment with a clock of its own. Within an instant events have the priorities
// of priority.hpp. An agent decides at most once at an instant: further ticks of it then, as `wake`
// may bring about, pass unnoticed.
//
// A lane's draws are keyed by the seed and lane key of its reset and by the agent's number, as
// those of TickScheduler and MessageCourier are, so it does not matter how many lanes or threads
// there are. Where as many commands are on their way again and again, and with one thread, nothing
// is allocated.
class ControlLoop {
 public:
  static constexpr std::int32_t kDecides = -1;  // in place of an owner
  static constexpr std::int64_t kNoCommand = -1;
  static constexpr std::int64_t kNoPayload = std::numeric_limits<std::int64_t>::max();
  // No delay, interval or step may be longer, nor be drawn so. Then no event is too late for a
  // double, and nothing throws on the way.
  static constexpr double kLongest_s = 1e12;

  // Agent i decides if owner[i] is negative; otherwise it is a member and obeys agent owner[i],
  // which decides. `tick_priority` of each is kSystemTickPriority or kCoordinatorTickPriority for
  // deciders (the default) and kFieldTickPriority for members; empty means these defaults. Lane k
  // starts as after reset(k, 0, k).
  ControlLoop(std::int32_t n_lane, double step_s, std::span<const std::int32_t> owner,
              std::span<const TickConfig> configs, MessageFaults faults = {},
              std::span<const std::int32_t> tick_priority = {});

  // Start a lane again at 0: first ticks there, draws from their beginning, nothing on its way, no
  // outage but those of the constructor, counters at 0. Its decisions need no answer any more.
  void reset(std::int32_t lane, std::uint64_t seed, std::uint64_t lane_key = 0);

  // Run every lane up to its first instant with decisions before its next environment update, and
  // return them: those of one priority at one time, at most. A lane without any waits at its
  // update; if all do, nothing is returned and `end_interval` is due. Valid until the next call.
  const Decisions& next_due(int n_thread = 1);
  // Send down what was decided, one payload for each decision of `next_due` (less those of lanes
  // reset since), or kNoCommand to send nothing, and arm the next ticks.
  void answer(std::span<const std::int64_t> payload, int n_thread = 1);
  // Hand over what took effect in [start, start + step_s) of each lane, and let all lanes go on
  // past their update. All must wait there. Valid until the next call.
  const Effects& end_interval();

  // Let an agent that decides tick once more, at a time not before what has happened in the lane.
  void wake(std::int32_t lane, std::int32_t agent, double time_s);
  // Lose what `sender`, or -1 for all, sends in [start_s, end_s) of the lane's present episode.
  void set_outage(std::int32_t lane, double start_s, double end_s, std::int32_t sender = -1);

  // The least payload that may still come up in the lane's effects, or kNoPayload: those on their
  // way, received, due to take effect, or to be handed over.
  [[nodiscard]] std::int64_t oldest_payload(std::int32_t lane) const;
  [[nodiscard]] const CommandCounters& counters(std::int32_t lane) const;
  // Start of the lane's present interval: its last environment update, at first 0 [s].
  [[nodiscard]] double interval_start_s(std::int32_t lane) const { return lane_at(lane).start_s; }
  [[nodiscard]] std::int32_t n_lane() const noexcept { return scheduler_.n_lane(); }
  [[nodiscard]] std::int32_t n_agent() const noexcept {
    return static_cast<std::int32_t>(member_of_agent_.size());
  }
  [[nodiscard]] std::int32_t n_member() const noexcept {
    return static_cast<std::int32_t>(members_.size());
  }
  [[nodiscard]] double step_s() const noexcept { return step_s_; }

 private:
  static constexpr std::uint32_t kNone = 0xffff'ffff;

  // A decision on its way to the members. Events refer to it by its place.
  struct Command {
    std::int64_t payload = 0;
    double decided_s = 0.0;
    std::uint32_t n_use = 0;  // copies that travel, are received or are due to take effect
    std::uint32_t next_free = kNone;
  };
  struct Effect {
    std::int32_t member;
    double time_s;
    std::int64_t payload;
  };
  struct Due {
    TickEvent tick;
    double as_of_s;
  };
  struct Lane {
    std::uint64_t seed = 0;
    std::uint64_t key = 0;
    double start_s = 0.0;          // of the interval
    double end_s = 0.0;            // of the interval, which does not contain it
    double last_s = 0.0;           // the last time in the interval
    bool waits = false;            // at the end of the interval
    std::size_t first_answer = 0;  // among the answers to all lanes
    std::size_t n_due_effect = 0;  // events
    std::uint32_t first_free = kNone;
    CommandCounters counters;
    std::vector<Due> due;               // surfaced, to be answered
    std::vector<Effect> effects;        // of the interval
    std::vector<Command> commands;      // places, taken or free
    std::vector<std::uint32_t> inbox;   // command that arrived last, or kNone; (n_agent)
    std::vector<std::uint64_t> n_sent;  // numbers the messages; (n_agent)
    std::vector<double> decided_s;      // last time; (n_agent)
    std::vector<Outage> outages;        // of this episode

    [[nodiscard]] std::uint32_t take(std::int64_t payload, double time_s);
    void release(std::uint32_t command) noexcept;
    void begin_interval(double interval_start_s, double interval_end_s) noexcept;
  };

  [[nodiscard]] const Lane& lane_at(std::int32_t lane) const;
  [[nodiscard]] Lane& lane_at(std::int32_t lane);
  void advance(std::int32_t lane);
  void surface(Lane& here, const TickEvent& tick);
  void tick_members(Lane& here, const TickEvent& tick);
  void tick_member(Lane& here, const TickEvent& tick, std::int32_t agent);
  void send(Lane& here, const TickEvent& tick, std::int64_t payload);
  void send_together(Lane& here, const TickEvent& tick, std::uint32_t command);
  void send_to(Lane& here, const TickEvent& tick, std::int32_t member, std::uint32_t command);
  void receive(Lane& here, std::int32_t agent, std::uint32_t command) noexcept;
  void receive_all(Lane& here, std::int32_t decider, std::uint32_t command) noexcept;
  void take_effect(Lane& here, std::int32_t agent, double time_s, std::uint32_t command);
  [[nodiscard]] bool decides(std::int32_t agent) const noexcept {
    return member_of_agent_[static_cast<std::size_t>(agent)] < 0;
  }

  double step_s_;
  MessageFaults faults_;
  TickScheduler scheduler_;
  std::vector<std::int32_t> member_of_agent_;  // number among the members, or -1; (n_agent)
  std::vector<std::int32_t> members_;          // agents that obey, by decider and then in order
  std::vector<std::size_t> first_member_;      // in members_; (n_agent + 1)
  std::vector<std::int32_t> tick_priority_;    // (n_agent)
  // Members that follow each other, also with deciders in between, and whose ticks have the same
  // interval without jitter, tick one after the other at the same instants for ever: so the first
  // one's event stands for all.
  std::vector<std::int32_t> ticks_with_;  // the next such member, or -1; (n_agent)
  bool is_faulty_ = false;                // messages may be lost, held back or sent twice
  std::vector<Lane> lanes_;               // (n_lane)
  std::size_t n_due_ = 0;                 // decisions to be answered, in all lanes
  Decisions decisions_;
  Effects effects_;
};

}  // namespace heron
