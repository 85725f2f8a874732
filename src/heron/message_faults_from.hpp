#pragma once

#include <pybind11/pybind11.h>

#include "heron/message_faults.hpp"

namespace heron_bindings {

namespace py = pybind11;

// What a heron.messaging.MessageFaults says; None for no faults. Throws InvalidArgument if an
// outage gives its sender by name.
heron::MessageFaults message_faults_from(const py::object& faults);

}  // namespace heron_bindings
