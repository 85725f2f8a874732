#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace heron {

// Every feature of every lane in one array of double, [n_slot, n_lane] with lanes side by side, and
// a ring of past states for each lane. The array starts on a 64-byte boundary and never moves; from
// eight lanes on, every slot's row does too. Lanes may be written and read from different threads.
class FeatureTable {
 public:
  // Throws InvalidArgument for a negative size or no lane. With n_history = 0 snapshots are
  // refused.
  FeatureTable(std::int32_t n_slot, std::int32_t n_lane, std::int32_t n_history = 0);
  ~FeatureTable();
  FeatureTable(const FeatureTable&) = delete;
  FeatureTable& operator=(const FeatureTable&) = delete;

  [[nodiscard]] std::int32_t n_slot() const noexcept;
  [[nodiscard]] std::int32_t n_lane() const noexcept;
  [[nodiscard]] std::int32_t n_history() const noexcept;
  [[nodiscard]] std::size_t lane_stride() const noexcept;  // doubles from a slot to the next
  [[nodiscard]] double* data() noexcept;                   // slot s of lane l at s * stride + l
  [[nodiscard]] const double* data() const noexcept;

  // --- history ------------------------------------------------------------------------------
  // Keep the present state of lanes under a time each; the oldest is forgotten when a ring is full.
  // A second snapshot at one time replaces the first. Throws InvalidArgument, and keeps nothing, if
  // a time is not finite or lies before the lane's last snapshot.
  void snapshot(std::span<const std::int32_t> lane, std::span<const double> time_s);
  void snapshot_all(double time_s);
  void clear_history(std::int32_t lane);
  [[nodiscard]] std::int32_t n_snapshot(std::int32_t lane) const;
  // The newest state of a lane not younger than time_s, (n_slot), good until the lane's next
  // snapshot; empty if there is none, because none was taken or it is forgotten.
  [[nodiscard]] std::span<const double> as_of(std::int32_t lane, double time_s) const;

  // --- observers ----------------------------------------------------------------------------
  // A gather list: which slots an observation holds, in which order. Returns its number.
  std::int32_t add_observer(std::span<const std::int32_t> slot);
  [[nodiscard]] std::span<const std::int32_t> observer(std::int32_t observer) const;
  [[nodiscard]] std::int32_t n_observer() const noexcept;

  // Row i of `out` gets what observer[i] sees of lane[i] now; entries behind it, up to row_length,
  // are zero. out has observer.size() * row_length values; lists longer than a row are refused.
  // Out is float or double.
  template <class Out>
  void gather(std::span<const std::int32_t> observer, std::span<const std::int32_t> lane,
              std::span<Out> out, std::size_t row_length) const;
  // The same as of time_s[i]. Where no state is old enough the row is zero and is_stale[i] is 1.
  template <class Out>
  void gather_as_of(std::span<const std::int32_t> observer, std::span<const std::int32_t> lane,
                    std::span<const double> time_s, std::span<Out> out, std::size_t row_length,
                    std::span<std::uint8_t> is_stale) const;
};

}  // namespace heron
