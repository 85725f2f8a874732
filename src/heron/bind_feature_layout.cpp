#include "heron/bind_feature_layout.hpp"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/arrays.hpp"
#include "heron/feature_layout.hpp"

namespace heron_bindings {
namespace {

using heron::FeatureBlock;
using heron::FeatureLayout;

std::int32_t add_block(FeatureLayout& layout, std::string_view owner, std::string_view name,
                       std::int32_t n_slot, std::int32_t owner_level,
                       const std::vector<std::string>& visibility) {
  unsigned tags = heron::kVisibleToNobody;
  for (const std::string& tag : visibility) tags |= heron::visibility(tag);
  return layout.add_block(owner, name, n_slot, owner_level, static_cast<std::uint8_t>(tags));
}

py::object find(const FeatureLayout& layout, std::string_view owner, std::string_view name) {
  const FeatureBlock* block = layout.find(owner, name);
  if (block == nullptr) return py::none();
  return py::make_tuple(block->first_slot, block->n_slot);
}

py::array_t<std::int32_t> visible_slots(const FeatureLayout& layout,
                                        std::optional<std::string_view> requestor,
                                        std::int32_t requestor_level,
                                        std::optional<std::string_view> owner) {
  const auto slots = layout.visible_slots(requestor.value_or(""), requestor_level, owner);
  return to_array<std::int32_t>(slots);
}

}  // namespace

void bind_feature_layout(py::module_& module) {
  py::class_<FeatureLayout>(module, "FeatureLayout", py::module_local(),
                            "The compiled twin of heron.reference.feature_layout.FeatureLayout, "
                            "which documents every method.")
      .def(py::init<>())
      .def("add_block", &add_block, py::arg("owner"), py::arg("name"), py::arg("n_slot"),
           py::arg("owner_level"), py::arg("visibility"))
      .def("find", &find, py::arg("owner"), py::arg("name"))
      .def("visible_slots", &visible_slots, py::arg("requestor"), py::arg("requestor_level"),
           py::arg("owner") = py::none())
      .def("__len__", [](const FeatureLayout& layout) { return layout.blocks().size(); })
      .def_property_readonly("n_slot", &FeatureLayout::n_slot);
}

}  // namespace heron_bindings
