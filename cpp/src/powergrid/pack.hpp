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

// Calls written out one by one instead of a loop: the compiler then keeps a Pack in registers.
template <int kCount, class Function>
[[gnu::always_inline]] inline void repeat(Function function) noexcept {
  static_assert(kCount == 1 || kCount == 2);
  function(0);
  if constexpr (kCount == 2) function(1);
}

template <int kVec, class Function>
[[gnu::always_inline]] inline Pack<kVec> each(Function function) noexcept {
  static_assert(kVec == 1 || kVec == 2);
  if constexpr (kVec == 1) {
    return {{function(0)}};
  } else {
    return {{function(0), function(1)}};
  }
}

template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> load(const Vec* row, std::size_t i) noexcept {
  return each<kVec>([=](int k) __attribute__((always_inline)) {
    return row[i * kVec + static_cast<std::size_t>(k)];
  });
}
template <int kVec>
[[gnu::always_inline]] inline void store(Vec* row, std::size_t i, Pack<kVec> a) noexcept {
  repeat<kVec>([&](int k) __attribute__((always_inline)) {
    row[i * kVec + static_cast<std::size_t>(k)] = a.v[k];
  });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> pack(double x) noexcept {
  return each<kVec>([=](int) { return broadcast(x); });
}

template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> operator+(Pack<kVec> a, Pack<kVec> b) noexcept {
  return each<kVec>([&](int k) __attribute__((always_inline)) { return a.v[k] + b.v[k]; });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> operator-(Pack<kVec> a, Pack<kVec> b) noexcept {
  return each<kVec>([&](int k) __attribute__((always_inline)) { return a.v[k] - b.v[k]; });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> operator-(Pack<kVec> a) noexcept {
  return each<kVec>([&](int k) __attribute__((always_inline)) { return -a.v[k]; });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> operator*(Pack<kVec> a, Pack<kVec> b) noexcept {
  return each<kVec>([&](int k) __attribute__((always_inline)) { return a.v[k] * b.v[k]; });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> operator/(Pack<kVec> a, Pack<kVec> b) noexcept {
  return each<kVec>([&](int k) __attribute__((always_inline)) { return a.v[k] / b.v[k]; });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> fma(Pack<kVec> a, Pack<kVec> b, Pack<kVec> c) noexcept {
  return each<kVec>([&](int k)
                        __attribute__((always_inline)) { return fma(a.v[k], b.v[k], c.v[k]); });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> fnma(Pack<kVec> a, Pack<kVec> b, Pack<kVec> c) noexcept {
  return each<kVec>([&](int k)
                        __attribute__((always_inline)) { return fnma(a.v[k], b.v[k], c.v[k]); });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> fms(Pack<kVec> a, Pack<kVec> b, Pack<kVec> c) noexcept {
  return each<kVec>([&](int k)
                        __attribute__((always_inline)) { return fms(a.v[k], b.v[k], c.v[k]); });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> sqrt(Pack<kVec> a) noexcept {
  return each<kVec>([&](int k) __attribute__((always_inline)) { return sqrt(a.v[k]); });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> abs(Pack<kVec> a) noexcept {
  return each<kVec>([&](int k) __attribute__((always_inline)) { return abs(a.v[k]); });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> max(Pack<kVec> a,
                                             Pack<kVec> b) noexcept {  // b where one is NaN
  return each<kVec>([&](int k) __attribute__((always_inline)) { return max(a.v[k], b.v[k]); });
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> select(const Mask* mask, Pack<kVec> if_true,
                                                Pack<kVec> if_false) noexcept {
  return each<kVec>([&](int k) __attribute__((always_inline)) {
    return select(mask[k], if_true.v[k], if_false.v[k]);
  });
}

// A complex number per lane.
template <int kVec>
struct ComplexPack {
  Pack<kVec> re;
  Pack<kVec> im;
};

template <int kVec>
[[gnu::always_inline]] inline ComplexPack<kVec> operator+(ComplexPack<kVec> a,
                                                          ComplexPack<kVec> b) noexcept {
  return {a.re + b.re, a.im + b.im};
}
template <int kVec>
[[gnu::always_inline]] inline ComplexPack<kVec> operator-(ComplexPack<kVec> a,
                                                          ComplexPack<kVec> b) noexcept {
  return {a.re - b.re, a.im - b.im};
}
template <int kVec>
[[gnu::always_inline]] inline ComplexPack<kVec> operator*(ComplexPack<kVec> a,
                                                          Pack<kVec> x) noexcept {
  return {a.re * x, a.im * x};
}
template <int kVec>
[[gnu::always_inline]] inline ComplexPack<kVec> operator*(ComplexPack<kVec> a,
                                                          ComplexPack<kVec> b) noexcept {
  return {fnma(a.im, b.im, a.re * b.re), fma(a.im, b.re, a.re * b.im)};
}
// a b + c.
template <int kVec>
[[gnu::always_inline]] inline ComplexPack<kVec> fma(ComplexPack<kVec> a, ComplexPack<kVec> b,
                                                    ComplexPack<kVec> c) noexcept {
  return {fnma(a.im, b.im, fma(a.re, b.re, c.re)), fma(a.im, b.re, fma(a.re, b.im, c.im))};
}
template <int kVec>
[[gnu::always_inline]] inline ComplexPack<kVec> conj(ComplexPack<kVec> a) noexcept {
  return {a.re, -a.im};
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> norm(ComplexPack<kVec> a) noexcept {  // squared magnitude
  return fma(a.im, a.im, a.re * a.re);
}
template <int kVec>
[[gnu::always_inline]] inline ComplexPack<kVec> load(const Vec* re, const Vec* im,
                                                     std::size_t i) noexcept {
  return {load<kVec>(re, i), load<kVec>(im, i)};
}
// Complex numbers whose parts lie side by side.
template <int kVec>
[[gnu::always_inline]] inline ComplexPack<kVec> load_pair(const Vec* pair, std::size_t i) noexcept {
  return {load<kVec>(pair, 2 * i), load<kVec>(pair, 2 * i + 1)};
}
template <int kVec>
[[gnu::always_inline]] inline void store_pair(Vec* pair, std::size_t i,
                                              ComplexPack<kVec> a) noexcept {
  store(pair, 2 * i, a.re);
  store(pair, 2 * i + 1, a.im);
}

}  // namespace
}  // namespace powergrid
