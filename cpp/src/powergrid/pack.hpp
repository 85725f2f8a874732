#pragma once

#include "simd.hpp"

// kVec vectors side by side that share the operations, so that the processor has more than one
// chain of them to work on.
namespace powergrid {
namespace {

template <int kVec>
struct Pack {
  Vec v[kVec];
};

template <int kVec, class Function>
inline Pack<kVec> each(Function function) noexcept {
  Pack<kVec> out;
#pragma GCC unroll 4
  for (int k = 0; k < kVec; ++k) out.v[k] = function(k);
  return out;
}

template <int kVec>
inline Pack<kVec> load(const Vec* row, std::size_t i) noexcept {
  return each<kVec>([=](int k) { return row[i * kVec + static_cast<std::size_t>(k)]; });
}
template <int kVec>
inline void store(Vec* row, std::size_t i, Pack<kVec> a) noexcept {
#pragma GCC unroll 4
  for (int k = 0; k < kVec; ++k) row[i * kVec + static_cast<std::size_t>(k)] = a.v[k];
}
template <int kVec>
inline Pack<kVec> pack(double x) noexcept {
  return each<kVec>([=](int) { return broadcast(x); });
}

template <int kVec>
inline Pack<kVec> operator+(Pack<kVec> a, Pack<kVec> b) noexcept {
  return each<kVec>([&](int k) { return a.v[k] + b.v[k]; });
}
template <int kVec>
inline Pack<kVec> operator-(Pack<kVec> a, Pack<kVec> b) noexcept {
  return each<kVec>([&](int k) { return a.v[k] - b.v[k]; });
}
template <int kVec>
inline Pack<kVec> operator-(Pack<kVec> a) noexcept {
  return each<kVec>([&](int k) { return -a.v[k]; });
}
template <int kVec>
inline Pack<kVec> operator*(Pack<kVec> a, Pack<kVec> b) noexcept {
  return each<kVec>([&](int k) { return a.v[k] * b.v[k]; });
}
template <int kVec>
inline Pack<kVec> operator/(Pack<kVec> a, Pack<kVec> b) noexcept {
  return each<kVec>([&](int k) { return a.v[k] / b.v[k]; });
}
template <int kVec>
inline Pack<kVec> fma(Pack<kVec> a, Pack<kVec> b, Pack<kVec> c) noexcept {
  return each<kVec>([&](int k) { return fma(a.v[k], b.v[k], c.v[k]); });
}
template <int kVec>
inline Pack<kVec> fnma(Pack<kVec> a, Pack<kVec> b, Pack<kVec> c) noexcept {
  return each<kVec>([&](int k) { return fnma(a.v[k], b.v[k], c.v[k]); });
}
template <int kVec>
inline Pack<kVec> fms(Pack<kVec> a, Pack<kVec> b, Pack<kVec> c) noexcept {
  return each<kVec>([&](int k) { return fms(a.v[k], b.v[k], c.v[k]); });
}
template <int kVec>
inline Pack<kVec> sqrt(Pack<kVec> a) noexcept {
  return each<kVec>([&](int k) { return sqrt(a.v[k]); });
}
template <int kVec>
inline Pack<kVec> abs(Pack<kVec> a) noexcept {
  return each<kVec>([&](int k) { return abs(a.v[k]); });
}
template <int kVec>
inline Pack<kVec> max(Pack<kVec> a, Pack<kVec> b) noexcept {  // b where one is NaN
  return each<kVec>([&](int k) { return max(a.v[k], b.v[k]); });
}
template <int kVec>
inline Pack<kVec> select(const Mask* mask, Pack<kVec> if_true, Pack<kVec> if_false) noexcept {
  return each<kVec>([&](int k) { return select(mask[k], if_true.v[k], if_false.v[k]); });
}

// A complex number per lane.
template <int kVec>
struct ComplexPack {
  Pack<kVec> re;
  Pack<kVec> im;
};

template <int kVec>
inline ComplexPack<kVec> operator+(ComplexPack<kVec> a, ComplexPack<kVec> b) noexcept {
  return {a.re + b.re, a.im + b.im};
}
template <int kVec>
inline ComplexPack<kVec> operator-(ComplexPack<kVec> a, ComplexPack<kVec> b) noexcept {
  return {a.re - b.re, a.im - b.im};
}
template <int kVec>
inline ComplexPack<kVec> operator*(ComplexPack<kVec> a, Pack<kVec> x) noexcept {
  return {a.re * x, a.im * x};
}
template <int kVec>
inline ComplexPack<kVec> operator*(ComplexPack<kVec> a, ComplexPack<kVec> b) noexcept {
  return {fnma(a.im, b.im, a.re * b.re), fma(a.im, b.re, a.re * b.im)};
}
// a b + c.
template <int kVec>
inline ComplexPack<kVec> fma(ComplexPack<kVec> a, ComplexPack<kVec> b,
                             ComplexPack<kVec> c) noexcept {
  return {fnma(a.im, b.im, fma(a.re, b.re, c.re)), fma(a.im, b.re, fma(a.re, b.im, c.im))};
}
template <int kVec>
inline ComplexPack<kVec> conj(ComplexPack<kVec> a) noexcept {
  return {a.re, -a.im};
}
template <int kVec>
inline Pack<kVec> norm(ComplexPack<kVec> a) noexcept {  // squared magnitude
  return fma(a.im, a.im, a.re * a.re);
}
template <int kVec>
inline ComplexPack<kVec> load(const Vec* re, const Vec* im, std::size_t i) noexcept {
  return {load<kVec>(re, i), load<kVec>(im, i)};
}
// Complex numbers whose parts lie side by side.
template <int kVec>
inline ComplexPack<kVec> load_pair(const Vec* pair, std::size_t i) noexcept {
  return {load<kVec>(pair, 2 * i), load<kVec>(pair, 2 * i + 1)};
}
template <int kVec>
inline void store_pair(Vec* pair, std::size_t i, ComplexPack<kVec> a) noexcept {
  store(pair, 2 * i, a.re);
  store(pair, 2 * i + 1, a.im);
}

}  // namespace
}  // namespace powergrid
