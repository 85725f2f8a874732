#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "heron.h"

namespace heron::c_api {

// Keep a text for heron_last_error of this thread, or none.
void remember_error(std::string_view text) noexcept;

// To be called in a catch block: the status of the exception, its text remembered.
heron_status status_of_current_exception() noexcept;

// Run the body of a C function. No exception passes this point.
template <class Body>
heron_status guarded(Body&& body) noexcept {
  try {
    body();
    return HERON_OK;
  } catch (...) {
    return status_of_current_exception();
  }
}

// What to report of a handler that returned this status: with the text of the call that failed
// inside, if the thread remembers one.
[[nodiscard]] std::string handler_text(heron_status status);

// A handler that returned anything but HERON_OK, on its way out of the scheduler's loop.
// Carries the text that the handler left on its own thread.
class HandlerFailed : public std::runtime_error {
 public:
  explicit HandlerFailed(heron_status status)
      : std::runtime_error(handler_text(status)), status_(status) {}
  [[nodiscard]] heron_status status() const noexcept { return status_; }

 private:
  heron_status status_;
};

[[noreturn]] void throw_null(const char* name);
[[noreturn]] void throw_too_large(const char* name);
[[noreturn]] void throw_no_choice(const char* name, std::int32_t value, std::int32_t n_choice);

// What a pointer that must be given points at.
template <class T>
T& required(T* pointer, const char* name) {
  if (pointer == nullptr) throw_null(name);
  return *pointer;
}

template <class T>
std::span<T> array(T* first, std::size_t n_element, const char* name) {
  if (first == nullptr && n_element > 0) throw_null(name);
  return {first, n_element};
}

// n_row rows of row_length values, one after the other.
template <class T>
std::span<T> matrix(T* first, std::size_t n_row, std::size_t row_length, const char* name) {
  if (row_length > 0 && n_row > std::numeric_limits<std::size_t>::max() / row_length) {
    throw_too_large(name);
  }
  return array(first, n_row * row_length, name);
}

// The value of an enum class whose enumerators are 0 to n_choice - 1.
template <class Enum>
Enum choice(std::int32_t value, std::size_t n_choice, const char* name) {
  const auto n_known = static_cast<std::int32_t>(n_choice);
  if (value < 0 || value >= n_known) throw_no_choice(name, value, n_known);
  return static_cast<Enum>(value);
}

// An argument that the caller may leave out.
template <class T>
std::optional<T> optional(const T* value) {
  return value == nullptr ? std::nullopt : std::optional<T>(*value);
}

// Write a result that the caller may leave out.
template <class T>
void assign(T* result, T value) noexcept {
  if (result != nullptr) *result = value;
}

}  // namespace heron::c_api
