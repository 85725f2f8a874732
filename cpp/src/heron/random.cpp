#include "heron/random.hpp"

#include <cmath>
#include <cstddef>

namespace heron {
namespace {

struct Product {
  std::uint64_t high;
  std::uint64_t low;
};

constexpr Product multiply(std::uint64_t a, std::uint64_t b) noexcept {
#ifdef __SIZEOF_INT128__
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(a) * b;
  return {static_cast<std::uint64_t>(product >> 64U), static_cast<std::uint64_t>(product)};
#else
  constexpr std::uint64_t kLow = 0xFFFFFFFFU;
  const std::uint64_t low = (a & kLow) * (b & kLow);
  const std::uint64_t first = (a >> 32U) * (b & kLow) + (low >> 32U);
  const std::uint64_t second = (a & kLow) * (b >> 32U) + (first & kLow);
  return {(a >> 32U) * (b >> 32U) + (first >> 32U) + (second >> 32U), a * b};
#endif
}

// c[0] + c[1] x + ... + c[7] x^7, in the order in which the Python reference evaluates it.
double polynomial(const std::array<double, 8>& c, double x) noexcept {
  double sum = c[7];
  for (std::size_t i = 7; i-- > 0;) sum = sum * x + c[i];
  return sum;
}

// Rational approximations of AS 241 (PPND16), numerators and denominators: around the median, and
// in the tails up to and beyond sqrt(-log p) = 5.
constexpr std::array<double, 8> kMiddleTop{3.3871328727963666080e0, 1.3314166789178437745e2,
                                           1.9715909503065514427e3, 1.3731693765509461125e4,
                                           4.5921953931549871457e4, 6.7265770927008700853e4,
                                           3.3430575583588128105e4, 2.5090809287301226727e3};
constexpr std::array<double, 8> kMiddleBottom{1.0,
                                              4.2313330701600911252e1,
                                              6.8718700749205790830e2,
                                              5.3941960214247511077e3,
                                              2.1213794301586595867e4,
                                              3.9307895800092710610e4,
                                              2.8729085735721942674e4,
                                              5.2264952788528545610e3};
constexpr std::array<double, 8> kTailTop{1.42343711074968357734e0,  4.63033784615654529590e0,
                                         5.76949722146069140550e0,  3.64784832476320460504e0,
                                         1.27045825245236838258e0,  2.41780725177450611770e-1,
                                         2.27238449892691845833e-2, 7.74545014278341407640e-4};
constexpr std::array<double, 8> kTailBottom{1.0,
                                            2.05319162663775882187e0,
                                            1.67638483018380384940e0,
                                            6.89767334985100004550e-1,
                                            1.48103976427480074590e-1,
                                            1.51986665636164571966e-2,
                                            5.47593808499534494600e-4,
                                            1.05075007164441684324e-9};
constexpr std::array<double, 8> kFarTailTop{6.65790464350110377720e0,  5.46378491116411436990e0,
                                            1.78482653991729133580e0,  2.96560571828504891230e-1,
                                            2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                            2.71155556874348757815e-5, 2.01033439929228813265e-7};
constexpr std::array<double, 8> kFarTailBottom{1.0,
                                               5.99832206555887937690e-1,
                                               1.36929880922735805310e-1,
                                               1.48753612908506148525e-2,
                                               7.86869131145613259100e-4,
                                               1.84631831751005468180e-5,
                                               1.42151175831644588870e-7,
                                               2.04426310338993978564e-15};

}  // namespace

std::array<std::uint64_t, 4> philox4x64(std::array<std::uint64_t, 4> counter,
                                        std::array<std::uint64_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const Product first = multiply(0xD2E7470EE14C6C93U, counter[0]);
    const Product second = multiply(0xCA5A826395121157U, counter[2]);
    counter = {second.high ^ counter[1] ^ key[0], second.low, first.high ^ counter[3] ^ key[1],
               first.low};
    key[0] += 0x9E3779B97F4A7C15U;
    key[1] += 0xBB67AE8584CAA73BU;
  }
  return counter;
}

std::array<std::uint64_t, 4> random_block(const StreamKey& key, std::uint64_t block) noexcept {
  return philox4x64({block + 1, key.agent, key.lane, static_cast<std::uint64_t>(key.stream)},
                    {key.seed, 0});
}

std::uint64_t random_bits(const StreamKey& key, std::uint64_t draw) noexcept {
  return random_block(key, draw / 4)[draw % 4];
}

double to_normal(std::uint64_t bits) noexcept {
  // One bit fewer than to_uniform, so that the half is kept and p is neither 0 nor 1.
  const double p = (static_cast<double>(bits >> 12U) + 0.5) * 0x1p-52;
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) {
    const double r = 0.180625 - q * q;
    return q * polynomial(kMiddleTop, r) / polynomial(kMiddleBottom, r);
  }
  const double r = std::sqrt(-std::log(q < 0.0 ? p : 1.0 - p));
  const double quantile =
      r <= 5.0 ? polynomial(kTailTop, r - 1.6) / polynomial(kTailBottom, r - 1.6)
               : polynomial(kFarTailTop, r - 5.0) / polynomial(kFarTailBottom, r - 5.0);
  return q < 0.0 ? -quantile : quantile;
}

}  // namespace heron
