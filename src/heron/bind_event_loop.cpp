#include "heron/bind_event_loop.hpp"

#include <pybind11/stl.h>

#include <cstdint>
#include <limits>
#include <optional>

#include "common/garbage_collection.hpp"
#include "heron/event_loop.hpp"

namespace heron_bindings {
namespace {

EventLoop& loop_of(const py::object& self) { return self.cast<EventLoop&>(); }

constexpr double kForever = std::numeric_limits<double>::infinity();

// Handlers refer to schedulers and schedulers to handlers, so the collector must see through.
int traverse(const EventLoop& loop, visitproc visit, void* arg) {
  return loop.traverse(visit, arg);
}
void drop(EventLoop& loop) { loop.drop_references(); }

}  // namespace

void bind_event_loop(py::module_& module) {
  py::class_<EventLoop>(
      module, "EventLoop", py::module_local(),
      py::custom_type_setup(&take_part_in_garbage_collection<EventLoop, traverse, drop>),
      "The event loop under heron.scheduling.EventScheduler.")
      .def(py::init<double, std::uint64_t, const py::list&>(), py::arg("start_time_s"),
           py::arg("seed"), py::arg("event_types"))
      .def("_add_agent", &EventLoop::add_agent, py::arg("agent_id"), py::arg("config"),
           py::arg("first_tick_s"), py::arg("tick_priority"))
      .def("_remove_agent", &EventLoop::remove_agent, py::arg("agent_id"))
      .def(
          "_draw_s",
          [](EventLoop& loop, const py::object& agent_id, std::uint64_t stream) {
            return loop.draw_s(agent_id, static_cast<heron::Stream>(stream));
          },
          py::arg("agent_id"), py::arg("stream"))
      .def("schedule", &EventLoop::schedule, py::arg("event"),
           "Add an event and assign its sequence. ValueError if its timestamp is not finite or in "
           "the past.")
      .def("peek", &EventLoop::peek, "Return the next event, which stays, or None.")
      .def("pop", &EventLoop::pop,
           "Take the next event without handling it, or None, and move the time to it. A tick that "
           "is popped is not followed by another.")
      .def("set_handler", &EventLoop::set_handler, py::arg("event_type"), py::arg("handler"),
           "Call handler(event, scheduler) for every event of a type; None takes it away.")
      .def_property_readonly("handlers", &EventLoop::handlers,
                             "Handlers by event type; a copy, in the order of the types.")
      .def(
          "process_next",
          [](const py::object& self) { return loop_of(self).run_until(self, kForever, 1) == 1; },
          "Handle one event; return False if there is none.")
      .def(
          "run_until",
          [](const py::object& self, double t_end, std::optional<std::uint64_t> max_events) {
            return loop_of(self).run_until(
                self, t_end, max_events.value_or(std::numeric_limits<std::uint64_t>::max()));
          },
          py::arg("t_end"), py::arg("max_events") = py::none(),
          "Handle events in order up to and including t_end [s]; return how many, skipped ones "
          "included. The time stays at the last of them. A handler may raise: its event counts as "
          "handled, and the scheduler can go on.")
      .def(
          "run_steps",
          [](const py::object& self, std::uint64_t n) {
            return loop_of(self).run_until(self, kForever, n);
          },
          py::arg("n"), "Handle n events; return how many there were.")
      .def("clear", &EventLoop::clear,
           "Drop every pending event, ticks included; agents and time stay.")
      .def("reset", &EventLoop::reset, py::arg("start_time") = 0.0,
           "Start again: no events but the first tick of every agent, in order of registration, "
           "and jitter drawn from its beginning.")
      .def_property_readonly("current_time", &EventLoop::now_s,
                             "Simulated time of the last event, or of the start [s].")
      .def_property_readonly("pending_count", &EventLoop::n_pending,
                             "Number of events to come, armed ticks included.")
      .def_property_readonly(
          "processed_count", &EventLoop::n_processed,
          "Events that were handled or skipped since the start or the last reset.");
}

}  // namespace heron_bindings
