#pragma once

#include <pybind11/pybind11.h>

namespace heron_bindings {

void bind_stage_program(pybind11::module_& module);

}  // namespace heron_bindings
