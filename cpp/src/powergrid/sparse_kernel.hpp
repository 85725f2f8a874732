#pragma once

#include "sparse_rows.hpp"

// Newton's method for meshed networks: see sparse_rows.hpp for its equations.
namespace powergrid {
namespace {

namespace sparse {

// Longest damped step, of the angle [rad] and of the magnitude (relative).
constexpr double kLongestStep = 0.15;

// Turn a row's step into those of its angle (re) and relative magnitude (im).
template <int kVec>
inline ComplexPack<kVec> polar_step(const SparseRow& row, const Group<kVec>& group,
                                    const Scratch& scratch, std::uint32_t r) noexcept {
  const Pack<kVec> first = load<kVec>(scratch.step, row.unknown);
  if (row.controlled >= 0) return {first, pack<kVec>(0.0)};
  const ComplexPack<kVec> change{first, load<kVec>(scratch.step, row.unknown + 1)};
  const ComplexPack<kVec> relative =
      change * conj(voltage(group, row.node)) * load<kVec>(scratch.inverse, r);
  return {relative.im, relative.re};
}

// Factor that shortens each lane's steps to the longest one allowed.
template <int kVec>
Pack<kVec> shortening(const SparsePlan& plan, const Group<kVec>& group,
                      const Scratch& scratch) noexcept {
  Pack<kVec> longest = pack<kVec>(kLongestStep);
  for (std::uint32_t r = 0; r < plan.row.size; ++r) {
    const ComplexPack<kVec> step = polar_step(plan.row.data[r], group, scratch, r);
    longest = max(abs(step.re), max(abs(step.im), longest));
  }
  return pack<kVec>(kLongestStep) / longest;
}

// Move the voltages of the active lanes. The turn by x is ((1 + j x/8) / (1 - j x/8))^4, whose
// magnitude is 1 and whose error is of third order: too small to slow the iteration.
template <int kVec>
void move(const SparsePlan& plan, const Group<kVec>& group, const Scratch& scratch, bool is_damped,
          const Mask* active) noexcept {
  const Pack<kVec> one = pack<kVec>(1.0);
  const Pack<kVec> scale = is_damped ? shortening(plan, group, scratch) : one;
  for (std::uint32_t r = 0; r < plan.row.size; ++r) {
    const SparseRow& row = plan.row.data[r];
    const std::size_t node = static_cast<std::size_t>(row.node);
    const ComplexPack<kVec> v = voltage(group, row.node);
    const ComplexPack<kVec> step = polar_step(row, group, scratch, r) * scale;
    const Pack<kVec> a = step.re * pack<kVec>(0.125);
    const ComplexPack<kVec> half_turn{one, a};
    const ComplexPack<kVec> turn = half_turn * half_turn * (one / fma(a, a, one));
    const ComplexPack<kVec> twice = turn * turn;
    const ComplexPack<kVec> moved = v * (twice * twice) * (one + step.im);
    store(group.v_re, node, select(active, moved.re, v.re));
    store(group.v_im, node, select(active, moved.im, v.im));
  }
}

// Factors on the start's magnitudes.
template <int kVec>
void start_magnitudes(const SparsePlan& plan, const Group<kVec>& group,
                      const Scratch& scratch) noexcept {
  for (std::uint32_t c = 0; c < plan.controlled.size; ++c) {
    const SparseControlled& controlled = plan.controlled.data[c];
    store(scratch.scale, static_cast<std::size_t>(controlled.node),
          load<kVec>(group.vm_set, controlled.row) / pack<kVec>(controlled.first_vm));
  }
  for (std::uint32_t i = 0; i < plan.magnitude_supply.size; ++i) {
    const SparseSupply& supply = plan.magnitude_supply.data[i];
    Pack<kVec> scale = load<kVec>(scratch.scale, static_cast<std::size_t>(supply.parent));
    if (supply.tap >= 0) {
      const auto tap = static_cast<std::size_t>(supply.tap);
      const Pack<kVec> now = norm(load<kVec>(group.tap_m_re, group.tap_m_im, tap));
      const Pack<kVec> first = norm(same<kVec>(supply.first));
      scale = scale * sqrt(supply.is_raised ? now / first : first / now);
    }
    store(scratch.scale, static_cast<std::size_t>(supply.node), scale);
  }
}

// Factors of magnitude 1 on the start's directions.
template <int kVec>
void start_turns(const SparsePlan& plan, const Group<kVec>& group,
                 const Scratch& scratch) noexcept {
  for (std::uint32_t c = 0; c < plan.controlled.size; ++c) {
    store_pair(scratch.turn, static_cast<std::size_t>(plan.controlled.data[c].node),
               same<kVec>({1.0, 0.0}));
  }
  for (std::uint32_t i = 0; i < plan.angle_supply.size; ++i) {
    const SparseSupply& supply = plan.angle_supply.data[i];
    ComplexPack<kVec> turn = load_pair<kVec>(scratch.turn, static_cast<std::size_t>(supply.parent));
    if (supply.tap >= 0) {
      const auto tap = static_cast<std::size_t>(supply.tap);
      const ComplexPack<kVec> change =
          load<kVec>(group.tap_m_re, group.tap_m_im, tap) * conj(same<kVec>(supply.first));
      const Pack<kVec> inverse = pack<kVec>(1.0) / sqrt(norm(change));
      turn = turn * (supply.is_raised ? change : conj(change)) * inverse;
    }
    store_pair(scratch.turn, static_cast<std::size_t>(supply.node), turn);
  }
}

}  // namespace sparse

inline std::size_t scratch_size(const SparsePlan& plan) noexcept {
  return std::size_t{2} * plan.slot_y.size + std::size_t{8} * plan.varying_branch.size +
         std::size_t{3} * plan.row.size + plan.n_unknown + std::size_t{3} * plan.start.size +
         plan.n_factor;
}

// The network's start, with what the lanes' set-points and tap positions change of the unloaded
// network: a regulator nearly without impedance bears no error of the voltages at its ends.
template <int kVec>
void flat_start(const SparsePlan& plan, const Group<kVec>& group, const Mask* mask) noexcept {
  const sparse::Scratch scratch = sparse::scratch_of(plan, group);
  sparse::start_magnitudes(plan, group, scratch);
  sparse::start_turns(plan, group, scratch);
  for (std::uint32_t i = 0; i < plan.start.size; ++i) {
    const ComplexPack<kVec> v = sparse::same<kVec>(plan.start.data[i]) *
                                load_pair<kVec>(scratch.turn, i) * load<kVec>(scratch.scale, i);
    store(group.v_re, i, select(mask, v.re, load<kVec>(group.v_re, i)));
    store(group.v_im, i, select(mask, v.im, load<kVec>(group.v_im, i)));
  }
}

// The branches at the positions of their tap changers, into the scratch.
template <int kVec>
void prepare(const SparsePlan& plan, const Group<kVec>& group) noexcept {
  sparse::set_admittances(plan, group, sparse::scratch_of(plan, group));
}

template <int kVec>
void iterate(const SparsePlan& plan, const Group<kVec>& group, Newton<kVec>& newton) noexcept {
  const sparse::Scratch scratch = sparse::scratch_of(plan, group);
  Mask active[kVec];
  for (int k = 0; k < kVec; ++k) {
    active[k] = newton.active[k];
    newton.converged[k] = Mask{};
    newton.mismatch[k] = broadcast(__builtin_inf());
  }
  sparse::hold_voltages(plan, group, active);
  Pack<kVec> sign = pack<kVec>(plan.unloaded_sign);
  for (int iteration = 0;; ++iteration) {
    const sparse::Mismatch<kVec> mismatch = sparse::set_mismatches(plan, group, scratch);
    bool is_done = true;
    for (int k = 0; k < kVec; ++k) {
      const Vec error = mismatch.largest.v[k];
      const Mask is_finite = active[k] & (mismatch.trouble.v[k] == 0.0);
      const Mask is_solved = is_finite & (error < newton.tolerance);
      newton.mismatch[k] = select(is_finite, error, newton.mismatch[k]);
      // Between the unloaded network and a solution of low voltage the determinant changes sign.
      const Mask is_refused =
          newton.is_low_refused ? is_solved & (sign.v[k] != plan.unloaded_sign) : Mask{};
      newton.converged[k] |= is_solved & ~is_refused;
      active[k] = is_finite & ~is_solved;
      is_done = is_done && !any(active[k]);
      if (iteration < newton.max_iterations) {
        newton.iterations[k] += select(active[k], broadcast(1.0), broadcast(0.0));
      }
    }
    if (is_done || iteration >= newton.max_iterations) return;
    sign = sparse::eliminate(plan, group, scratch);
    sparse::substitute<kVec>(plan, scratch.factor, scratch.step);
    sparse::move(plan, group, scratch, newton.is_damped, active);
  }
}

// Needs what prepare() left in the scratch.
template <int kVec>
void branch_currents(const SparsePlan& plan, const Group<kVec>& group) noexcept {
  const sparse::Scratch scratch = sparse::scratch_of(plan, group);
  for (std::uint32_t b = 0; b < plan.fixed_branch.size; ++b) {
    const SparseBranch& branch = plan.fixed_branch.data[b];
    const auto y = [&](int k) {
      return ComplexPack<kVec>{pack<kVec>(branch.y[2 * k]), pack<kVec>(branch.y[2 * k + 1])};
    };
    sparse::store_currents(group, branch, y(0), y(1), y(2), y(3));
  }
  for (std::uint32_t b = 0; b < plan.varying_branch.size; ++b) {
    const auto y = [&](std::size_t k) {
      return load_pair<kVec>(scratch.part, std::size_t{4} * b + k);
    };
    sparse::store_currents(group, plan.varying_branch.data[b], y(0), y(1), y(2), y(3));
  }
  sparse::controlled_powers(plan, group);
}

}  // namespace
}  // namespace powergrid
