#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <optional>

#include "heron/tick_scheduler.hpp"

namespace heron_bindings {

namespace py = pybind11;

// What a heron.scheduling.TickConfig says. Throws InvalidArgument for one with a generator.
heron::TickConfig tick_config_from(const py::object& config);

// The event type with that number; throws InvalidArgument if there is none.
heron::EventType event_type_from(int type);

}  // namespace heron_bindings
