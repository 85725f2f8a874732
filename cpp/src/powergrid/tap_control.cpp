#include "powergrid/tap_control.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>

#include "powergrid/error.hpp"

namespace powergrid {
namespace {

constexpr double kBaseVolt = 120.0;
// line_drop_step() compares voltages rounded to 1.2e-4 V, which moves the ends by at most that.
constexpr double kRoundingVolt = 2e-4;
// Lanes that are solved together; what is kept of them lies on the stack.
constexpr std::size_t kBlock = 1024;

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
    bands_.push_back({set.r_volt * drop, set.x_volt * drop,
                      squared(set.v_set_volt - half_band_volt + kRoundingVolt),
                      squared(set.v_set_volt + half_band_volt - kRoundingVolt)});
  }
}

std::size_t TapControl::settle(Solver& solver, Batch& batch, const SolveOptions& options,
                               std::size_t first, std::size_t last,
                               std::span<const std::uint8_t> is_chosen,
                               const Table<const std::uint8_t>& is_stuck) const {
  batch.check_lanes(first, last);
  check_rows(batch);
  check_masks(batch, last - first, is_chosen, is_stuck);
  std::size_t n_solve = 0;
  std::array<std::uint8_t, kBlock> moves;
  for (std::size_t begin = first; begin < last; begin += kBlock) {
    const std::size_t n = std::min(last - begin, kBlock);
    std::size_t n_left = n;
    if (is_chosen.empty()) {
      moves.fill(1);
    } else {
      n_left = 0;
      for (std::size_t i = 0; i < n; ++i) {
        moves[i] = is_chosen[begin - first + i] != 0 ? 1 : 0;
        n_left += moves[i];
      }
      if (n_left == 0) continue;
    }
    for (int round = 0;; ++round) {
      const std::span<const std::uint8_t> those(moves.data(), n_left < n ? n : 0);
      solver.solve(batch, options, begin, begin + n, those);
      n_solve += n_left;
      if (round == kMostRounds) break;
      n_left = 0;
      for (std::size_t i = 0; i < n; ++i) {
        if (moves[i] == 0) continue;
        const std::size_t lane = begin + i;
        moves[i] =
            batch.status[lane] == LaneStatus::kConverged && move(batch, lane, is_stuck) ? 1 : 0;
        n_left += moves[i];
      }
      if (n_left == 0) break;
    }
  }
  return n_solve;
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
bool TapControl::is_within(const Batch& batch, std::size_t regulator,
                           std::size_t lane) const noexcept {
  const Regulator& of = regulators_[regulator];
  const Band& band = bands_[regulator];
  const double vm = batch.vm_pu(static_cast<std::size_t>(of.bus), lane);
  const double p = batch.p_to_mw(static_cast<std::size_t>(of.branch), lane);
  const double q = batch.q_to_mvar(static_cast<std::size_t>(of.branch), lane);
  const double square = vm * vm;
  const double re = kBaseVolt * square + (band.r * p + band.x * q);
  const double im = band.x * p - band.r * q;
  const double relay = re * re + im * im;
  return relay >= band.low * square && relay <= band.high * square;
}

std::int8_t TapControl::step(const Batch& batch, std::size_t regulator,
                             std::size_t lane) const noexcept {
  if (is_within(batch, regulator, lane)) return 0;
  const Regulator& of = regulators_[regulator];
  const double vm = batch.vm_pu(static_cast<std::size_t>(of.bus), lane);
  const double ampere = ampere_per_mva(of) / vm;
  // The power into the branch is minus that to the load; only the angle between v and i counts.
  const double i_re = -batch.p_to_mw(static_cast<std::size_t>(of.branch), lane) * ampere;
  const double i_im = batch.q_to_mvar(static_cast<std::size_t>(of.branch), lane) * ampere;
  return line_drop_step(relay_voltage(vm, 0.0, i_re, i_im, of.settings),
                        batch.tap_pos(static_cast<std::size_t>(of.tap), lane), of.tap_min,
                        of.tap_max, of.settings);
}

// Whether any regulator moved. Where one does, all stand on whole steps afterwards, but stuck ones.
bool TapControl::move(Batch& batch, std::size_t lane,
                      const Table<const std::uint8_t>& is_stuck) const noexcept {
  const auto stays = [&](std::size_t regulator) {
    return is_stuck.data != nullptr && is_stuck(regulator, lane) != 0;
  };
  const auto round_and_add = [&](std::size_t regulator, double steps) {
    if (stays(regulator)) return;
    double& position = batch.tap_pos(static_cast<std::size_t>(regulators_[regulator].tap), lane);
    position = std::nearbyint(position) + steps;
  };
  bool is_any = false;
  for (std::size_t i = 0; i < regulators_.size(); ++i) {
    const std::int8_t steps = stays(i) ? std::int8_t{0} : step(batch, i, lane);
    if (steps != 0 && !is_any) {
      is_any = true;
      for (std::size_t before = 0; before < i; ++before) round_and_add(before, 0.0);
    }
    if (is_any) round_and_add(i, steps);
  }
  return is_any;
}

}  // namespace powergrid
