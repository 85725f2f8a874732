#include "heron/tick_scheduler.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <string>
#include <utility>

#include "for_each_lane.hpp"
#include "heron/error.hpp"
#include "text.hpp"

namespace heron {
namespace {

// What kind of event it is travels as the queue's tag. From the lowest bit: 3 of type, 1 for the
// periodic tick, 28 for the agent's number plus one.
constexpr std::uint32_t kTypeMask = 7;
constexpr unsigned kPeriodicShift = 3;
constexpr unsigned kAgentShift = 4;
constexpr std::int32_t kMaxAgent = (1 << 28) - 2;

constexpr std::uint32_t tag_of(EventType type, bool is_periodic, std::int32_t agent) noexcept {
  return static_cast<std::uint32_t>(type) | (std::uint32_t{is_periodic} << kPeriodicShift) |
         (static_cast<std::uint32_t>(agent + 1) << kAgentShift);
}

// Written member by member: a copy of the whole would wait for the stores just made.
void decode(std::int32_t lane, const Event& event, TickEvent& decoded) noexcept {
  decoded.time_s = event.time_s;
  decoded.priority = event.priority;
  decoded.sequence = event.sequence;
  decoded.type = static_cast<EventType>(event.tag & kTypeMask);
  decoded.is_periodic = ((event.tag >> kPeriodicShift) & 1U) != 0;
  decoded.lane = lane;
  decoded.agent = static_cast<std::int32_t>(event.tag >> kAgentShift) - 1;
  decoded.payload = event.payload;
}

void check_lengths(std::size_t n_expected, std::size_t n_given, const char* name) {
  if (n_given != n_expected) {
    throw InvalidArgument(std::string(name) + " has " + std::to_string(n_given) +
                          " values, expected " + std::to_string(n_expected) + ", one per event");
  }
}

}  // namespace

void check_end(double t_end_s) {
  if (std::isnan(t_end_s)) {
    throw InvalidArgument("t_end is nan, expected a number of seconds");
  }
}

void DueEvents::clear() noexcept {
  lane.clear();
  agent.clear();
  time_s.clear();
  type.clear();
  payload.clear();
}

TickScheduler::TickScheduler(std::int32_t n_lane, std::uint64_t seed, double start_time_s) {
  if (n_lane < 1) {
    throw InvalidArgument("n_lane is " + std::to_string(n_lane) + ", expected at least 1");
  }
  lanes_.resize(static_cast<std::size_t>(n_lane));
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    lanes_[lane].queue.reset(start_time_s);
    lanes_[lane].seed = lanes_[lane].next_seed = seed;
    lanes_[lane].key = lanes_[lane].next_key = lane;
  }
}

// --- agents ---------------------------------------------------------------------------------

std::int32_t TickScheduler::register_agent(const TickConfig& config,
                                           std::optional<double> first_tick_s,
                                           std::int32_t tick_priority, bool ticks) {
  check(config);
  check_first_tick(first_tick_s);
  const auto agent = static_cast<std::int32_t>(agents_.size());
  if (agent > kMaxAgent) throw InvalidArgument("no more than 2^28 - 1 agents can be registered");
  agents_.push_back(Agent{config, first_tick_s, tick_priority, true, ticks});
  is_registered_.push_back(1);
  order_.push_back(agent);
  for (Lane& lane : lanes_) {
    lane.clocks.emplace_back();
    lane.n_drawn.emplace_back();
    arm_first(lane, agent);
  }
  return agent;
}

void TickScheduler::register_again(std::int32_t agent, const TickConfig& config,
                                   std::optional<double> first_tick_s, std::int32_t tick_priority) {
  check_agent(agent, false);
  check(config);
  check_first_tick(first_tick_s);
  Agent& record = agents_[static_cast<std::size_t>(agent)];
  if (!is_registered(agent)) order_.push_back(agent);
  is_registered_[static_cast<std::size_t>(agent)] = 1;
  record = Agent{config, first_tick_s, tick_priority, record.is_surfacing, record.ticks};
  for (Lane& lane : lanes_) {
    Clock& clock = lane.clocks[static_cast<std::size_t>(agent)];
    if (clock.is_armed) lane.queue.cancel(clock.armed);
    clock = Clock{};
    lane.n_drawn[static_cast<std::size_t>(agent)] = {};
    arm_first(lane, agent);
  }
}

void TickScheduler::unregister_agent(std::int32_t agent) {
  check_agent(agent, false);
  is_registered_[static_cast<std::size_t>(agent)] = 0;
  std::erase(order_, agent);
}

