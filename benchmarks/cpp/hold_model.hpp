#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>

#include "heron/event_queue.hpp"

// Agents that tick for ever: the next event is taken, and the same agent's next one is pushed.
enum class Workload : std::uint8_t {
  jittered,    // start anywhere in the first second, next tick in 1 s +- 10 %
  in_step,     // start at 0, next tick in 1 s: all times are equal
  four_rates,  // start at 0, every agent ticks each 1, 2, 5 or 10 s: some times are equal
  one_late,    // jittered, and one event a lifetime away
};
inline constexpr std::array kWorkloads{Workload::jittered, Workload::in_step, Workload::four_rates,
                                       Workload::one_late};
inline constexpr std::array kWorkloadNames{"jittered", "in step", "four rates", "one late"};

template <typename Queue>
class HoldModel {
 public:
  HoldModel(Workload workload, std::size_t n_pending) {
    std::mt19937_64 random(2024);
    const auto uniform = [&] { return static_cast<double>(random() >> 11U) * 0x1p-53; };
    constexpr std::array kRates_s{1.0, 2.0, 5.0, 10.0};
    const bool has_jitter = workload == Workload::jittered || workload == Workload::one_late;
    for (double& factor : factor_) factor = has_jitter ? 0.9 + 0.2 * uniform() : 1.0;
    for (std::size_t i = 0; i < interval_s_.size(); ++i) {
      interval_s_[i] = workload == Workload::four_rates ? kRates_s[random() % 4] : 1.0;
    }
    if (workload == Workload::one_late) queue_.push(1e9, 0, 0);
    for (std::size_t agent = 0; agent < n_pending; ++agent) {
      queue_.push(has_jitter ? uniform() : 0.0, 0, static_cast<std::int64_t>(agent));
    }
  }

  // Returns a number that depends on every event and its place in the order.
  std::uint64_t run(std::size_t n_step) {
    for (std::size_t i = 0; i < n_step; ++i) {
      const heron::Event event = queue_.pop();
      const auto agent = static_cast<std::size_t>(event.payload);
      digest_ = digest_ * 31 + agent;
      const double interval_s = interval_s_[agent % interval_s_.size()];
      const double factor = factor_[event.sequence % factor_.size()];
      queue_.push(event.time_s + interval_s * factor, event.priority, event.payload);
    }
    return digest_;
  }

 private:
  Queue queue_;
  // Drawn beforehand, so that drawing is not measured.
  std::array<double, 4096> factor_{};
  std::array<double, 64> interval_s_{};  // by agent
  std::uint64_t digest_ = 0;
};
