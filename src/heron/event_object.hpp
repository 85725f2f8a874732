#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

namespace heron_bindings {

namespace py = pybind11;

// heron.scheduling.Event: a plain CPython object, since one is made for every tick that a Python
// handler sees, and a pybind11 instance costs five times as much.
struct EventObject {
  PyObject ob_base;
  double timestamp;        // [s]
  long long priority;      // smaller comes first among equal times
  std::uint64_t sequence;  // assigned by the scheduler
  PyObject* event_type;    // a member of heron.scheduling.EventType
  PyObject* agent_id;      // null for none
  PyObject* payload;       // null for a dict not asked for yet
};

// The type, which is there for good.
PyTypeObject* event_type_object() noexcept;

// Add the type to the module as "Event".
void bind_event_object(py::module_& module);

// Make an event with an empty payload. `agent_id` may be null.
py::object make_event(double timestamp, long long priority, std::uint64_t sequence,
                      py::handle event_type, py::handle agent_id);

// The event behind a Python object; throws py::type_error if it is none.
EventObject& as_event(const py::object& object);

}  // namespace heron_bindings
