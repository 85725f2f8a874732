#include "powergrid/tap_control.hpp"

#include <cmath>
#include <numbers>
#include <string>
#include <utility>

#include "powergrid/error.hpp"
#include "solve_job.hpp"

namespace powergrid {
namespace {

constexpr double kBaseVolt = 120.0;
// line_drop_step() compares voltages rounded to 1.2e-4 V, which moves the ends by at most that.
constexpr double kRoundingVolt = 2e-4;

void check(const std::vector<Regulator>& regulators) {
  for (std::size_t i = 0; i < regulators.size(); ++i) {
    const Regulator& of = regulators[i];
    const std::string name = "regulator " + std::to_string(i);
    if (of.tap < 0 || of.branch < 0 || of.bus < 0) {
      throw InvalidArgument(name + " has a negative row");
    }
    if (!(of.vn_kv > 0.0)) {
      throw InvalidArgument(name + " has vn_kv " + std::to_string(of.vn_kv) +
                            ", expected a number above 0");
    }
    for (std::size_t other = 0; other < i; ++other) {
      if (regulators[other].tap != of.tap) continue;
      throw InvalidArgument("regulators " + std::to_string(other) + " and " + std::to_string(i) +
                            " both move tap row " + std::to_string(of.tap));
    }
  }
}

// Current [A] at 1 p.u. for one MVA, of each of three balanced phases.
double ampere_per_mva(const Regulator& of) noexcept {
  return 1e3 / (std::numbers::sqrt3 * of.vn_kv);
}

double squared(double volt) noexcept { return volt > 0.0 ? volt * volt : 0.0; }

}  // namespace

TapControl::TapControl(std::vector<Regulator> regulators) : regulators_(std::move(regulators)) {
  check(regulators_);
  for (const Regulator& of : regulators_) {
    const LineDropSettings& set = of.settings;
    const double drop = ampere_per_mva(of) / set.ct_primary_a;
    const double half_band_volt = set.bandwidth_volt / 2.0;
    points_.push_back({of.branch, of.bus});
    bands_.push_back({set.r_volt * drop, set.x_volt * drop,
                      squared(set.v_set_volt - half_band_volt + kRoundingVolt),
                      squared(set.v_set_volt + half_band_volt - kRoundingVolt)});
  }
}

struct TapControl::Moving {
  const TapControl& control;
  Batch& batch;
  const Table<const std::uint8_t>& is_stuck;
};

std::size_t TapControl::settle(Solver& solver, Batch& batch, const SolveOptions& options,
                               std::size_t first, std::size_t last,
                               std::span<const std::uint8_t> is_chosen,
                               const Table<const std::uint8_t>& is_stuck) const {
  batch.check_lanes(first, last);
  check_rows(batch);
  check_masks(batch, last - first, is_chosen, is_stuck);
  const Moving moving{*this, batch, is_stuck};
  const TapMover mover{.points = points_.data(),
                       .n_point = points_.size(),
                       .move = &TapControl::move,
                       .context = &moving,
                       .most_rounds = kMostRounds};
  return solver.solve(batch, options, first, last, is_chosen, &mover);
}

void TapControl::check_masks(const Batch& batch, std::size_t n_lane,
                             std::span<const std::uint8_t> is_chosen,
                             const Table<const std::uint8_t>& is_stuck) const {
  if (!is_chosen.empty() && is_chosen.size() != n_lane) {
    throw InvalidArgument("is_chosen has " + std::to_string(is_chosen.size()) +
                          " values, expected " + std::to_string(n_lane) + ": one value per lane");
  }
  if (is_stuck.data == nullptr) return;
  if (is_stuck.n_row == regulators_.size() && is_stuck.n_lane >= batch.n_lane()) return;
  throw InvalidArgument("is_stuck is of " + std::to_string(is_stuck.n_row) + " regulators and " +
                        std::to_string(is_stuck.n_lane) + " lanes, expected " +
                        std::to_string(regulators_.size()) + " and at least " +
                        std::to_string(batch.n_lane()));
}

void TapControl::check_rows(const Batch& batch) const {
  for (std::size_t i = 0; i < regulators_.size(); ++i) {
    const Regulator& of = regulators_[i];
    const std::pair<std::int32_t, std::size_t> rows[] = {{of.tap, batch.tap_pos.n_row},
                                                         {of.branch, batch.p_to_mw.n_row},
                                                         {of.bus, batch.vm_pu.n_row}};
    for (const auto& [row, n_row] : rows) {
      if (static_cast<std::size_t>(row) < n_row) continue;
      throw InvalidArgument("regulator " + std::to_string(i) + " has row " + std::to_string(row) +
                            " of " + std::to_string(n_row) +
                            " of the batch: it is of another network");
    }
  }
}

// |120 v - (r + jx) i / ct| times v, in the frame of v, lies between both ends times v.
bool TapControl::is_within(std::size_t regulator, const RelayReading& reading) const noexcept {
  const Band& band = bands_[regulator];
  const auto [vm, p, q] = reading;
  const double square = vm * vm;
  const double re = kBaseVolt * square + (band.r * p + band.x * q);
  const double im = band.x * p - band.r * q;
  const double relay = re * re + im * im;
  return relay >= band.low * square && relay <= band.high * square;
}

std::int8_t TapControl::step(std::size_t regulator, const RelayReading& reading,
                             double position) const noexcept {
  if (is_within(regulator, reading)) return 0;
  const Regulator& of = regulators_[regulator];
  const double ampere = ampere_per_mva(of) / reading.vm_pu;
  // The power into the branch is minus that to the load; only the angle between v and i counts.
  const double i_re = -reading.p_to_mw * ampere;
  const double i_im = reading.q_to_mvar * ampere;
  return line_drop_step(relay_voltage(reading.vm_pu, 0.0, i_re, i_im, of.settings), position,
                        of.tap_min, of.tap_max, of.settings);
}

// Where one moves, all stand on whole steps afterwards, but stuck ones.
bool TapControl::move(const void* context, std::size_t regulator, std::size_t lane,
                      const RelayReading& reading, bool is_moved) noexcept {
  const Moving& of = *static_cast<const Moving*>(context);
  const auto stays = [&](std::size_t i) {
    return of.is_stuck.data != nullptr && of.is_stuck(i, lane) != 0;
  };
  const auto position = [&](std::size_t i) -> double& {
    return of.batch.tap_pos(static_cast<std::size_t>(of.control.regulators_[i].tap), lane);
  };
  const auto round_and_add = [&](std::size_t i, double steps) {
    if (!stays(i)) position(i) = std::nearbyint(position(i)) + steps;
  };
  const std::int8_t steps =
      stays(regulator) ? std::int8_t{0} : of.control.step(regulator, reading, position(regulator));
  if (steps == 0 && !is_moved) return false;
  for (std::size_t before = 0; !is_moved && before < regulator; ++before) {
    round_and_add(before, 0.0);
  }
  round_and_add(regulator, steps);
  return true;
}

}  // namespace powergrid
