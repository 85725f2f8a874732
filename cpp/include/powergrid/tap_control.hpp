#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "powergrid/batch.hpp"
#include "powergrid/line_drop.hpp"
#include "powergrid/solver.hpp"

namespace powergrid {

// A step-voltage regulator: a branch with a tap changer, of which each step up raises the voltage
// at its to end, and a relay there. The phases are balanced.
struct Regulator {
  std::int32_t tap;     // row of Batch::tap_pos
  std::int32_t branch;  // row of the batch's flows
  std::int32_t bus;     // the regulated one, row of Batch::vm_pu
  double vn_kv;         // nominal voltage of that bus, phase to phase
  LineDropSettings settings;
  double tap_min;
  double tap_max;
};

// What a relay reads: the voltage of a bus and the power into the to end of a branch, as rows of
// the batch.
struct RelayPoint {
  std::int32_t branch;
  std::int32_t bus;
};

struct RelayReading;

// Regulators that move one step at a time until each is within its band. Const: any number of
// threads may settle lanes of their own at once, each with its own solver.
class TapControl {
 public:
  // Solves of a lane after the first at the most; more than the way from one end to the other.
  static constexpr int kMostRounds = 40;

  // Throws InvalidArgument, naming the regulator, if a row is negative, two have one tap row, or a
  // nominal voltage is not above 0.
  explicit TapControl(std::vector<Regulator> regulators);

  [[nodiscard]] std::span<const Regulator> regulators() const noexcept { return regulators_; }

  // Settle each lane from `first` to `last`, exclusive: solve it, move every regulator outside its
  // band by one step from its rounded position, and solve it again, until none moves. A lane
  // without a solution stays where it is. Returns how many solves of a lane that took.
  //
  // With `is_chosen`, (last - first), only lanes where it is not 0; a regulator does not move where
  // `is_stuck`, (n_regulator, n_lane), is not 0.
  //
  // It allocates nothing that Solver::solve does not. Throws as that does, and if the batch lacks a
  // regulator's row.
  std::size_t settle(Solver& solver, Batch& batch, const SolveOptions& options, std::size_t first,
                     std::size_t last, std::span<const std::uint8_t> is_chosen = {},
                     const Table<const std::uint8_t>& is_stuck = {}) const;

 private:
  // What tells without a root or a division that a relay is within its band.
  struct Band {
    double r, x;       // drop [120 V base, times p.u. of voltage] for one MW or Mvar
    double low, high;  // ends, squared and drawn in by what rounding may move them
  };

  struct Moving;

  void check_rows(const Batch& batch) const;
  void check_masks(const Batch& batch, std::size_t n_lane, std::span<const std::uint8_t> is_chosen,
                   const Table<const std::uint8_t>& is_stuck) const;
  [[nodiscard]] bool is_within(std::size_t regulator, const RelayReading& reading) const noexcept;
  [[nodiscard]] std::int8_t step(std::size_t regulator, const RelayReading& reading,
                                 double position) const noexcept;
  static bool move(const void* context, std::size_t regulator, std::size_t lane,
                   const RelayReading& reading, bool is_moved) noexcept;

  std::vector<Regulator> regulators_;
  std::vector<Band> bands_;
  std::vector<RelayPoint> points_;
};

}  // namespace powergrid
