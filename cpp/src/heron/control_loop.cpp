#include "heron/control_loop.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "for_each_lane.hpp"
#include "heron/error.hpp"
#include "heron/priority.hpp"
#include "text.hpp"

namespace heron {
namespace {

constexpr std::int32_t kNobody = -1;
constexpr double kNever_s = -1.0;       // before every event
constexpr double kLargestNormal = 9.0;  // to_normal of any bits is within 8.3 of 0

void check_count(std::size_t n_given, std::size_t n_agent, const char* name) {
  if (n_given != n_agent) {
    throw InvalidArgument(std::string(name) + " has " + std::to_string(n_given) +
                          " values, expected " + std::to_string(n_agent) + ", one per agent");
  }
}

void check_owner(std::span<const std::int32_t> owner, std::size_t agent) {
  const std::int32_t of = owner[agent];
  if (of < 0) return;
  if (static_cast<std::size_t>(of) >= owner.size()) {
    throw InvalidArgument("agent " + std::to_string(agent) + " obeys agent " + std::to_string(of) +
                          ", but there are " + std::to_string(owner.size()) + " agents");
  }
  if (owner[static_cast<std::size_t>(of)] >= 0) {
    throw InvalidArgument("agent " + std::to_string(agent) + " obeys agent " + std::to_string(of) +
                          ", which does not decide: expected one whose owner is negative");
  }
}

void check_length(const std::string& what, double length_s) {
  if (!(length_s <= ControlLoop::kLongest_s)) {
    throw InvalidArgument(what + " may last " + text(length_s) + " s, expected at most " +
                          text(ControlLoop::kLongest_s) + " s");
  }
}

void check_config(const TickConfig& config, std::size_t agent) {
  check(config);
  const double base_s = std::max(
      {config.tick_interval_s, config.obs_delay_s, config.act_delay_s, config.msg_delay_s});
  const double factor =
      config.jitter == Jitter::none ? 1.0 : 1.0 + config.jitter_ratio * kLargestNormal;
  check_length("a delay or interval of agent " + std::to_string(agent),
               std::max(base_s * factor, config.min_delay_s));
}

bool tick_together(const TickConfig& a, const TickConfig& b) {
  return a.tick_interval_s == b.tick_interval_s && !is_jittered(a, Stream::tick_interval) &&
         !is_jittered(b, Stream::tick_interval);
}

void check_priority(std::int32_t priority, std::size_t agent, bool decides) {
  if (decides ? priority == kSystemTickPriority || priority == kCoordinatorTickPriority
              : priority == kFieldTickPriority) {
    return;
  }
  throw InvalidArgument("tick_priority of agent " + std::to_string(agent) + " is " +
                        std::to_string(priority) + ", expected " +
                        (decides ? "2 (system) or 3 (coordinator) for one that decides"
                                 : "4 (field) for one that obeys"));
}

}  // namespace

void Decisions::clear() noexcept {
  lane.clear();
  agent.clear();
  time_s.clear();
  as_of_s.clear();
}

void Effects::clear() noexcept {
  lane.clear();
  member.clear();
  time_s.clear();
  payload.clear();
}

ControlLoop::ControlLoop(std::int32_t n_lane, double step_s, std::span<const std::int32_t> owner,
                         std::span<const TickConfig> configs, MessageFaults faults,
                         std::span<const std::int32_t> tick_priority)
    : step_s_(step_s), faults_(std::move(faults)), scheduler_(n_lane) {
  if (!(step_s > 0.0)) {
    throw InvalidArgument("step_s is " + text(step_s) + ", expected a positive number of seconds");
  }
  check_length("a step", step_s);
  if (owner.empty()) throw InvalidArgument("owner is empty, expected at least one agent");
  const std::size_t n_agent = owner.size();
  check_count(configs.size(), n_agent, "configs");
  if (!tick_priority.empty()) check_count(tick_priority.size(), n_agent, "tick_priority");
  check(faults_);
  check_length("reordering", faults_.reordering_delay_s);
  std::int32_t n_member = 0;
  for (std::size_t agent = 0; agent < n_agent; ++agent) {
    check_owner(owner, agent);
    check_config(configs[agent], agent);
    const bool decides = owner[agent] < 0;
    const std::int32_t usual = decides ? kCoordinatorTickPriority : kFieldTickPriority;
    tick_priority_.push_back(tick_priority.empty() ? usual : tick_priority[agent]);
    check_priority(tick_priority_.back(), agent, decides);
    member_of_agent_.push_back(decides ? -1 : n_member++);
  }
  for (std::size_t decider = 0; decider < n_agent; ++decider) {
    first_member_.push_back(members_.size());
    for (std::size_t agent = 0; agent < n_agent; ++agent) {
      if (owner[agent] == static_cast<std::int32_t>(decider)) {
        members_.push_back(static_cast<std::int32_t>(agent));
      }
    }
  }
  first_member_.push_back(members_.size());
  ticks_with_.resize(n_agent, kNobody);
  std::int32_t before = kNobody;  // the last member
  for (std::size_t agent = 0; agent < n_agent; ++agent) {
    bool ticks = true;
    if (member_of_agent_[agent] >= 0) {
      ticks = before == kNobody ||
              !tick_together(configs[static_cast<std::size_t>(before)], configs[agent]);
      if (!ticks) ticks_with_[static_cast<std::size_t>(before)] = static_cast<std::int32_t>(agent);
      before = static_cast<std::int32_t>(agent);
    }
    scheduler_.register_agent(configs[agent], {}, tick_priority_[agent], ticks);
  }
  is_faulty_ = faults_.loss > 0.0 || faults_.duplication > 0.0 || faults_.reordering > 0.0 ||
               !faults_.outages.empty();
  lanes_.resize(static_cast<std::size_t>(n_lane));
  for (std::int32_t lane = 0; lane < n_lane; ++lane) {
    Lane& here = lanes_[static_cast<std::size_t>(lane)];
    here.inbox.resize(n_agent);
    here.n_sent.resize(n_agent);
    here.decided_s.resize(n_agent);
    reset(lane, 0, static_cast<std::uint64_t>(lane));
  }
}

void ControlLoop::reset(std::int32_t lane, std::uint64_t seed, std::uint64_t lane_key) {
  Lane& here = lane_at(lane);
  scheduler_.seed_lane(lane, seed, lane_key);
  scheduler_.reset(lane);
  here.seed = seed;
  here.key = lane_key;
  n_due_ -= here.due.size();
  here.due.clear();
  here.effects.clear();
  here.n_due_effect = 0;
  here.commands.clear();
  here.first_free = kNone;
  std::ranges::fill(here.inbox, kNone);
  std::ranges::fill(here.n_sent, 0);
  std::ranges::fill(here.decided_s, kNever_s);
  here.outages.clear();
  here.counters = {};
  here.begin_interval(0.0, step_s_);
}

// --- decisions ------------------------------------------------------------------------------

const Decisions& ControlLoop::next_due(int n_thread) {
  if (n_due_ > 0) {
    throw InvalidArgument("answer the " + std::to_string(n_due_) +
                          " decisions of the last next_due first");
  }
  for_each_lane(n_lane(), n_thread, [this](std::int32_t lane) { advance(lane); });
  decisions_.clear();
  for (const Lane& here : lanes_) {
    for (const Due& due : here.due) {
      decisions_.lane.push_back(due.tick.lane);
      decisions_.agent.push_back(due.tick.agent);
      decisions_.time_s.push_back(due.tick.time_s);
      decisions_.as_of_s.push_back(due.as_of_s);
    }
  }
  n_due_ = decisions_.size();
  return decisions_;
}

void ControlLoop::answer(std::span<const std::int64_t> payload, int n_thread) {
  if (payload.size() != n_due_) {
    throw InvalidArgument("payload has " + std::to_string(payload.size()) + " values, expected " +
                          std::to_string(n_due_) + ", one per decision");
  }
  for (const std::int64_t each : payload) {
    if (each < kNoCommand) {
      throw InvalidArgument("payload holds " + std::to_string(each) +
                            ", expected numbers from 0, or -1 for no command");
    }
  }
  std::size_t n_before = 0;
  for (Lane& here : lanes_) {
    here.first_answer = n_before;
    n_before += here.due.size();
  }
  for_each_lane(n_lane(), n_thread, [&](std::int32_t lane) {
    Lane& here = lanes_[static_cast<std::size_t>(lane)];
    for (std::size_t i = 0; i < here.due.size(); ++i) {
      send(here, here.due[i].tick, payload[here.first_answer + i]);
      scheduler_.finish(here.due[i].tick);
    }
    here.due.clear();
  });
  n_due_ = 0;
}

void ControlLoop::advance(std::int32_t lane) {
  Lane& here = lanes_[static_cast<std::size_t>(lane)];
  if (here.waits) return;
  while (const std::optional<TickEvent> event = scheduler_.next(lane, here.last_s)) {
    switch (event->type) {
      case EventType::message_delivery:
        if (decides(event->agent)) {
          receive_all(here, event->agent, static_cast<std::uint32_t>(event->payload));
        } else {
          receive(here, event->agent, static_cast<std::uint32_t>(event->payload));
        }
        break;
      case EventType::action_effect:
        --here.n_due_effect;
        take_effect(here, event->agent, event->time_s, static_cast<std::uint32_t>(event->payload));
        break;
      default:
        if (decides(event->agent)) {
          surface(here, *event);
          if (!here.due.empty()) return;
        } else {
          tick_members(here, *event);
        }
    }
  }
  here.waits = true;
}

// The tick and those that follow it at its time and priority, which are of deciders too. One of an
// agent that has decided at this instant is over at once.
void ControlLoop::surface(Lane& here, const TickEvent& tick) {
  std::optional<TickEvent> event = tick;
  for (;;) {
    double& decided_s = here.decided_s[static_cast<std::size_t>(event->agent)];
    if (decided_s == event->time_s) {
      scheduler_.finish(*event);
    } else {
      decided_s = event->time_s;
      const double obs_delay_s = scheduler_.draw_s(event->lane, event->agent, Stream::obs_delay);
      here.due.push_back({*event, event->time_s - obs_delay_s});
    }
    event = scheduler_.peek(tick.lane);
    if (!event || event->time_s != tick.time_s || event->priority != tick.priority) return;
    event = scheduler_.next(tick.lane);
  }
}

// --- commands -------------------------------------------------------------------------------

void ControlLoop::send(Lane& here, const TickEvent& tick, std::int64_t payload) {
  const auto decider = static_cast<std::size_t>(tick.agent);
  const std::size_t end = first_member_[decider + 1];
  if (payload == kNoCommand || first_member_[decider] == end) return;
  const std::uint32_t command = here.take(payload, tick.time_s);
  if (!is_faulty_ && here.outages.empty() &&
      !is_jittered(scheduler_.config_of(tick.agent), Stream::msg_delay)) {
    send_together(here, tick, command);
  } else {
    for (std::size_t i = first_member_[decider]; i < end; ++i) {
      send_to(here, tick, members_[i], command);
    }
  }
  here.release(command);
}

// What `send_to` does for each member where all messages travel equally long and nothing happens
// to them: a single event, which the decider's number tells from others, stands for the deliveries.
void ControlLoop::send_together(Lane& here, const TickEvent& tick, std::uint32_t command) {
  const auto decider = static_cast<std::size_t>(tick.agent);
  const std::size_t first = first_member_[decider];
  const std::size_t end = first_member_[decider + 1];
  const double arrival_s =
      tick.time_s + scheduler_.draw_s(tick.lane, tick.agent, Stream::msg_delay);
  here.n_sent[decider] += end - first;
  here.counters.sent += end - first;
  here.commands[command].n_use += static_cast<std::uint32_t>(end - first);
  if (arrival_s == tick.time_s) {
    receive_all(here, tick.agent, command);
  } else {
    scheduler_.schedule(tick.lane, arrival_s, EventType::message_delivery, tick.agent,
                        kMessageDeliveryPriority, command);
  }
}

// The draws are those of MessageCourier::send.
void ControlLoop::send_to(Lane& here, const TickEvent& tick, std::int32_t member,
                          std::uint32_t command) {
  const double now_s = tick.time_s;
  const double travel_s = scheduler_.draw_s(tick.lane, tick.agent, Stream::msg_delay);
  const std::uint64_t number = here.n_sent[static_cast<std::size_t>(tick.agent)]++;
  ++here.counters.sent;
  if (is_out(here.outages, tick.agent, now_s)) {
    ++here.counters.outage;
    return;
  }
  const MessageFate fate = message_fate(faults_, here.seed, here.key, tick.agent, number, now_s);
  for (std::size_t copy = 0; copy < static_cast<std::size_t>(fate.n_copy); ++copy) {
    const double arrival_s = now_s + (travel_s + fate.held_back_s[copy]);
    ++here.commands[command].n_use;
    here.counters.held_back += fate.is_held_back[copy];
    // What arrives at once is the next thing to happen: deliveries come before ticks, and the
    // earlier ones have been made. So it needs no event.
    if (arrival_s == now_s) {
      receive(here, member, command);
    } else {
      scheduler_.schedule(tick.lane, arrival_s, EventType::message_delivery, member,
                          kMessageDeliveryPriority, command);
    }
  }
  here.counters.lost += fate.is_lost;
  here.counters.outage += fate.is_outage;
  here.counters.duplicated += fate.n_copy == 2;
}

void ControlLoop::receive_all(Lane& here, std::int32_t decider, std::uint32_t command) noexcept {
  const auto of = static_cast<std::size_t>(decider);
  for (std::size_t i = first_member_[of]; i < first_member_[of + 1]; ++i) {
    receive(here, members_[i], command);
  }
}

void ControlLoop::receive(Lane& here, std::int32_t agent, std::uint32_t command) noexcept {
  const std::uint32_t before = std::exchange(here.inbox[static_cast<std::size_t>(agent)], command);
  ++here.counters.delivered;
  if (before == kNone) return;
  ++here.counters.superseded;
  here.release(before);
}

void ControlLoop::tick_members(Lane& here, const TickEvent& tick) {
  for (std::int32_t agent = tick.agent; agent != kNobody;
       agent = ticks_with_[static_cast<std::size_t>(agent)]) {
    tick_member(here, tick, agent);
  }
  scheduler_.finish(tick);
}

void ControlLoop::tick_member(Lane& here, const TickEvent& tick, std::int32_t agent) {
  const std::uint32_t command = std::exchange(here.inbox[static_cast<std::size_t>(agent)], kNone);
  if (command == kNone) return;
  const double effect_s = tick.time_s + scheduler_.draw_s(tick.lane, agent, Stream::act_delay);
  // Effects at once come in the order of the ticks that led to them, after those that were due
  // before: if there are none, an event would change nothing.
  if (effect_s == tick.time_s && here.n_due_effect == 0) {
    take_effect(here, agent, effect_s, command);
  } else {
    scheduler_.schedule(tick.lane, effect_s, EventType::action_effect, agent, kActionEffectPriority,
                        command);
    ++here.n_due_effect;
  }
}

void ControlLoop::take_effect(Lane& here, std::int32_t agent, double time_s,
                              std::uint32_t command) {
  const Command& taken = here.commands[command];
  here.effects.push_back(
      {member_of_agent_[static_cast<std::size_t>(agent)], time_s, taken.payload});
  const double latency_s = time_s - taken.decided_s;
  ++here.counters.applied;
  here.counters.latency_sum_s += latency_s;
  here.counters.latency_max_s = std::max(here.counters.latency_max_s, latency_s);
  here.release(command);
}

std::uint32_t ControlLoop::Lane::take(std::int64_t payload, double time_s) {
  if (first_free == kNone) {
    commands.emplace_back();
    first_free = static_cast<std::uint32_t>(commands.size() - 1);
  }
  const std::uint32_t place = first_free;
  first_free = commands[place].next_free;
  commands[place] = {payload, time_s, 1, kNone};
  return place;
}

void ControlLoop::Lane::release(std::uint32_t command) noexcept {
  if (--commands[command].n_use > 0) return;
  commands[command].next_free = std::exchange(first_free, command);
}

// --- intervals ------------------------------------------------------------------------------

const Effects& ControlLoop::end_interval() {
  const auto ready = [](const Lane& here) { return here.waits; };
  const auto busy = std::ranges::find_if_not(lanes_, ready);
  if (busy != lanes_.end()) {
    throw InvalidArgument(
        "lane " + std::to_string(busy - lanes_.begin()) +
        " has not come to its environment update: answer the decisions and call " +
        "next_due until it returns none");
  }
  effects_.clear();
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    Lane& here = lanes_[lane];
    for (const Effect& effect : here.effects) {
      effects_.lane.push_back(static_cast<std::int32_t>(lane));
      effects_.member.push_back(effect.member);
      effects_.time_s.push_back(effect.time_s);
      effects_.payload.push_back(effect.payload);
    }
    here.effects.clear();
    here.begin_interval(here.end_s, here.end_s + step_s_);
  }
  return effects_;
}