bool TickScheduler::is_registered(std::int32_t agent) const noexcept {
  return agent >= 0 && static_cast<std::size_t>(agent) < is_registered_.size() &&
         is_registered_[static_cast<std::size_t>(agent)] != 0;
}

const TickConfig& TickScheduler::config_of(std::int32_t agent) const {
  check_agent(agent, false);
  return agents_[static_cast<std::size_t>(agent)].config;
}

void TickScheduler::set_surfacing(std::int32_t agent, bool is_surfacing) {
  check_agent(agent, false);
  agents_[static_cast<std::size_t>(agent)].is_surfacing = is_surfacing;
}

// --- events ---------------------------------------------------------------------------------

EventHandle TickScheduler::schedule(std::int32_t lane, double time_s, EventType type,
                                    std::int32_t agent, std::int32_t priority,
                                    std::int64_t payload) {
  check_agent(agent, true);
  return lane_at(lane).queue.push(time_s, priority, payload, tag_of(type, false, agent));
}

void TickScheduler::schedule_batch(std::span<const std::int32_t> lane,
                                   std::span<const double> time_s, EventType type,
                                   std::span<const std::int32_t> agent, std::int32_t priority,
                                   std::span<const std::int64_t> payload) {
  check_lengths(lane.size(), time_s.size(), "time_s");
  check_lengths(lane.size(), agent.size(), "agent");
  check_lengths(lane.size(), payload.size(), "payload");
  for (std::size_t i = 0; i < lane.size(); ++i) {
    check_agent(agent[i], true);
    lane_at(lane[i]).queue.check_time(time_s[i]);
  }
  for (std::size_t i = 0; i < lane.size(); ++i) {
    schedule(lane[i], time_s[i], type, agent[i], priority, payload[i]);
  }
}

bool TickScheduler::cancel(std::int32_t lane, EventHandle handle) {
  return lane_at(lane).queue.cancel(handle);
}

double TickScheduler::draw_s(std::int32_t lane, std::int32_t agent, Stream stream) {
  Lane& here = lane_at(lane);
  check_agent(agent, false);
  if (static_cast<std::size_t>(stream) >= kTimingStreamCount) {
    throw InvalidArgument("stream " + std::to_string(static_cast<std::uint64_t>(stream)) +
                          " has no interval or delay; expected tick_interval, obs_delay, " +
                          "act_delay or msg_delay (0 to 3)");
  }
  return draw(here, agent, stream);
}

void TickScheduler::draw_batch(Stream stream, std::span<const std::int32_t> lane,
                               std::span<const std::int32_t> agent, std::span<double> drawn_s) {
  check_lengths(lane.size(), agent.size(), "agent");
  check_lengths(lane.size(), drawn_s.size(), "drawn_s");
  for (std::size_t i = 0; i < lane.size(); ++i) {
    check_agent(agent[i], false);
    static_cast<void>(lane_at(lane[i]));
  }
  for (std::size_t i = 0; i < lane.size(); ++i) drawn_s[i] = draw_s(lane[i], agent[i], stream);
}

// --- one event at a time --------------------------------------------------------------------

std::optional<TickEvent> TickScheduler::next(std::int32_t lane, double t_end_s) {
  TickEvent event;
  if (!take_next(lane_at(lane), lane, t_end_s, event)) return std::nullopt;
  return event;
}

std::optional<TickEvent> TickScheduler::peek(std::int32_t lane) const {
  const std::optional<Event> event = lane_at(lane).queue.peek();
  if (!event) return std::nullopt;
  TickEvent coming;
  decode(lane, *event, coming);
  return coming;
}

bool TickScheduler::is_live(const TickEvent& event) const noexcept {
  return event.agent == kNoAgent || is_registered(event.agent);
}

void TickScheduler::finish(const TickEvent& event) { finish(lane_at(event.lane), event); }

void TickScheduler::finish(Lane& lane, const TickEvent& event) {
  if (event.type != EventType::agent_tick || !is_registered(event.agent)) return;
  if (lane.clocks[static_cast<std::size_t>(event.agent)].is_armed) return;
  arm(lane, event.agent, lane.queue.now_s() + next_interval(lane, event.agent));
}

// --- the loop -------------------------------------------------------------------------------

void TickScheduler::set_handler(EventType type, Handler handler) {
  handlers_[static_cast<std::size_t>(type)] = std::move(handler);
}

