#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "powergrid/network.hpp"

namespace powergrid {

// Limits of a lane's inputs, far from any real network, within which no result overflows or is left
// to rounding.
// Node sums of power and admittance [p.u.], as the root of the sum of all their squares.
inline constexpr double kLargestInputPu = 1e9;
// Set-points [p.u.] and factors of tap changers on a voltage.
inline constexpr double kLeastVoltageFactor = 1e-3;
inline constexpr double kLargestVoltageFactor = 1e3;

// What became of a lane in the last solve.
enum class LaneStatus : std::int8_t {
  kConverged = 0,     // the largest power mismatch is within the tolerance
  kNoSolution = 1,    // no start led to one: usually the voltage has collapsed
  kInvalidInput = 2,  // an input is NaN or infinite, or beyond the limits above
  kUnsolved = 3,      // not solved yet
};

// The start from which a lane converged, in the order they are tried.
enum class LaneStart : std::int8_t {
  kWarm = 0,    // the lane's last solution
  kFlat = 1,    // the unloaded network at the lane's taps
  kDamped = 2,  // the same, with shortened steps
  kNone = 3,    // none
};

// A two-dimensional array [row][lane]: the lanes of a row lie side by side.
template <class T>
struct Table {
  T* data = nullptr;
  std::size_t n_row = 0;
  std::size_t n_lane = 0;
  std::size_t stride = 0;  // from row to row, in values

  [[nodiscard]] T& operator()(std::size_t row, std::size_t lane) const noexcept {
    return data[row * stride + lane];
  }
};

// How many lanes were settled by each start since the batch was made. Solvers add to them as
// atomics.
struct SolveCounters {
  std::uint64_t n_warm = 0;
  std::uint64_t n_flat = 0;
  std::uint64_t n_damped = 0;
  std::uint64_t n_failed = 0;     // no solution
  std::uint64_t n_invalid = 0;    // invalid input
  std::uint64_t n_iteration = 0;  // Newton steps of all lanes and starts
};

// Add, as atomics: others may be adding too.
void add(SolveCounters& to, const SolveCounters& from) noexcept;

// Inputs, voltages and results of `n_lane` copies of one network. The arrays never move, so views
// of them may be kept; a copy is independent. Rows are padded to whole cache lines.
//
// A lane that does not converge keeps the voltages and results of its last solution (the network's
// start voltages and no flows at first) and starts anew from a flat start the next time.
class Batch {
 public:
  // Every lane has the network's inputs and no solution yet. The network must outlive the batch.
  // Variants with more nodes than the network need room for the voltages of `n_spare_node`.
  // Throws InvalidArgument for no lanes, or a network that is a variant.
  Batch(const Network& network, std::size_t n_lane, std::size_t n_spare_node = 0);
  Batch(const Batch& other);
  Batch& operator=(const Batch&) = delete;
  ~Batch() = default;

  [[nodiscard]] const Network& network() const noexcept { return *network_; }
  [[nodiscard]] std::size_t n_lane() const noexcept { return n_lane_; }
  [[nodiscard]] std::size_t n_byte() const noexcept { return memory_.size() * sizeof(CacheLine); }

  // Throws InvalidArgument unless the batch has all lanes from `first` to `last`, which it may
  // begin and end with.
  void check_lanes(std::size_t first, std::size_t last) const;

  // Make the lane's results of what a variant of the network leaves without supply 0, because
  // solvers of the variant do not write them. Throws InvalidArgument for another network or lane.
  void clear_unsupplied(const Network& variant, std::size_t lane);
  // Copy what lanes of another batch of the network are solved from: inputs and last solutions.
  // Lane `from[i]` there becomes lane `to[i]` here. Throws InvalidArgument if the batches have
  // other rows, the spans other lengths, or a lane does not exist.
  void copy_inputs(const Batch& source, std::span<const std::int32_t> from,
                   std::span<const std::int32_t> to);
  // Copy what became of them: tap positions and how the solve ended, and where it converged
  // voltages and flows. Throws as `copy_inputs` does.
  void copy_results(const Batch& source, std::span<const std::int32_t> from,
                    std::span<const std::int32_t> to);
  // Add the counters of another batch, which begins to count anew. Solvers may be at work here.
  void take_counters(Batch& other) noexcept;

  // From now on let solves write the angles of these buses only, and of the other branches no more
  // than the active power into the from end and the loading: a large batch is slow to write. What
  // they leave out becomes NaN. `is_bus_told`, (n_bus), and `is_branch_told`, (n_branch), are 0 for
  // those. Throws InvalidArgument for other lengths.
  void tell_only(std::span<const std::uint8_t> is_bus_told,
                 std::span<const std::uint8_t> is_branch_told);
  [[nodiscard]] const std::uint8_t* is_bus_told() const noexcept { return is_bus_told_.data(); }
  [[nodiscard]] const std::uint8_t* is_branch_told() const noexcept {
    return is_branch_told_.data();
  }

  // Begin the lane's next solve from a flat start, so that it depends on nothing before it.
  void forget(std::size_t lane) noexcept { is_warm[lane] = 0; }

  // Inputs, written by the caller.
  Table<double> p_mw;        // (n_injection)
  Table<double> q_mvar;      // (n_injection)
  Table<double> tap_pos;     // at most 1e9 steps from neutral, (n_tap)
  Table<double> shunt_step;  // (n_shunt)
  Table<double> vm_set_pu;   // (n_controlled)

  // State: the last solution.
  Table<double> v_re_pu;            // (n_node + n_spare_node)
  Table<double> v_im_pu;            // (n_node + n_spare_node)
  std::span<std::uint8_t> is_warm;  // whether the next solve starts from the state, (n_lane)

  // Results.
  Table<double> vm_pu;                 // 0 out of supply, (n_bus)
  Table<double> va_degree;             // (n_bus)
  Table<double> p_from_mw;             // into the branch at its from end, (n_branch)
  Table<double> q_from_mvar;           // (n_branch)
  Table<double> p_to_mw;               // into the branch at its to end, (n_branch)
  Table<double> q_to_mvar;             // (n_branch)
  Table<double> loading_percent;       // larger of both ends, (n_branch)
  Table<double> p_controlled_mw;       // injected by what holds the voltage, (n_controlled)
  Table<double> q_controlled_mvar;     // (n_controlled)
  std::span<double> mismatch_pu;       // largest power mismatch of the last solve, (n_lane)
  std::span<std::int32_t> iterations;  // Newton steps of the last solve, all starts, (n_lane)
  std::span<LaneStatus> status;        // (n_lane)
  std::span<LaneStart> start;          // (n_lane)
  SolveCounters counters;

 private:
  struct alignas(64) CacheLine {
    std::array<std::byte, 64> bytes;
  };

  void lay_out();
  void check_copy(const Batch& source, std::span<const std::int32_t> from,
                  std::span<const std::int32_t> to) const;

  const Network* network_;
  std::size_t n_lane_;
  std::size_t n_spare_node_;
  std::vector<CacheLine> memory_;  // of all tables and spans
  std::vector<std::uint8_t> is_bus_told_, is_branch_told_;
};

}  // namespace powergrid