void ControlLoop::Lane::begin_interval(double interval_start_s, double interval_end_s) noexcept {
  start_s = interval_start_s;
  end_s = interval_end_s;
  last_s = std::nextafter(end_s, kNever_s);
  waits = false;
}

// --- from outside ---------------------------------------------------------------------------

void ControlLoop::wake(std::int32_t lane, std::int32_t agent, double time_s) {
  Lane& here = lane_at(lane);
  if (agent < 0 || agent >= n_agent() || !decides(agent)) {
    throw InvalidArgument("agent " + std::to_string(agent) +
                          " does not decide: expected one whose owner is negative");
  }
  const double earliest_s = std::max(here.start_s, scheduler_.now_s(lane));
  if (!(time_s >= earliest_s && std::isfinite(time_s))) {
    throw InvalidArgument("time_s is " + text(time_s) + ", expected a finite time, at least the " +
                          text(earliest_s) + " s to which the lane has come");
  }
  scheduler_.schedule(lane, time_s, EventType::agent_tick, agent,
                      tick_priority_[static_cast<std::size_t>(agent)]);
  if (time_s < here.end_s) here.waits = false;
}

void ControlLoop::set_outage(std::int32_t lane, double start_s, double end_s, std::int32_t sender) {
  Lane& here = lane_at(lane);
  if (sender >= n_agent()) {
    throw InvalidArgument("sender is " + std::to_string(sender) + ", expected -1 for all or 0 to " +
                          std::to_string(n_agent() - 1));
  }
  check({.outages = {{start_s, end_s, sender}}});
  here.outages.push_back({start_s, end_s, sender});
}

std::int64_t ControlLoop::oldest_payload(std::int32_t lane) const {
  const Lane& here = lane_at(lane);
  std::int64_t oldest = kNoPayload;
  for (const Command& command : here.commands) {
    if (command.n_use > 0) oldest = std::min(oldest, command.payload);
  }
  for (const Effect& effect : here.effects) oldest = std::min(oldest, effect.payload);
  return oldest;
}

const CommandCounters& ControlLoop::counters(std::int32_t lane) const {
  return lane_at(lane).counters;
}

const ControlLoop::Lane& ControlLoop::lane_at(std::int32_t lane) const {
  if (lane < 0 || lane >= n_lane()) {
    throw InvalidArgument("lane is " + std::to_string(lane) + ", expected 0 to " +
                          std::to_string(n_lane() - 1));
  }
  return lanes_[static_cast<std::size_t>(lane)];
}

ControlLoop::Lane& ControlLoop::lane_at(std::int32_t lane) {
  return const_cast<Lane&>(std::as_const(*this).lane_at(lane));
}

}  // namespace heron
