#include "heron/bind_event_queue.hpp"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "common/arrays.hpp"
#include "heron/event_queue.hpp"

namespace heron_bindings {
namespace {

using heron::Event;
using heron::EventHandle;
using heron::EventQueue;

py::object to_tuple_or_none(const std::optional<Event>& event) {
  if (!event) return py::none();
  return py::make_tuple(event->time_s, event->priority, event->sequence, event->payload);
}

py::array_t<std::uint64_t> push_batch(EventQueue& queue, const InputArray<double>& time_s,
                                      const InputArray<std::int32_t>& priority,
                                      const InputArray<std::int64_t>& payload) {
  const auto times = as_span(time_s, "time_s");
  const auto priorities = as_span(priority, "priority");
  const auto payloads = as_span(payload, "payload");
  std::vector<EventHandle> handles(times.size());
  {
    const py::gil_scoped_release released;
    queue.push_batch(times, priorities, payloads, handles);
  }
  py::array_t<std::uint64_t> result(static_cast<py::ssize_t>(handles.size()));
  std::ranges::transform(handles, result.mutable_data(),
                         [](EventHandle handle) { return static_cast<std::uint64_t>(handle); });
  return result;
}

py::tuple pop_until(EventQueue& queue, double t_end_s, std::optional<std::size_t> max_events) {
  std::vector<Event> events;
  {
    const py::gil_scoped_release released;
    events.resize(std::min(queue.size(), max_events.value_or(queue.size())));
    events.resize(queue.pop_until(t_end_s, events));
  }
  const auto n_event = static_cast<py::ssize_t>(events.size());
  py::array_t<double> time_s(n_event);
  py::array_t<std::int32_t> priority(n_event);
  py::array_t<std::uint64_t> sequence(n_event);
  py::array_t<std::int64_t> payload(n_event);
  std::ranges::transform(events, time_s.mutable_data(), &Event::time_s);
  std::ranges::transform(events, priority.mutable_data(), &Event::priority);
  std::ranges::transform(events, sequence.mutable_data(), &Event::sequence);
  std::ranges::transform(events, payload.mutable_data(), &Event::payload);
  return py::make_tuple(time_s, priority, sequence, payload);
}

}  // namespace

void bind_event_queue(py::module_& module) {
  py::class_<EventQueue>(
      module, "EventQueue", py::module_local(),
      "The compiled twin of heron.reference.event_queue.EventQueue, which documents every method.")
      .def(py::init<double>(), py::arg("start_time_s") = 0.0)
      .def(
          "push",
          [](EventQueue& queue, double time_s, std::int32_t priority, std::int64_t payload) {
            return static_cast<std::uint64_t>(queue.push(time_s, priority, payload));
          },
          py::arg("time_s"), py::arg("priority") = 0, py::arg("payload") = 0)
      .def("push_batch", &push_batch, py::arg("time_s").noconvert(),
           py::arg("priority").noconvert(), py::arg("payload").noconvert())
      .def(
          "cancel",
          [](EventQueue& queue, std::uint64_t handle) { return queue.cancel(EventHandle{handle}); },
          py::arg("handle"))
      .def(
          "is_pending",
          [](const EventQueue& queue, std::uint64_t handle) {
            return queue.is_pending(EventHandle{handle});
          },
          py::arg("handle"))
      .def("peek", [](const EventQueue& queue) { return to_tuple_or_none(queue.peek()); })
      .def("pop", [](EventQueue& queue) { return to_tuple_or_none(queue.pop()); })
      .def("pop_until", &pop_until, py::arg("t_end_s"), py::arg("max_events") = py::none())
      .def("clear", &EventQueue::clear)
      .def("reset", &EventQueue::reset, py::arg("start_time_s") = 0.0)
      .def("reserve", &EventQueue::reserve, py::arg("n_event"))
      .def("__len__", &EventQueue::size)
      .def_property_readonly("now_s", &EventQueue::now_s);
}

}  // namespace heron_bindings
