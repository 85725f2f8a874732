#include "heron/random.hpp"

#include <doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>

using heron::Stream;
using heron::StreamKey;

TEST_CASE("philox gives the known answers of its authors' test vectors") {
  using Block = std::array<std::uint64_t, 4>;
  CHECK(heron::philox4x64({0, 0, 0, 0}, {0, 0}) ==
        Block{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b});
  constexpr std::uint64_t kOnes = ~std::uint64_t{0};
  CHECK(heron::philox4x64({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
        Block{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0});
}

TEST_CASE("a block holds the draws with its numbers") {
  const StreamKey key{7, 2, 3, Stream::obs_delay};
  for (std::uint64_t draw = 0; draw < 12; ++draw) {
    CHECK(heron::random_bits(key, draw) == heron::random_block(key, draw / 4)[draw % 4]);
  }
}

TEST_CASE("every part of the key names another stream") {
  const StreamKey key{1, 2, 3, Stream::msg_delay};
  const std::uint64_t bits = heron::random_bits(key, 0);
  CHECK(heron::random_bits({2, 2, 3, Stream::msg_delay}, 0) != bits);
  CHECK(heron::random_bits({1, 3, 3, Stream::msg_delay}, 0) != bits);
  CHECK(heron::random_bits({1, 2, 4, Stream::msg_delay}, 0) != bits);
  CHECK(heron::random_bits({1, 2, 3, Stream::act_delay}, 0) != bits);
  CHECK(heron::random_bits(key, 1) != bits);
}

TEST_CASE("uniform numbers reach from 0 to just below 1") {
  CHECK(heron::to_uniform(0) == 0.0);
  CHECK(heron::to_uniform(~std::uint64_t{0}) == 1.0 - 0x1p-53);
}

TEST_CASE("normal numbers are finite, symmetric and rise with their bits") {
  constexpr std::uint64_t kLast = ~std::uint64_t{0};
  CHECK(heron::to_normal(0) == doctest::Approx(-8.2095).epsilon(1e-4));
  for (const std::uint64_t bits : {std::uint64_t{0}, std::uint64_t{1} << 40U, kLast / 3}) {
    CHECK(heron::to_normal(bits) == -heron::to_normal(kLast - bits));
  }
  double before = heron::to_normal(0);
  for (std::uint64_t step = 1; step < 1000; ++step) {
    const double now = heron::to_normal(step * (kLast / 1000));
    CHECK(now > before);
    before = now;
  }
}

TEST_CASE("normal numbers have the known quantiles in the middle and in both tails") {
  const auto bits_of = [](double p) { return static_cast<std::uint64_t>(p * 0x1p52) << 12U; };
  CHECK(heron::to_normal(bits_of(0.975)) == doctest::Approx(1.959963984540054).epsilon(1e-12));
  CHECK(heron::to_normal(bits_of(0.6)) == doctest::Approx(0.2533471031357997).epsilon(1e-12));
  CHECK(heron::to_normal(bits_of(0.001)) == doctest::Approx(-3.090232306167813).epsilon(1e-10));
  CHECK(heron::to_normal(bits_of(1e-13)) == doctest::Approx(-7.348796102800).epsilon(1e-4));
}
