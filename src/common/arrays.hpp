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

}  // namespace heron_bindings
