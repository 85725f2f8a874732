#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>

// A Python object as the payload of a message: its address, together with one reference to it. The
// core carries the number; whoever takes it out of the core takes the reference over.
namespace heron_bindings {

namespace py = pybind11;

static_assert(sizeof(PyObject*) <= sizeof(std::int64_t));

[[nodiscard]] inline std::int64_t to_payload(py::object object) {
  return static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(object.release().ptr()));
}

[[nodiscard]] inline PyObject* object_at(std::int64_t payload) {
  return reinterpret_cast<PyObject*>(static_cast<std::intptr_t>(payload));
}

// The object, with the reference that the payload held.
[[nodiscard]] inline py::object take_payload(std::int64_t payload) {
  return py::reinterpret_steal<py::object>(object_at(payload));
}

}  // namespace heron_bindings
