#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace heron {

inline constexpr std::size_t kCacheLine = 64;  // bytes; also the widest vector register

// Allocates on cache-line boundaries. The standard allocator promises no more than 16 bytes.
template <class T>
struct CacheLineAllocator {
  using value_type = T;

  CacheLineAllocator() = default;
  template <class U>
  explicit CacheLineAllocator(const CacheLineAllocator<U>&) noexcept {}

  [[nodiscard]] T* allocate(std::size_t n) {
    if (n > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t{kCacheLine}));
  }
  void deallocate(T* first, std::size_t) noexcept {
    ::operator delete(first, std::align_val_t{kCacheLine});
  }
  friend bool operator==(const CacheLineAllocator&, const CacheLineAllocator&) = default;
};

// A vector whose first element stands at the start of a cache line.
template <class T>
using AlignedVector = std::vector<T, CacheLineAllocator<T>>;

}  // namespace heron
