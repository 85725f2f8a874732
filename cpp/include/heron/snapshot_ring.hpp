#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "heron/error.hpp"

namespace heron {

// The last n_history states of each lane with their times, of which the oldest gives way to the
// newest. Part of FeatureTable, which checks lanes and sizes: nothing here does. Different lanes
// may be used from different threads.
class SnapshotRing {
 public:
  SnapshotRing(std::int32_t n_slot, std::int32_t n_lane, std::int32_t n_history);

  // Promise that open() will follow for these lanes at these times, in this order. Throws
  // InvalidArgument, and has changed nothing, if a time is not finite or lies before the lane's
  // last one; a lane may come twice.
  void claim(std::span<const std::int32_t> lane, std::span<const double> time_s);
  // The same for every lane, once.
  void claim_all(double time_s) const;
  // The place for a lane's state at a claimed time, (n_slot), to be filled by the caller: that of
  // an equal time if there is one, else of the oldest snapshot once the ring is full.
  [[nodiscard]] std::span<double> open(std::int32_t lane, double time_s) noexcept;

  // The newest state that was taken at time_s or before.
  [[nodiscard]] std::optional<std::span<const double>> as_of(std::int32_t lane,
                                                             double time_s) const noexcept;
  void clear(std::int32_t lane) noexcept;

  [[nodiscard]] std::int32_t n_history() const noexcept { return n_history_; }
  [[nodiscard]] std::int32_t n_snapshot(std::int32_t lane) const noexcept;
  // Oldest first.
  [[nodiscard]] std::vector<double> times(std::int32_t lane) const;

 private:
  // Where a lane's snapshots lie: n_snapshot places from `first` on, then round.
  struct Lane {
    std::int32_t first = 0;
    std::int32_t n_snapshot = 0;
    double last_time_s = -std::numeric_limits<double>::infinity();  // claimed, or of the newest
  };

  // Place of the snapshot that follows `rank` older ones.
  [[nodiscard]] std::int32_t place(const Lane& lane, std::int32_t rank) const noexcept;
  [[nodiscard]] std::size_t time_at(std::int32_t lane, std::int32_t place) const noexcept;
  [[nodiscard]] std::size_t state_at(std::int32_t lane, std::int32_t place) const noexcept;
  [[nodiscard]] bool accepts(std::int32_t lane, double time_s) const noexcept;
  [[nodiscard]] InvalidArgument refusal(std::int32_t lane, double time_s) const;
  void unclaim(std::int32_t lane) noexcept;

  std::int32_t n_slot_;
  std::int32_t n_history_;
  std::vector<Lane> lanes_;      // (n_lane)
  std::vector<double> times_s_;  // (n_lane, n_history) [s]
  std::vector<double> states_;   // (n_history, n_lane, n_slot): a state lies in one piece
};

}  // namespace heron
