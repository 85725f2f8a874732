#include "heron/bind_message_faults.hpp"

#include <cstdint>
#include <string>

#include "heron/error.hpp"
#include "heron/message_faults_from.hpp"

namespace heron_bindings {

heron::MessageFaults message_faults_from(const py::object& faults) {
  heron::MessageFaults result;
  if (faults.is_none()) return result;
  result.loss = faults.attr("loss").cast<double>();
  result.duplication = faults.attr("duplication").cast<double>();
  result.reordering = faults.attr("reordering").cast<double>();
  result.reordering_delay_s = faults.attr("reordering_delay").cast<double>();
  for (const py::handle outage : faults.attr("outages")) {
    const py::object sender = outage.attr("sender");
    if (py::isinstance<py::str>(sender)) {
      throw heron::InvalidArgument("an outage names its sender '" + sender.cast<std::string>() +
                                   "', expected the number of an agent, or None for every sender");
    }
    result.outages.push_back({outage.attr("start").cast<double>(),
                              outage.attr("end").cast<double>(),
                              sender.is_none() ? -1 : sender.cast<std::int32_t>()});
  }
  return result;
}

namespace {

py::tuple message_fate(const py::object& faults, std::uint64_t seed, std::uint64_t lane_key,
                       std::int32_t sender, std::uint64_t message, double time_s) {
  const heron::MessageFate fate =
      heron::message_fate(message_faults_from(faults), seed, lane_key, sender, message, time_s);
  return py::make_tuple(fate.n_copy, py::make_tuple(fate.is_held_back[0], fate.is_held_back[1]),
                        py::make_tuple(fate.held_back_s[0], fate.held_back_s[1]), fate.is_lost,
                        fate.is_outage);
}

}  // namespace

void bind_message_faults(py::module_& module) {
  module.def("message_fate", &message_fate, py::arg("faults"), py::arg("seed"), py::arg("lane_key"),
             py::arg("sender"), py::arg("message"), py::arg("time_s"));
}

}  // namespace heron_bindings
