#include "heron/error.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <string>

#include "guard.hpp"

namespace heron::c_api {
namespace {

// A fixed buffer: remembering that memory ran out must not need memory.
constexpr std::size_t kErrorLength = 512;
thread_local std::array<char, kErrorLength> last_error{};

}  // namespace

void remember_error(std::string_view text) noexcept {
  const std::size_t n_kept = std::min(text.size(), kErrorLength - 1);
  std::copy_n(text.data(), n_kept, last_error.begin());
  last_error[n_kept] = '\0';
}

heron_status status_of_current_exception() noexcept {
  try {
    throw;
  } catch (const HandlerFailed& error) {
    remember_error(error.what());
    return error.status();
  } catch (const QueueFull& error) {
    remember_error(error.what());
    return HERON_QUEUE_FULL;
  } catch (const InvalidArgument& error) {
    remember_error(error.what());
    return HERON_INVALID_ARGUMENT;
  } catch (const std::bad_alloc&) {
    remember_error("out of memory");
    return HERON_OUT_OF_MEMORY;
  } catch (const std::exception& error) {
    remember_error(error.what());
    return HERON_INTERNAL_ERROR;
  } catch (...) {
    remember_error("an exception that is no std::exception");
    return HERON_INTERNAL_ERROR;
  }
}

std::string handler_text(heron_status status) {
  const std::string text = "a handler returned " + std::to_string(status);
  const std::string_view inner = last_error.data();
  return inner.empty() ? text : text + ": " + std::string(inner);
}

void throw_null(const char* name) {
  throw InvalidArgument(std::string(name) + " is NULL, expected a valid pointer");
}

void throw_too_large(const char* name) {
  throw InvalidArgument(std::string(name) +
                        " would have more values than memory: expected n_row * row_length values");
}

void throw_no_choice(const char* name, std::int32_t value, std::int32_t n_choice) {
  throw InvalidArgument(std::string(name) + " is " + std::to_string(value) +
                        ", expected one of the constants 0 to " + std::to_string(n_choice - 1) +
                        " of heron.h");
}

}  // namespace heron::c_api

extern "C" {

const char* heron_last_error(void) { return heron::c_api::last_error.data(); }

const char* heron_version(void) { return HERON_VERSION; }

}  // extern "C"
