#include "powergrid/bind_openable_network.hpp"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "common/arrays.hpp"
#include "powergrid/bind_network.hpp"
#include "powergrid/error.hpp"
#include "powergrid/openable_network.hpp"

namespace heron_bindings {
namespace {

using powergrid::ClosedSwitch;
using powergrid::Network;
using powergrid::OpenableNetwork;

using Numbers = InputArray<std::int32_t>;

std::unique_ptr<OpenableNetwork> make(const Network& base, const py::object& data,
                                      const Numbers& from_node, const Numbers& to_node) {
  if (data.is_none()) return std::make_unique<OpenableNetwork>(base);
  const auto from = as_span(from_node, "from_node");
  const auto to = as_span(to_node, "to_node");
  if (from.size() != to.size()) {
    throw powergrid::InvalidArgument("from_node and to_node differ in length: one value a switch");
  }
  std::vector<ClosedSwitch> switches;
  for (std::size_t i = 0; i < from.size(); ++i) switches.push_back({from[i], to[i]});
  return std::make_unique<OpenableNetwork>(base, network_data_from(data.cast<py::dict>()),
                                           std::move(switches));
}

std::unique_ptr<Network> opened(const OpenableNetwork& self, const Numbers& branches,
                                const Numbers& switches) {
  const auto of_branches = as_span(branches, "branches");
  const auto of_switches = as_span(switches, "switches");
  const py::gil_scoped_release released;
  return self.opened(of_branches, of_switches);
}

}  // namespace

void bind_openable_network(py::module_& module) {
  const Numbers none(0);
  py::class_<OpenableNetwork>(module, "OpenableNetwork", py::module_local(),
                              "A network whose branches and switches can be opened; see "
                              "cpp/include/powergrid/openable_network.hpp.")
      .def(py::init(&make), py::arg("base"), py::arg("data") = py::none(),
           py::arg("from_node").noconvert() = none, py::arg("to_node").noconvert() = none,
           py::keep_alive<1, 2>())
      .def_property_readonly("n_spare_node", &OpenableNetwork::n_spare_node)
      .def_property_readonly("n_switch", &OpenableNetwork::n_switch)
      .def("opened", &opened, py::arg("branches").noconvert(), py::arg("switches").noconvert(),
           py::keep_alive<0, 1>());
}

}  // namespace heron_bindings
