#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>

namespace fuzz {

// An input read as a program: values in a row, and zeros once it is used up.
class ByteReader {
 public:
  explicit ByteReader(std::span<const std::uint8_t> bytes) : rest_(bytes) {}

  [[nodiscard]] bool is_at_end() const noexcept { return rest_.empty(); }

  template <typename Value>
  Value take() noexcept {
    Value value{};
    const std::size_t n_byte = std::min(sizeof(Value), rest_.size());
    if (n_byte > 0) std::memcpy(&value, rest_.data(), n_byte);
    rest_ = rest_.subspan(n_byte);
    return value;
  }

  // A number below `end`, which is at most 256.
  std::size_t below(std::size_t end) noexcept { return take<std::uint8_t>() % end; }

 private:
  std::span<const std::uint8_t> rest_;
};

// Stop the run, as an engine expects it, where the code under test and its oracle differ.
inline void require(bool holds, const char* claim) noexcept {
  if (holds) return;
  std::fprintf(stderr, "fuzz: does not hold: %s\n", claim);
  std::abort();
}

}  // namespace fuzz
