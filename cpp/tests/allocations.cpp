#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::uint64_t n_call = 0;

void* allocate(std::size_t n_byte, std::size_t alignment) {
  ++n_call;
  // aligned_alloc wants a multiple of the alignment, and something in any case.
  const std::size_t n_rounded = (n_byte / alignment + 1) * alignment;
  if (void* memory = std::aligned_alloc(alignment, n_rounded)) return memory;
  throw std::bad_alloc();
}

}  // namespace

namespace heron_tests {

std::uint64_t n_allocation() noexcept { return n_call; }

}  // namespace heron_tests

// The forms for arrays call these. So does the one that does not throw, but not under the address
// sanitizer, whose own would then meet our delete.
void* operator new(std::size_t n_byte) {
  return allocate(n_byte, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
void* operator new(std::size_t n_byte, std::align_val_t alignment) {
  return allocate(n_byte, static_cast<std::size_t>(alignment));
}
void* operator new(std::size_t n_byte, const std::nothrow_t&) noexcept {
  try {
    return operator new(n_byte);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
