#pragma once

#include <pybind11/pybind11.h>

#include "powergrid/network.hpp"

namespace heron_bindings {

// The data of a network from a dict of its fields; see powergrid._core.Network.
[[nodiscard]] powergrid::NetworkData network_data_from(const pybind11::dict& fields);

void bind_network(pybind11::module_& module);

}  // namespace heron_bindings
