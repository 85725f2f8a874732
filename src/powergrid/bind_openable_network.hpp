#pragma once

#include <pybind11/pybind11.h>

namespace heron_bindings {

void bind_openable_network(pybind11::module_& module);

}  // namespace heron_bindings
