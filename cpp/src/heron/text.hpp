#pragma once

#include <array>
#include <charconv>
#include <string>

namespace heron {

// Shortest text that names exactly this number: two that differ read differently.
inline std::string text(double value) {
  std::array<char, 32> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), written.ptr};
}

}  // namespace heron
