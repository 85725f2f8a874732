#pragma once

#include "simd.hpp"

namespace powergrid {
namespace {

// Angle of x + jy in degrees, in (-180, 180], within 1e-15 radians; 0 at the origin.
//
// The smaller part over the larger is at most 1. Above tan(pi / 8) it turns by pi / 4, so that
// |t| <= tan(pi / 8), where atan(t) / t is a polynomial in t^2 that interpolates it at Chebyshev's
// nodes (error 7e-17).
inline Vec angle_degree(Vec y, Vec x) noexcept {
  constexpr double kTanEighth = 0.41421356237309503;  // tan(pi / 8)
  constexpr double kQuarter = 0.78539816339744828;    // pi / 4
  constexpr double kDegree = 57.295779513082323;
  const Vec size_x = abs(x);
  const Vec size_y = abs(y);
  const Vec large = max(size_x, size_y);
  const Vec small = min(size_x, size_y);
  const Mask is_turned = small > kTanEighth * large;
  const Vec above = select(is_turned, small - large, small);
  const Vec below = select(is_turned, small + large, large);
  const Vec t = above / select(below > 0.0, below, broadcast(1.0));
  const Vec z = t * t;
  Vec sum = broadcast(0.021135373157693246);
  sum = fma(sum, z, broadcast(-0.04348052215716462));
  sum = fma(sum, z, broadcast(0.056883492268090106));
  sum = fma(sum, z, broadcast(-0.06640233930429408));
  sum = fma(sum, z, broadcast(0.07689953496306857));
  sum = fma(sum, z, broadcast(-0.09090773074808414));
  sum = fma(sum, z, broadcast(0.11111106180455946));
  sum = fma(sum, z, broadcast(-0.14285714180976467));
  sum = fma(sum, z, broadcast(0.1999999999885511));
  sum = fma(sum, z, broadcast(-0.3333333333332844));
  Vec angle = fma(t * z, sum, t) + select(is_turned, broadcast(kQuarter), Vec{});
  angle = select(size_y > size_x, 2.0 * kQuarter - angle, angle);
  angle = select(x < 0.0, 4.0 * kQuarter - angle, angle);
  return kDegree * select(y < 0.0, -angle, angle);
}

}  // namespace
}  // namespace powergrid
