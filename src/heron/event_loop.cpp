#include "heron/event_loop.hpp"

#include <optional>
#include <string>
#include <utility>

#include "heron/error.hpp"
#include "heron/event_object.hpp"
#include "heron/tick_config_from.hpp"

namespace heron_bindings {
namespace {

using heron::EventType;
using heron::kEventTypeCount;
using heron::kNoAgent;
using heron::TickEvent;

// Events without a handler pass through no Python code that would notice an interrupt.
constexpr std::uint64_t kEventsBetweenSignalChecks = 4096;

}  // namespace

EventLoop::EventLoop(double start_time_s, std::uint64_t seed, const py::list& event_types)
    : scheduler_(1, seed, start_time_s) {
  if (event_types.size() != kEventTypeCount) {
    throw heron::InvalidArgument("expected the six members of EventType");
  }
  for (std::size_t type = 0; type < kEventTypeCount; ++type) event_types_[type] = event_types[type];
}

void EventLoop::add_agent(const py::object& agent_id, const py::object& config,
                          std::optional<double> first_tick_s, std::int32_t tick_priority) {
  const heron::TickConfig tick_config = tick_config_from(config);
  if (number_of_agent_.contains(agent_id)) {
    const auto number = number_of_agent_[agent_id].cast<std::int32_t>();
    scheduler_.register_again(number, tick_config, first_tick_s, tick_priority);
    return;
  }
  const std::int32_t number = scheduler_.register_agent(tick_config, first_tick_s, tick_priority);
  agent_ids_.push_back(agent_id);
  number_of_agent_[agent_id] = number;
}

void EventLoop::remove_agent(const py::object& agent_id) {
  const std::int32_t number = number_of(agent_id);
  if (number != kNoAgent) scheduler_.unregister_agent(number);
}

double EventLoop::draw_s(const py::object& agent_id, heron::Stream stream) {
  const std::int32_t number = number_of(agent_id);
  return number == kNoAgent ? 0.0 : scheduler_.draw_s(0, number, stream);
}

void EventLoop::schedule(const py::object& object) {
  EventObject& event = as_event(object);
  if (event.priority < std::numeric_limits<std::int32_t>::min() ||
      event.priority > std::numeric_limits<std::int32_t>::max()) {
    throw heron::InvalidArgument("priority is " + std::to_string(event.priority) +
                                 ", expected a 32-bit integer");
  }
  const auto type = static_cast<EventType>(type_index(event.event_type));
  const auto priority = static_cast<std::int32_t>(event.priority);
  const auto place =
      free_events_.empty() ? static_cast<std::int64_t>(events_.size()) : free_events_.back();
  const std::uint64_t sequence = scheduler_.next_sequence(0);
  scheduler_.schedule(0, event.timestamp, type, kNoAgent, priority, place);
  event.sequence = sequence;
  if (free_events_.empty()) {
    events_.push_back(object);
  } else {
    free_events_.pop_back();
    events_[static_cast<std::size_t>(place)] = object;
  }
}

py::object EventLoop::peek() const {
  const std::optional<TickEvent> event = scheduler_.peek(0);
  if (!event) return py::none();
  return event->is_periodic ? make_tick(*event) : events_[static_cast<std::size_t>(event->payload)];
}

py::object EventLoop::pop() {
  const std::optional<TickEvent> event = scheduler_.next(0);
  if (!event) return py::none();
  return event->is_periodic ? make_tick(*event) : take_stored(*event);
}

void EventLoop::set_handler(const py::object& event_type, const py::object& handler) {
  if (!handler.is_none() && PyCallable_Check(handler.ptr()) == 0) {
    throw py::type_error("a handler is called with (event, scheduler), or is None; got " +
                         std::string(Py_TYPE(handler.ptr())->tp_name));
  }
  const std::size_t type = type_index(event_type);
  handlers_[type] = handler.is_none() ? py::object() : handler;
}

py::dict EventLoop::handlers() const {
  py::dict found;
  for (std::size_t type = 0; type < kEventTypeCount; ++type) {
    if (handlers_[type]) found[event_types_[type]] = handlers_[type];
  }
  return found;
}

std::uint64_t EventLoop::run_until(const py::object& self, double t_end_s,
                                   std::uint64_t max_events) {
  heron::check_end(t_end_s);
  std::uint64_t n_event = 0;
  while (n_event < max_events) {
    const std::optional<TickEvent> event = scheduler_.next(0, t_end_s);
    if (!event) break;
    ++n_event;
    ++n_processed_;
    process(self, *event);
    if (n_event % kEventsBetweenSignalChecks == 0 && PyErr_CheckSignals() != 0) {
      throw py::error_already_set();
    }
  }
  return n_event;
}

// A handler that raises has still been called: the agent's next tick is armed all the same.
void EventLoop::process(const py::object& self, TickEvent event) {
  py::object object;
  if (!event.is_periodic) {
    object = take_stored(event);
    const EventObject& stored = as_event(object);
    if (stored.agent_id != nullptr && stored.agent_id != Py_None) {
      event.agent = number_of(stored.agent_id);
      if (event.agent == kNoAgent) return;
    }
  } else if (!scheduler_.is_live(event)) {
    return;
  }
  // Kept alive: the handler may set another in its own place.
  const py::object handler = handlers_[static_cast<std::size_t>(event.type)];
  if (handler) {
    if (!object) object = make_tick(event);
    std::array<PyObject*, 2> arguments{object.ptr(), self.ptr()};
    PyObject* result = PyObject_Vectorcall(handler.ptr(), arguments.data(), 2, nullptr);
    if (result == nullptr) {
      const py::error_already_set error;
      scheduler_.finish(event);
      throw error;
    }
    Py_DECREF(result);
  }
  scheduler_.finish(event);
}

void EventLoop::clear() {
  scheduler_.clear(0);
  free_events_.clear();
  // Moved out first, since an event that goes may run code that schedules another.
  const std::vector<py::object> dropped = std::exchange(events_, {});
}

void EventLoop::reset(double start_time_s) {
  scheduler_.reset(0, start_time_s);
  n_processed_ = 0;
  free_events_.clear();
  const std::vector<py::object> dropped = std::exchange(events_, {});
}

int EventLoop::traverse(visitproc visit, void* arg) const {
  for (const py::object& handler : handlers_) Py_VISIT(handler.ptr());
  for (const py::object& event : events_) Py_VISIT(event.ptr());
  for (const py::object& agent_id : agent_ids_) Py_VISIT(agent_id.ptr());
  Py_VISIT(number_of_agent_.ptr());
  return 0;
}

void EventLoop::drop_references() {
  clear();
  for (py::object& handler : handlers_) handler = py::object();
}

std::int32_t EventLoop::number_of(py::handle agent_id) const {
  PyObject* number = PyDict_GetItemWithError(number_of_agent_.ptr(), agent_id.ptr());
  if (number == nullptr) {
    if (PyErr_Occurred() != nullptr) throw py::error_already_set();
    return kNoAgent;
  }
  const auto value = static_cast<std::int32_t>(PyLong_AsLong(number));
  return scheduler_.is_registered(value) ? value : kNoAgent;
}

std::size_t EventLoop::type_index(py::handle event_type) const {
  for (std::size_t type = 0; type < kEventTypeCount; ++type) {
    if (event_types_[type].is(event_type)) return type;
  }
  throw py::type_error("event_type is " + py::repr(event_type).cast<std::string>() +
                       ", expected a member of heron.scheduling.EventType");
}

py::object EventLoop::make_tick(const TickEvent& tick) const {
  return make_event(tick.time_s, tick.priority, tick.sequence, event_types_[0],
                    agent_ids_[static_cast<std::size_t>(tick.agent)]);
}

py::object EventLoop::take_stored(const TickEvent& event) {
  free_events_.push_back(event.payload);
  return std::move(events_[static_cast<std::size_t>(event.payload)]);
}

}  // namespace heron_bindings
