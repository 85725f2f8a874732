#pragma once

#include <cstddef>

// Calls of operator new so far, from every thread; including this header replaces the operator.
std::size_t n_allocation() noexcept;
