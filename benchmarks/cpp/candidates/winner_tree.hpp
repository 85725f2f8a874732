#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <vector>

#include "heron/event_queue.hpp"

namespace candidates {

// What heron::EventQueue grew from: a tournament of 32-byte leaves compared as doubles, in which a
// push after a pop takes the same leaf and replays its matches. Ties return to the fast way.
class WinnerTree {
 public:
  void push(double time_s, std::int32_t priority, std::int64_t payload) {
    std::uint32_t leaf = hole_;
    if (leaf == kNone) {
      if (free_ == kNone) grow();
      leaf = free_;
      free_ = static_cast<std::uint32_t>(leaves_[leaf].payload);
    }
    hole_ = kNone;
    leaves_[leaf] = {time_s, next_sequence_++, payload, priority, leaves_[leaf].generation};
    replay(leaf);
  }

  heron::Event pop() {
    if (hole_ != kNone) {
      replay(hole_);
      leaves_[hole_].payload = free_;
      free_ = hole_;
    }
    hole_ = winner_[1];
    Leaf& leaf = leaves_[hole_];
    const heron::Event event{leaf.time_s, leaf.priority, leaf.sequence, leaf.payload};
    leaf.time_s = std::numeric_limits<double>::infinity();
    ++leaf.generation;
    return event;
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  struct Leaf {
    double time_s = std::numeric_limits<double>::infinity();
    std::uint64_t sequence = 0;
    std::int64_t payload = 0;
    std::int32_t priority = 0;
    std::uint32_t generation = 0;
  };

  void replay(std::uint32_t leaf) noexcept {
    std::size_t node = leaves_.size() + leaf;
    std::uint32_t best = leaf;
    double best_s = leaves_[leaf].time_s;
    while (node > 1) {
      const std::uint32_t rival = winner_[node ^ 1];
      const double rival_s = leaves_[rival].time_s;
      bool rival_wins = rival_s < best_s;
      if (rival_s == best_s) [[unlikely]] {
        const Leaf& a = leaves_[rival];
        const Leaf& b = leaves_[best];
        rival_wins = a.priority != b.priority ? a.priority < b.priority : a.sequence < b.sequence;
      }
      const std::uint32_t mask = 0U - static_cast<std::uint32_t>(rival_wins);
      best ^= (best ^ rival) & mask;
      best_s = rival_s < best_s ? rival_s : best_s;
      node >>= 1U;
      winner_[node] = best;
    }
  }

  void grow() {
    const std::size_t n_old = leaves_.size();
    const std::size_t n_leaf = std::max<std::size_t>(2, 2 * n_old);
    leaves_.resize(n_leaf);
    winner_.assign(2 * n_leaf, 0);
    for (std::size_t i = n_leaf; i-- > n_old;) {
      leaves_[i].payload = free_;
      free_ = static_cast<std::uint32_t>(i);
    }
    std::iota(winner_.begin() + static_cast<std::ptrdiff_t>(n_leaf), winner_.end(), 0U);
    for (std::size_t node = n_leaf; node-- > 1;) {
      const Leaf& a = leaves_[winner_[2 * node]];
      const Leaf& b = leaves_[winner_[2 * node + 1]];
      const bool second = b.time_s != a.time_s       ? b.time_s < a.time_s
                          : b.priority != a.priority ? b.priority < a.priority
                                                     : b.sequence < a.sequence;
      winner_[node] = winner_[2 * node + (second ? 1U : 0U)];
    }
  }

  std::vector<Leaf> leaves_;
  std::vector<std::uint32_t>
      winner_;  // of the matches; [n_leaf, 2 n_leaf) are the leaves themselves
  std::uint32_t free_ = kNone;
  std::uint32_t hole_ = kNone;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace candidates
