#pragma once

#include <array>
#include <cstdint>

namespace heron {

// Which of an agent's independent sequences of draws. The numbers are part of every result.
enum class Stream : std::uint64_t {
  tick_interval = 0,
  obs_delay = 1,
  act_delay = 2,
  msg_delay = 3,
  message_loss = 4,
  message_duplication = 5,
  message_reordering = 6,
  disturbance = 7,
};

// Names one sequence of draws for good: the same numbers for any batch size, thread or process.
struct StreamKey {
  std::uint64_t seed = 0;
  std::uint64_t lane = 0;
  std::uint64_t agent = 0;
  Stream stream = Stream::tick_interval;
};

// Philox 4x64 with ten rounds: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as
// 1, 2, 3", SC11.
[[nodiscard]] std::array<std::uint64_t, 4> philox4x64(std::array<std::uint64_t, 4> counter,
                                                      std::array<std::uint64_t, 2> key) noexcept;

// Four draws of a stream at once: those with numbers 4 * block to 4 * block + 3. They are Philox of
// the counter {block + 1, agent, lane, stream} under the key {seed, 0}; in NumPy:
// Philox(key=[seed, 0], counter=[0, agent, lane, stream]).random_raw().
[[nodiscard]] std::array<std::uint64_t, 4> random_block(const StreamKey& key,
                                                        std::uint64_t block) noexcept;

// Draw number `draw` of a stream: 64 random bits.
[[nodiscard]] std::uint64_t random_bits(const StreamKey& key, std::uint64_t draw) noexcept;

// Uniform in [0, 1), of 53 bits, as NumPy's Generator.random() makes it.
[[nodiscard]] inline double to_uniform(std::uint64_t bits) noexcept {
  return static_cast<double>(bits >> 11U) * 0x1p-53;
}

// Standard normal: the quantile of ((bits >> 12) + 0.5) / 2^52 by Wichura's algorithm AS 241
// (Applied Statistics 37, 1988), so that one draw gives one number.
[[nodiscard]] double to_normal(std::uint64_t bits) noexcept;

}  // namespace heron