std::uint64_t TickScheduler::run_until(std::int32_t lane, double t_end_s,
                                       std::uint64_t max_events) {
  Lane& here = lane_at(lane);
  check_end(t_end_s);
  finish_surfaced(here);
  std::uint64_t n_event = 0;
  TickEvent event;
  while (n_event < max_events && take_next(here, lane, t_end_s, event)) {
    ++n_event;
    handle(here, event);
  }
  return n_event;
}

std::uint64_t TickScheduler::run_all_until(double t_end_s, int n_thread) {
  check_end(t_end_s);
  std::vector<std::uint64_t> n_event(lanes_.size(), 0);
  for_each_lane(n_lane(), n_thread, [&](std::int32_t lane) {
    n_event[static_cast<std::size_t>(lane)] = run_until(lane, t_end_s);
  });
  std::uint64_t total = 0;
  for (const std::uint64_t n : n_event) total += n;
  return total;
}

// A handler that throws has still been called: the agent's next tick is armed all the same.
void TickScheduler::handle(Lane& lane, const TickEvent& event) {
  if (!is_live(event)) return;
  const Handler& handler = handlers_[static_cast<std::size_t>(event.type)];
  if (handler) {
    try {
      handler(*this, event);
    } catch (...) {
      finish(lane, event);
      throw;
    }
  }
  finish(lane, event);
}

// --- decision points ------------------------------------------------------------------------

void TickScheduler::set_surfacing_type(EventType type, bool is_surfacing) {
  is_surfacing_type_[static_cast<std::size_t>(type)] = is_surfacing;
}

void TickScheduler::next_due(double t_end_s, DueEvents& due, int n_thread) {
  check_end(t_end_s);
  due.clear();
  std::exception_ptr error;
  try {
    for_each_lane(n_lane(), n_thread, [&](std::int32_t lane) { advance_to_due(lane, t_end_s); });
  } catch (...) {
    error = std::current_exception();  // passed on once nothing that surfaced can be lost
  }
  for (const Lane& lane : lanes_) {
    for (const TickEvent& event : lane.surfaced) {
      due.lane.push_back(event.lane);
      due.agent.push_back(event.agent);
      due.time_s.push_back(event.time_s);
      due.type.push_back(event.type);
      due.payload.push_back(event.payload);
    }
  }
  if (error) std::rethrow_exception(error);
}

void TickScheduler::advance_to_due(std::int32_t lane, double t_end_s) {
  Lane& here = lane_at(lane);
  finish_surfaced(here);
  while (const std::optional<Event> event = here.queue.peek()) {
    if (!(event->time_s <= t_end_s)) return;
    TickEvent coming;
    decode(lane, *event, coming);
    const bool is_due = surfaces(coming);
    if (!here.surfaced.empty()) {
      const TickEvent& first = here.surfaced.front();
      if (!is_due || coming.time_s != first.time_s || coming.priority != first.priority ||
          coming.type != first.type) {
        return;
      }
    }
    here.queue.pop();
    count(here, coming);
    if (!is_due) {
      handle(here, coming);
    } else if (is_live(coming)) {
      here.surfaced.push_back(coming);
    }
  }
}

bool TickScheduler::surfaces(const TickEvent& event) const noexcept {
  return is_surfacing_type_[static_cast<std::size_t>(event.type)] &&
         (event.agent == kNoAgent || agents_[static_cast<std::size_t>(event.agent)].is_surfacing);
}

void TickScheduler::finish_surfaced(Lane& lane) {
  for (const TickEvent& event : lane.surfaced) finish(lane, event);
  lane.surfaced.clear();
}

// --- whole lanes ----------------------------------------------------------------------------

void TickScheduler::clear(std::int32_t lane) {
  Lane& here = lane_at(lane);
  here.queue.clear();
  here.surfaced.clear();
  for (Clock& clock : here.clocks) clock.is_armed = false;
}

void TickScheduler::reset(std::int32_t lane, double start_time_s) {
  Lane& here = lane_at(lane);
  here.queue.reset(start_time_s);
  clear(lane);
  here.n_processed = 0;
  here.seed = here.next_seed;
  here.key = here.next_key;
  std::ranges::fill(here.clocks, Clock{});
  std::ranges::fill(here.n_drawn, DrawCounts{});
  for (const std::int32_t agent : order_) arm_first(here, agent);
}

