#pragma once

#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <numbers>

// What the plans of networks are counted with. Kernels include none of it.
namespace powergrid {

inline std::size_t index(std::int32_t value) noexcept { return static_cast<std::size_t>(value); }
inline std::int32_t count(std::size_t value) noexcept { return static_cast<std::int32_t>(value); }

// exp(j angle), of a whole number of right angles exactly.
inline std::complex<double> direction(double degree) noexcept {
  const double turned = std::remainder(degree, 360.0);
  if (turned == 0.0) return {1.0, 0.0};
  if (std::abs(turned) == 180.0) return {-1.0, 0.0};
  if (std::abs(turned) == 90.0) return {0.0, turned / 90.0};
  const double radian = turned * std::numbers::pi / 180.0;
  return {std::cos(radian), std::sin(radian)};
}

}  // namespace powergrid
