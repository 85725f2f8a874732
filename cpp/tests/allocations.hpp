#pragma once

#include <cstdint>

namespace heron_tests {

// How often this thread has asked for memory with operator new.
[[nodiscard]] std::uint64_t n_allocation() noexcept;

}  // namespace heron_tests
