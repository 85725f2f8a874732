#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "heron/aligned_vector.hpp"
#include "heron/snapshot_ring.hpp"

namespace heron {

// Every feature of every lane in one array of double, [n_slot, n_lane] with lanes side by side, and
// a ring of past states for each lane. The array starts on a 64-byte boundary and never moves; from
// eight lanes on, every slot's row does too. Different lanes may be written, snapshot and read from
// different threads, and of what is called on a step nothing allocates.
class FeatureTable {
 public:
  // Throws InvalidArgument for a negative size or no lane. With n_history = 0 snapshots are
  // refused.
  FeatureTable(std::int32_t n_slot, std::int32_t n_lane, std::int32_t n_history = 0);
  FeatureTable(const FeatureTable&) = delete;
  FeatureTable& operator=(const FeatureTable&) = delete;

  [[nodiscard]] std::int32_t n_slot() const noexcept { return n_slot_; }
  [[nodiscard]] std::int32_t n_lane() const noexcept { return n_lane_; }
  [[nodiscard]] std::int32_t n_history() const noexcept { return history_.n_history(); }
  // Doubles from a slot to the next.
  [[nodiscard]] std::size_t lane_stride() const noexcept { return lane_stride_; }
  // Slot s of lane l stands at s * lane_stride() + l.
  [[nodiscard]] double* data() noexcept { return values_.data(); }
  [[nodiscard]] const double* data() const noexcept { return values_.data(); }

  // --- history ------------------------------------------------------------------------------
  // Keep the present state of lanes under a time each; the oldest is forgotten when a ring is full.
  // A second snapshot at one time replaces the first. Throws InvalidArgument, and keeps nothing, if
  // a time is not finite or lies before the lane's last snapshot.
  void snapshot(std::span<const std::int32_t> lane, std::span<const double> time_s);
  void snapshot_all(double time_s);
  // Forget a lane's snapshots; its next one may have any time.
  void clear_history(std::int32_t lane);
  [[nodiscard]] std::int32_t n_snapshot(std::int32_t lane) const;
  // Times of a lane's snapshots, oldest first, each later than the one before.
  [[nodiscard]] std::vector<double> snapshot_times(std::int32_t lane) const;
  // The newest state of a lane that was taken at time_s or before, (n_slot), good until the lane's
  // next snapshot; nothing if none was taken by then, or it is forgotten. Throws InvalidArgument
  // for a NaN.
  [[nodiscard]] std::optional<std::span<const double>> as_of(std::int32_t lane,
                                                             double time_s) const;

  // --- observers ----------------------------------------------------------------------------
  // A gather list: which slots an observation holds, in which order. Returns its number. No other
  // thread may use the table meanwhile.
  std::int32_t add_observer(std::span<const std::int32_t> slot);
  // Good until the next add_observer().
  [[nodiscard]] std::span<const std::int32_t> observer(std::int32_t observer) const;
  [[nodiscard]] std::int32_t n_observer() const noexcept;

  // Row i of `out` gets what observer[i] sees of lane[i] now; entries behind it, up to row_length,
  // are zero. out has observer.size() * row_length values; lists longer than a row are refused,
  // before anything is written. Out is float or double.
  template <class Out>
  void gather(std::span<const std::int32_t> observer, std::span<const std::int32_t> lane,
              std::span<Out> out, std::size_t row_length) const;
  // The same as of time_s[i]. Where no state is old enough the row is zero and is_stale[i] is 1.
  template <class Out>
  void gather_as_of(std::span<const std::int32_t> observer, std::span<const std::int32_t> lane,
                    std::span<const double> time_s, std::span<Out> out, std::size_t row_length,
                    std::span<std::uint8_t> is_stale) const;

 private:
  void check_lane(std::int32_t lane) const;
  void check_keeps_history() const;
  void check_rows(std::span<const std::int32_t> observer, std::span<const std::int32_t> lane,
                  std::size_t n_out, std::size_t row_length) const;
  [[nodiscard]] std::span<const std::int32_t> list(std::int32_t observer) const noexcept;
  void keep(std::span<const std::int32_t> lane, std::span<const double> time_s) noexcept;

  std::int32_t n_slot_;
  std::int32_t n_lane_;
  std::size_t lane_stride_;
  AlignedVector<double> values_;  // (n_slot, lane_stride)
  SnapshotRing history_;
  std::vector<std::int32_t> slots_;      // of all observers, one list behind the other
  std::vector<std::size_t> list_start_;  // (n_observer + 1), into slots_
};

}  // namespace heron
