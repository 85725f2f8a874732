#include "heron/bind_tick_scheduler.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "common/arrays.hpp"
#include "heron/tick_config_from.hpp"
#include "heron/tick_scheduler.hpp"

namespace heron_bindings {
namespace {

using heron::DueEvents;
using heron::EventHandle;
using heron::EventType;
using heron::Stream;
using heron::TickEvent;
using heron::TickScheduler;

constexpr double kForever = std::numeric_limits<double>::infinity();

using EventTuple = std::tuple<double, std::int32_t, std::uint64_t, int, bool, std::int32_t,
                              std::int32_t, std::int64_t>;

std::optional<EventTuple> to_tuple(const std::optional<TickEvent>& event) {
  if (!event) return std::nullopt;
  return EventTuple{
      event->time_s,      event->priority, event->sequence, static_cast<int>(event->type),
      event->is_periodic, event->lane,     event->agent,    event->payload};
}

TickEvent from_tuple(const EventTuple& event) {
  return std::apply(
      [](double time_s, std::int32_t priority, std::uint64_t sequence, int type, bool is_periodic,
         std::int32_t lane, std::int32_t agent, std::int64_t payload) {
        return TickEvent{time_s,      priority, sequence, event_type_from(type),
                         is_periodic, lane,     agent,    payload};
      },
      event);
}

py::tuple next_due(TickScheduler& scheduler, double t_end_s, int n_thread) {
  DueEvents due;
  {
    const py::gil_scoped_release released;
    scheduler.next_due(t_end_s, due, n_thread);
  }
  py::array_t<std::uint8_t> type(static_cast<py::ssize_t>(due.size()));
  std::ranges::transform(due.type, type.mutable_data(),
                         [](EventType t) { return static_cast<std::uint8_t>(t); });
  return py::make_tuple(to_array<std::int32_t>(due.lane), to_array<std::int32_t>(due.agent),
                        to_array<double>(due.time_s), type, to_array<std::int64_t>(due.payload));
}

void schedule_batch(TickScheduler& scheduler, const InputArray<std::int32_t>& lane,
                    const InputArray<double>& time_s, int type,
                    const InputArray<std::int32_t>& agent, std::int32_t priority,
                    const InputArray<std::int64_t>& payload) {
  const auto lanes = as_span(lane, "lane");
  const auto times = as_span(time_s, "time_s");
  const auto agents = as_span(agent, "agent");
  const auto payloads = as_span(payload, "payload");
  const py::gil_scoped_release released;
  scheduler.schedule_batch(lanes, times, event_type_from(type), agents, priority, payloads);
}

py::array_t<double> draw_batch(TickScheduler& scheduler, std::uint64_t stream,
                               const InputArray<std::int32_t>& lane,
                               const InputArray<std::int32_t>& agent) {
  const auto lanes = as_span(lane, "lane");
  const auto agents = as_span(agent, "agent");
  py::array_t<double> drawn_s(static_cast<py::ssize_t>(lanes.size()));
  const std::span<double> out(drawn_s.mutable_data(), lanes.size());
  const py::gil_scoped_release released;
  scheduler.draw_batch(static_cast<Stream>(stream), lanes, agents, out);
  return drawn_s;
}

}  // namespace

void bind_tick_scheduler(py::module_& module) {
  py::class_<TickScheduler>(module, "TickScheduler", py::module_local(),
                            "The compiled twin of heron.reference.tick_scheduler.TickScheduler, "
                            "which documents every method.")
      .def(py::init<std::int32_t, std::uint64_t, double>(), py::arg("n_lane") = 1,
           py::arg("seed") = 0, py::arg("start_time_s") = 0.0)
      .def(
          "register_agent",
          [](TickScheduler& scheduler, const py::object& config, std::optional<double> first_tick_s,
             std::int32_t tick_priority) {
            return scheduler.register_agent(tick_config_from(config), first_tick_s, tick_priority);
          },
          py::arg("config"), py::arg("first_tick_s") = py::none(), py::arg("tick_priority") = 0)
      .def(
          "register_again",
          [](TickScheduler& scheduler, std::int32_t agent, const py::object& config,
             std::optional<double> first_tick_s, std::int32_t tick_priority) {
            scheduler.register_again(agent, tick_config_from(config), first_tick_s, tick_priority);
          },
          py::arg("agent"), py::arg("config"), py::arg("first_tick_s") = py::none(),
          py::arg("tick_priority") = 0)
      .def("unregister_agent", &TickScheduler::unregister_agent, py::arg("agent"))
      .def("is_registered", &TickScheduler::is_registered, py::arg("agent"))
      .def("agents",
           [](const TickScheduler& scheduler) {
             const auto agents = scheduler.agents();
             return std::vector<std::int32_t>(agents.begin(), agents.end());
           })
      .def("set_surfacing", &TickScheduler::set_surfacing, py::arg("agent"),
           py::arg("is_surfacing"))
      .def(
          "schedule",
          [](TickScheduler& scheduler, std::int32_t lane, double time_s, int type,
             std::int32_t agent, std::int32_t priority, std::int64_t payload) {
            return static_cast<std::uint64_t>(
                scheduler.schedule(lane, time_s, event_type_from(type), agent, priority, payload));
          },
          py::arg("lane"), py::arg("time_s"), py::arg("type"), py::arg("agent") = heron::kNoAgent,
          py::arg("priority") = 0, py::arg("payload") = 0)
      .def("schedule_batch", &schedule_batch, py::arg("lane").noconvert(),
           py::arg("time_s").noconvert(), py::arg("type"), py::arg("agent").noconvert(),
           py::arg("priority"), py::arg("payload").noconvert())
      .def(
          "cancel",
          [](TickScheduler& scheduler, std::int32_t lane, std::uint64_t handle) {
            return scheduler.cancel(lane, EventHandle{handle});
          },
          py::arg("lane"), py::arg("handle"))
      .def(
          "draw_s",
          [](TickScheduler& scheduler, std::int32_t lane, std::int32_t agent,
             std::uint64_t stream) {
            return scheduler.draw_s(lane, agent, static_cast<Stream>(stream));
          },
          py::arg("lane"), py::arg("agent"), py::arg("stream"))
      .def("draw_batch", &draw_batch, py::arg("stream"), py::arg("lane").noconvert(),
           py::arg("agent").noconvert())
      .def(
          "next",
          [](TickScheduler& scheduler, std::int32_t lane, double t_end_s) {
            return to_tuple(scheduler.next(lane, t_end_s));
          },
          py::arg("lane"), py::arg("t_end_s") = kForever)
      .def(
          "peek",
          [](const TickScheduler& scheduler, std::int32_t lane) {
            return to_tuple(scheduler.peek(lane));
          },
          py::arg("lane"))
      .def(
          "is_live",
          [](const TickScheduler& scheduler, const EventTuple& event) {
            return scheduler.is_live(from_tuple(event));
          },
          py::arg("event"))
      .def(
          "finish",
          [](TickScheduler& scheduler, const EventTuple& event) {
            scheduler.finish(from_tuple(event));
          },
          py::arg("event"))
      .def(
          "run_until",
          [](TickScheduler& scheduler, std::int32_t lane, double t_end_s,
             std::optional<std::uint64_t> max_events) {
            return scheduler.run_until(
                lane, t_end_s, max_events.value_or(std::numeric_limits<std::uint64_t>::max()));
          },
          py::arg("lane"), py::arg("t_end_s"), py::arg("max_events") = py::none(),
          py::call_guard<py::gil_scoped_release>())
      .def("run_all_until", &TickScheduler::run_all_until, py::arg("t_end_s"),
           py::arg("n_thread") = 1, py::call_guard<py::gil_scoped_release>())
      .def(
          "set_surfacing_type",
          [](TickScheduler& scheduler, int type, bool is_surfacing) {
            scheduler.set_surfacing_type(event_type_from(type), is_surfacing);
          },
          py::arg("type"), py::arg("is_surfacing"))
      .def("next_due", &next_due, py::arg("t_end_s"), py::arg("n_thread") = 1)
      .def("clear", &TickScheduler::clear, py::arg("lane"))
      .def("reset", &TickScheduler::reset, py::arg("lane"), py::arg("start_time_s") = 0.0)
      .def("seed_lane", &TickScheduler::seed_lane, py::arg("lane"), py::arg("seed"),
           py::arg("lane_key"))
      .def_property_readonly("n_lane", &TickScheduler::n_lane)
      .def("now_s", &TickScheduler::now_s, py::arg("lane"))
      .def("n_pending", &TickScheduler::n_pending, py::arg("lane"))
      .def("n_processed", &TickScheduler::n_processed, py::arg("lane"));
}

}  // namespace heron_bindings
