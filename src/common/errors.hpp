#pragma once

#include <pybind11/pybind11.h>

#include <exception>

namespace heron_bindings {

namespace py = pybind11;

// Translate the C++ error type CppError into the Python class heron.errors.<python_name> in the
// calling module. The class is looked up when an error passes, so importing the module stays cheap.
template <class CppError, const char* kPythonName>
void translate_error() {
  py::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const CppError& error) {
      const py::object python_class = py::module_::import("heron.errors").attr(kPythonName);
      py::set_error(python_class, error.what());
    }
  });
}

inline constexpr char kInvalidArgument[] = "InvalidArgumentError";
inline constexpr char kQueueFull[] = "QueueFullError";

}  // namespace heron_bindings
