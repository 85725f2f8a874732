#include "heron/bind_control_loop.hpp"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/arrays.hpp"
#include "heron/control_loop.hpp"
#include "heron/error.hpp"
#include "heron/message_faults_from.hpp"
#include "heron/tick_config_from.hpp"

namespace heron_bindings {
namespace {

using heron::CommandCounters;
using heron::ControlLoop;

std::vector<heron::TickConfig> configs_from(const py::sequence& configs) {
  std::vector<heron::TickConfig> result;
  for (const py::handle config : configs) {
    result.push_back(tick_config_from(py::reinterpret_borrow<py::object>(config)));
  }
  return result;
}

py::tuple next_due(ControlLoop& loop, int n_thread) {
  const heron::Decisions* due = nullptr;
  {
    const py::gil_scoped_release released;
    due = &loop.next_due(n_thread);
  }
  return py::make_tuple(to_array<std::int32_t>(due->lane), to_array<std::int32_t>(due->agent),
                        to_array<double>(due->time_s), to_array<double>(due->as_of_s));
}

void answer(ControlLoop& loop, const InputArray<std::int64_t>& payload, int n_thread) {
  const auto payloads = as_span(payload, "payload");
  const py::gil_scoped_release released;
  loop.answer(payloads, n_thread);
}

py::tuple end_interval(ControlLoop& loop) {
  const heron::Effects* effects = nullptr;
  {
    const py::gil_scoped_release released;
    effects = &loop.end_interval();
  }
  return py::make_tuple(to_array<std::int32_t>(effects->lane),
                        to_array<std::int32_t>(effects->member), to_array<double>(effects->time_s),
                        to_array<std::int64_t>(effects->payload));
}

void set_outage(ControlLoop& loop, std::int32_t lane, double start_s, double end_s,
                std::optional<std::int32_t> sender) {
  if (sender && *sender < 0) {
    throw heron::InvalidArgument("sender is " + std::to_string(*sender) +
                                 ", expected the number of an agent, or None for all");
  }
  loop.set_outage(lane, start_s, end_s, sender.value_or(-1));
}

// Call use(name, member) for each counter.
template <class Use>
void for_each_counter(const Use& use) {
  use("sent", &CommandCounters::sent);
  use("delivered", &CommandCounters::delivered);
  use("lost", &CommandCounters::lost);
  use("outage", &CommandCounters::outage);
  use("duplicated", &CommandCounters::duplicated);
  use("held_back", &CommandCounters::held_back);
  use("superseded", &CommandCounters::superseded);
  use("applied", &CommandCounters::applied);
  use("latency_sum_s", &CommandCounters::latency_sum_s);
  use("latency_max_s", &CommandCounters::latency_max_s);
}

py::dict counters(const ControlLoop& loop, std::int32_t lane) {
  const CommandCounters& counters = loop.counters(lane);
  py::dict result;
  for_each_counter([&](const char* name, auto member) { result[name] = counters.*member; });
  return result;
}

// What `of_lane` says of each lane.
template <class OfLane>
auto over_lanes(const ControlLoop& loop, const OfLane& of_lane) {
  py::array_t<decltype(of_lane(0))> result(loop.n_lane());
  for (std::int32_t lane = 0; lane < loop.n_lane(); ++lane) {
    result.mutable_at(lane) = of_lane(lane);
  }
  return result;
}

py::dict all_counters(const ControlLoop& loop) {
  py::dict result;
  for_each_counter([&](const char* name, auto member) {
    result[name] = over_lanes(loop, [&](std::int32_t lane) { return loop.counters(lane).*member; });
  });
  return result;
}

}  // namespace

void bind_control_loop(py::module_& module) {
  py::class_<ControlLoop>(module, "ControlLoop", py::module_local(),
                          "The compiled twin of heron.reference.control_loop.ControlLoop, which "
                          "documents every method.")
      .def(py::init([](std::int32_t n_lane, double step_s, const std::vector<std::int32_t>& owner,
                       const py::sequence& configs, const py::object& faults,
                       const std::optional<std::vector<std::int32_t>>& tick_priority) {
             return ControlLoop(n_lane, step_s, owner, configs_from(configs),
                                message_faults_from(faults),
                                tick_priority.value_or(std::vector<std::int32_t>{}));
           }),
           py::arg("n_lane"), py::arg("step_s"), py::arg("owner"), py::arg("configs"),
           py::arg("faults") = py::none(), py::arg("tick_priority") = py::none())
      .def("reset", &ControlLoop::reset, py::arg("lane"), py::arg("seed"), py::arg("lane_key") = 0)
      .def("next_due", &next_due, py::arg("n_thread") = 1)
      .def("answer", &answer, py::arg("payload").noconvert(), py::arg("n_thread") = 1)
      .def("end_interval", &end_interval)
      .def("wake", &ControlLoop::wake, py::arg("lane"), py::arg("agent"), py::arg("time_s"))
      .def("set_outage", &set_outage, py::arg("lane"), py::arg("start_s"), py::arg("end_s"),
           py::arg("sender") = py::none())
      .def("oldest_payload", &ControlLoop::oldest_payload, py::arg("lane"))
      .def("oldest_payloads",
           [](const ControlLoop& loop) {
             return over_lanes(loop, [&](std::int32_t lane) { return loop.oldest_payload(lane); });
           })
      .def("counters", &counters, py::arg("lane"))
      .def("all_counters", &all_counters)
      .def("interval_start_s", &ControlLoop::interval_start_s, py::arg("lane"))
      .def_property_readonly("n_lane", &ControlLoop::n_lane)
      .def_property_readonly("n_agent", &ControlLoop::n_agent)
      .def_property_readonly("n_member", &ControlLoop::n_member)
      .def_property_readonly("step_s", &ControlLoop::step_s);
}

}  // namespace heron_bindings
