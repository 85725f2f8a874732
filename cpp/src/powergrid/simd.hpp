#pragma once

#include <cstddef>
#include <cstdint>

// One vector of doubles of the width this file is compiled for. It is included only by the
// kernels_*.cpp files, each compiled for its own instructions. Everything here and in the kernels
// lies in an unnamed namespace, so that the linker never takes one level's code for another's; for
// the same reason kernels use no inline functions of the standard library.
//
// Arithmetic is written out: products are fused where fma() says so and nowhere else (the compiler
// may not contract), so a lane has the same bits whatever its place or neighbours.
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace powergrid {
namespace {

#if defined(__AVX512F__)
using Vec = __m512d;
inline Vec fma(Vec a, Vec b, Vec c) noexcept { return _mm512_fmadd_pd(a, b, c); }    //  ab + c
inline Vec fnma(Vec a, Vec b, Vec c) noexcept { return _mm512_fnmadd_pd(a, b, c); }  // -ab + c
inline Vec fms(Vec a, Vec b, Vec c) noexcept { return _mm512_fmsub_pd(a, b, c); }    //  ab - c
// The plain form makes g++ 12 warn about its own header.
inline Vec sqrt(Vec a) noexcept { return _mm512_maskz_sqrt_pd(0xff, a); }
inline void stream(double* to, Vec value) noexcept { _mm512_stream_pd(to, value); }
inline Vec pick(const double* row, const std::int32_t* at) noexcept {
  return Vec{row[at[0]], row[at[1]], row[at[2]], row[at[3]],
             row[at[4]], row[at[5]], row[at[6]], row[at[7]]};
}
#elif defined(__AVX2__)
using Vec = __m256d;
inline Vec fma(Vec a, Vec b, Vec c) noexcept { return _mm256_fmadd_pd(a, b, c); }
inline Vec fnma(Vec a, Vec b, Vec c) noexcept { return _mm256_fnmadd_pd(a, b, c); }
inline Vec fms(Vec a, Vec b, Vec c) noexcept { return _mm256_fmsub_pd(a, b, c); }
inline Vec sqrt(Vec a) noexcept { return _mm256_sqrt_pd(a); }
inline void stream(double* to, Vec value) noexcept { _mm256_stream_pd(to, value); }
inline Vec pick(const double* row, const std::int32_t* at) noexcept {
  return Vec{row[at[0]], row[at[1]], row[at[2]], row[at[3]]};
}
#else
using Vec = double __attribute__((vector_size(16), may_alias));
inline Vec fma(Vec a, Vec b, Vec c) noexcept { return a * b + c; }
inline Vec fnma(Vec a, Vec b, Vec c) noexcept { return c - a * b; }
inline Vec fms(Vec a, Vec b, Vec c) noexcept { return a * b - c; }
inline Vec sqrt(Vec a) noexcept { return Vec{__builtin_sqrt(a[0]), __builtin_sqrt(a[1])}; }
inline void stream(double* to, Vec value) noexcept { *reinterpret_cast<Vec*>(to) = value; }
inline Vec pick(const double* row, const std::int32_t* at) noexcept {
  return Vec{row[at[0]], row[at[1]]};
}
#endif

constexpr std::size_t kWidth = sizeof(Vec) / sizeof(double);

// All bits set where a comparison holds.
using Mask = decltype(Vec{} < Vec{});

inline Vec broadcast(double x) noexcept { return x - Vec{}; }
inline Vec select(Mask mask, Vec if_true, Vec if_false) noexcept {
  return mask ? if_true : if_false;
}
inline Vec abs(Vec a) noexcept { return (Vec)((Mask)a & 0x7fffffffffffffff); }
inline Vec max(Vec a, Vec b) noexcept { return a > b ? a : b; }  // b where one is NaN
inline Vec min(Vec a, Vec b) noexcept { return a < b ? a : b; }
inline Vec load(const double* from) noexcept { return *reinterpret_cast<const Vec*>(from); }
inline void store(double* to, Vec value) noexcept { *reinterpret_cast<Vec*>(to) = value; }
// stream() writes past the caches, whole lines best; flush() before others may read.
inline void flush() noexcept {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}
inline bool all(Mask mask) noexcept {
#if defined(__AVX512F__)
  return _mm512_movepi64_mask((__m512i)mask) == 0xff;
#elif defined(__AVX2__)
  return _mm256_movemask_pd((__m256d)mask) == 0xf;
#else
  return (mask[0] & mask[1]) != 0;
#endif
}
inline bool any(Mask mask) noexcept {
  for (std::size_t i = 0; i < kWidth; ++i) {
    if (mask[i] != 0) return true;
  }
  return false;
}

}  // namespace
}  // namespace powergrid