void TickScheduler::seed_lane(std::int32_t lane, std::uint64_t seed, std::uint64_t lane_key) {
  Lane& here = lane_at(lane);
  here.next_seed = seed;
  here.next_key = lane_key;
}

// --- inside ---------------------------------------------------------------------------------

const TickScheduler::Lane& TickScheduler::lane_at(std::int32_t lane) const {
  if (lane < 0 || lane >= n_lane()) {
    throw InvalidArgument("lane is " + std::to_string(lane) + ", expected 0 to " +
                          std::to_string(n_lane() - 1));
  }
  return lanes_[static_cast<std::size_t>(lane)];
}

TickScheduler::Lane& TickScheduler::lane_at(std::int32_t lane) {
  return const_cast<Lane&>(std::as_const(*this).lane_at(lane));
}

void TickScheduler::check_agent(std::int32_t agent, bool may_be_none) const {
  if (may_be_none && agent == kNoAgent) return;
  if (agent < 0 || static_cast<std::size_t>(agent) >= agents_.size()) {
    throw InvalidArgument("agent " + std::to_string(agent) + " is not known; " +
                          std::to_string(agents_.size()) + " have been registered");
  }
}

void TickScheduler::check_first_tick(std::optional<double> first_tick_s) const {
  if (!first_tick_s) return;
  for (const Lane& lane : lanes_) lane.queue.check_time(*first_tick_s);
}

void TickScheduler::arm_first(Lane& lane, std::int32_t agent) {
  const Agent& record = agents_[static_cast<std::size_t>(agent)];
  lane.clocks[static_cast<std::size_t>(agent)].tick_priority = record.tick_priority;
  if (!record.ticks) return;
  const double now_s = lane.queue.now_s();
  arm(lane, agent, std::max(now_s, record.first_tick_s.value_or(now_s)));
}

void TickScheduler::arm(Lane& lane, std::int32_t agent, double time_s) {
  Clock& clock = lane.clocks[static_cast<std::size_t>(agent)];
  clock.armed =
      lane.queue.push(time_s, clock.tick_priority, 0, tag_of(EventType::agent_tick, true, agent));
  clock.is_armed = true;
}

double TickScheduler::draw(Lane& lane, std::int32_t agent, Stream stream) noexcept {
  if (stream == Stream::tick_interval) return next_interval(lane, agent);
  const TickConfig& config = agents_[static_cast<std::size_t>(agent)].config;
  if (!is_jittered(config, stream)) return base_s(config, stream);
  const std::uint64_t number =
      lane.n_drawn[static_cast<std::size_t>(agent)][static_cast<std::size_t>(stream)]++;
  return jittered_s(config, stream, random_bits(key_of(lane, agent, stream), number));
}

// Philox makes four draws at once, so four intervals are made together; the three that wait keep
// the way from a tick to the next one short.
double TickScheduler::next_interval(Lane& lane, std::int32_t agent) noexcept {
  Clock& clock = lane.clocks[static_cast<std::size_t>(agent)];
  const std::uint64_t number = clock.n_interval++;
  if (number % 4 == 0) {
    const TickConfig& config = agents_[static_cast<std::size_t>(agent)].config;
    if (is_jittered(config, Stream::tick_interval)) {
      const auto bits = random_block(key_of(lane, agent, Stream::tick_interval), number / 4);
      std::ranges::transform(bits, clock.intervals_s.begin(), [&](std::uint64_t draw) {
        return jittered_s(config, Stream::tick_interval, draw);
      });
    } else {
      clock.intervals_s.fill(config.tick_interval_s);
    }
  }
  return clock.intervals_s[number % 4];
}

StreamKey TickScheduler::key_of(const Lane& lane, std::int32_t agent,
                                Stream stream) const noexcept {
  const std::optional<std::uint64_t>& own = agents_[static_cast<std::size_t>(agent)].config.seed;
  if (own) return {*own, lane.key, 0, stream};
  return {lane.seed, lane.key, static_cast<std::uint64_t>(agent), stream};
}

bool TickScheduler::take_next(Lane& lane, std::int32_t number, double t_end_s, TickEvent& taken) {
  Event event;
  if (lane.queue.pop_until(t_end_s, {&event, 1}) == 0) return false;
  decode(number, event, taken);
  count(lane, taken);
  return true;
}

void TickScheduler::count(Lane& lane, const TickEvent& taken) noexcept {
  ++lane.n_processed;
  if (taken.is_periodic) lane.clocks[static_cast<std::size_t>(taken.agent)].is_armed = false;
}

}  // namespace heron
