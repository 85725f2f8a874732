#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::uint64_t n_allocated = 0;

}  // namespace

namespace heron_tests {

std::uint64_t n_allocation() noexcept { return n_allocated; }

}  // namespace heron_tests

void* operator new(std::size_t size) {
  ++n_allocated;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
