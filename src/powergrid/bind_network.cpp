#include "powergrid/bind_network.hpp"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/arrays.hpp"
#include "powergrid/error.hpp"
#include "powergrid/network.hpp"

namespace heron_bindings {
namespace {

using powergrid::InvalidArgument;
using powergrid::Method;
using powergrid::Network;
using powergrid::NetworkData;

// Takes the entries of a dict one by one and knows in the end whether any was left over.
class Fields {
 public:
  explicit Fields(const py::dict& fields) : fields_(fields) {}

  template <class T>
  void take(const char* name, std::vector<T>& out) {
    const auto array = cast<InputArray<T>>(name, py::str(py::dtype::of<T>()).cast<std::string>());
    const auto values = as_span(array, name);
    out.assign(values.begin(), values.end());
  }
  template <class T>
  void take(const char* name, T& out) {
    try {
      out = field(name).template cast<T>();
    } catch (const py::cast_error&) {
      throw py::type_error(std::string(name) + " is no number");
    }
    ++n_taken_;
  }
  void check_all_taken() const {
    if (n_taken_ == fields_.size()) return;
    throw InvalidArgument("the data of a network have " + std::to_string(fields_.size()) +
                          " fields, expected " + std::to_string(n_taken_) +
                          ": see powergrid._core.Network");
  }

 private:
  [[nodiscard]] py::object field(const char* name) const {
    if (!fields_.contains(name)) {
      throw InvalidArgument("the data of a network lack the field " + std::string(name));
    }
    return fields_[name];
  }
  template <class Array>
  Array cast(const char* name, const std::string& dtype) {
    const py::object value = field(name);
    if (!py::isinstance<Array>(value)) {
      throw py::type_error(std::string(name) + " is no C-contiguous array of " + dtype);
    }
    ++n_taken_;
    return py::reinterpret_borrow<Array>(value);
  }

  const py::dict& fields_;
  std::size_t n_taken_ = 0;
};

}  // namespace

NetworkData network_data_from(const py::dict& dict) {
  Fields fields(dict);
  NetworkData data;
  fields.take("base_mva", data.base_mva);
  fields.take("n_phase", data.n_phase);
  fields.take("node_of_bus", data.node_of_bus);
  fields.take("p_fixed_pu", data.p_fixed_pu);
  fields.take("q_fixed_pu", data.q_fixed_pu);
  fields.take("g_shunt_pu", data.g_shunt_pu);
  fields.take("b_shunt_pu", data.b_shunt_pu);
  fields.take("start_vm_pu", data.start_vm_pu);
  fields.take("start_va_degree", data.start_va_degree);
  fields.take("controlled_node", data.controlled_node);
  fields.take("is_source", data.is_source);
  fields.take("controlled_vm_pu", data.controlled_vm_pu);
  fields.take("controlled_va_degree", data.controlled_va_degree);
  fields.take("from_node", data.from_node);
  fields.take("to_node", data.to_node);
  fields.take("r_pu", data.r_pu);
  fields.take("x_pu", data.x_pu);
  fields.take("r_back_pu", data.r_back_pu);
  fields.take("x_back_pu", data.x_back_pu);
  fields.take("g_from_pu", data.g_from_pu);
  fields.take("b_from_pu", data.b_from_pu);
  fields.take("g_to_pu", data.g_to_pu);
  fields.take("b_to_pu", data.b_to_pu);
  fields.take("ratio", data.ratio);
  fields.take("shift_degree", data.shift_degree);
  fields.take("loading_from", data.loading_from);
  fields.take("loading_to", data.loading_to);
  fields.take("tap_branch", data.tap_branch);
  fields.take("tap_is_to", data.tap_is_to);
  std::vector<std::uint8_t> tap_kind;
  fields.take("tap_kind", tap_kind);
  for (const std::uint8_t kind : tap_kind) {
    data.tap_kind.push_back(static_cast<powergrid::TapKind>(kind));
  }
  fields.take("tap_neutral", data.tap_neutral);
  fields.take("tap_step", data.tap_step);
  fields.take("tap_angle_degree", data.tap_angle_degree);
  fields.take("tap_pos", data.tap_pos);
  fields.take("injection_node", data.injection_node);
  fields.take("injection_scale", data.injection_scale);
  fields.take("p_mw", data.p_mw);
  fields.take("q_mvar", data.q_mvar);
  fields.take("p_current_share", data.p_current_share);
  fields.take("q_current_share", data.q_current_share);
  fields.take("p_impedance_share", data.p_impedance_share);
  fields.take("q_impedance_share", data.q_impedance_share);
  fields.take("shunt_node", data.shunt_node);
  fields.take("shunt_g_pu", data.shunt_g_pu);
  fields.take("shunt_b_pu", data.shunt_b_pu);
  fields.take("shunt_step", data.shunt_step);
  fields.check_all_taken();
  return data;
}

namespace {

py::array_t<std::int32_t> node_of_bus(const Network& self) {
  return to_array(std::span<const std::int32_t>(self.data().node_of_bus));
}

std::unique_ptr<Network> make_network(const py::dict& fields, std::string_view method) {
  NetworkData data = network_data_from(fields);
  const py::gil_scoped_release released;
  if (method.empty()) return std::make_unique<Network>(std::move(data));
  if (method == "tree") return std::make_unique<Network>(std::move(data), Method::kTree);
  if (method == "sparse") return std::make_unique<Network>(std::move(data), Method::kSparse);
  throw InvalidArgument("method is '" + std::string(method) + "', expected 'tree' or 'sparse'");
}

}  // namespace

void bind_network(py::module_& module) {
  py::class_<Network>(module, "Network", py::module_local(),
                      "A network, checked and prepared once; see cpp/include/powergrid/network.hpp "
                      "for the meaning of each field of its data.")
      .def(py::init(&make_network), py::arg("data"), py::arg("method") = "")
      .def_property_readonly(
          "method",
          [](const Network& self) { return self.method() == Method::kTree ? "tree" : "sparse"; })
      .def_property_readonly("n_bus", &Network::n_bus)
      .def_property_readonly("n_node", &Network::n_node)
      .def_property_readonly("n_branch", &Network::n_branch)
      .def_property_readonly("n_controlled", &Network::n_controlled)
      .def_property_readonly("n_tap", &Network::n_tap)
      .def_property_readonly("n_injection", &Network::n_injection)
      .def_property_readonly("n_shunt", &Network::n_shunt)
      .def_property_readonly("node_of_bus", &node_of_bus);
}

}  // namespace heron_bindings
