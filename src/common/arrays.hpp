#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <span>
#include <string>

// Strict arrays: with py::arg().noconvert() pybind11 accepts exactly this dtype in C order and
// nothing else, so no call ever copies its input behind the caller's back.
namespace heron_bindings {

namespace py = pybind11;

template <class T>
using InputArray = py::array_t<T, py::array::c_style>;

// The values of a one-dimensional, aligned array; TypeError naming the argument otherwise. The
// span lives as long as the array.
template <class T>
std::span<const T> as_span(const InputArray<T>& array, const char* name) {
  if (array.ndim() != 1) {
    throw py::type_error(std::string(name) + " has " + std::to_string(array.ndim()) +
                         " dimensions, expected a one-dimensional array");
  }
  if (reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) != 0) {
    throw py::type_error(std::string(name) + " is not aligned in memory; pass a copy of it");
  }
  return {array.data(), static_cast<std::size_t>(array.size())};
}

// The same of an argument that may be None, which gives an empty span.
template <class T>
std::span<const T> as_optional_span(const py::object& value, const char* name) {
  if (value.is_none()) return {};
  if (!py::isinstance<InputArray<T>>(value)) {
    throw py::type_error(std::string(name) + " is no C-contiguous array of " +
                         py::str(py::dtype::of<T>()).cast<std::string>());
  }
  return as_span(py::reinterpret_borrow<InputArray<T>>(value), name);
}

// The rows of a two-dimensional, aligned array that the caller gives to be filled; TypeError naming
// the argument if it has another form or is read-only. The spans live as long as the array.
template <class T>
struct Rows {
  std::span<T> values;     // row by row
  std::size_t row_length;  // values in each
};

template <class T>
Rows<T> as_rows(InputArray<T>& array, const char* name) {
  if (array.ndim() != 2) {
    throw py::type_error(std::string(name) + " has " + std::to_string(array.ndim()) +
                         " dimensions, expected two: rows and their entries");
  }
  if (!array.writeable()) throw py::type_error(std::string(name) + " is read-only");
  if (reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) != 0) {
    throw py::type_error(std::string(name) + " is not aligned in memory; pass an aligned array");
  }
  return {{array.mutable_data(), static_cast<std::size_t>(array.size())},
          static_cast<std::size_t>(array.shape(1))};
}

// A copy of the values as a NumPy array of its own.
template <class T>
py::array_t<T> to_array(std::span<const T> values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

}  // namespace heron_bindings
