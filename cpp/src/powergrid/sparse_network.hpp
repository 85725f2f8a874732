#pragma once

#include "group.hpp"
#include "pack.hpp"
#include "sparse_plan.hpp"

// What the sparse method does outside Newton's iteration: admittances at the lanes' tap positions,
// held voltages, currents of the branches.
namespace powergrid {
namespace {

namespace sparse {

// The parts of the scratch, each [row][kVec].
struct Scratch {
  Vec* slot;     // admittances that differ by lane, (2 * n_slot)
  Vec* part;     // two-ports of the varying branches, (8 * n_varying_branch)
  Vec* current;  // from each row's node into the network, (2 * n_row)
  Vec* inverse;  // 1 / |V|^2, (n_row)
  Vec* step;     // (n_unknown)
  Vec* scale;    // of the start, (n_node)
  Vec* turn;     // (2 * n_node)
  Vec* factor;   // (n_factor)
};

template <int kVec>
inline Scratch scratch_of(const SparsePlan& plan, const Group<kVec>& group) noexcept {
  Scratch out;
  out.slot = static_cast<Vec*>(group.scratch);
  out.part = out.slot + std::size_t{2} * plan.slot_y.size * kVec;
  out.current = out.part + std::size_t{8} * plan.varying_branch.size * kVec;
  out.inverse = out.current + std::size_t{2} * plan.row.size * kVec;
  out.step = out.inverse + std::size_t{plan.row.size} * kVec;
  out.scale = out.step + std::size_t{plan.n_unknown} * kVec;
  out.turn = out.scale + std::size_t{plan.start.size} * kVec;
  out.factor = out.turn + std::size_t{2} * plan.start.size * kVec;
  return out;
}

template <int kVec>
inline ComplexPack<kVec> voltage(const Group<kVec>& group, std::int32_t node) noexcept {
  return load<kVec>(group.v_re, group.v_im, static_cast<std::size_t>(node));
}

template <int kVec>
inline ComplexPack<kVec> same(SparseComplex y) noexcept {
  return {pack<kVec>(y.re), pack<kVec>(y.im)};
}

// Admittances at the lanes' tap positions. A changer of factor m turns the ratio t into t m at the
// from winding and into t / m at the to winding, where impedances grow with |m|^2.
template <int kVec>
void set_admittances(const SparsePlan& plan, const Group<kVec>& group,
                     const Scratch& scratch) noexcept {
  for (std::uint32_t b = 0; b < plan.varying_branch.size; ++b) {
    for (std::uint32_t k = 0; k < 8; ++k) {
      store(scratch.part, 8 * b + k, pack<kVec>(plan.varying_branch.data[b].y[k]));
    }
  }
  for (std::uint32_t t = 0; t < plan.tap.size; ++t) {
    const SparseTap tap = plan.tap.data[t];
    const ComplexPack<kVec> m = load<kVec>(group.tap_m_re, group.tap_m_im, tap.tap);
    const Pack<kVec> inverse = pack<kVec>(1.0) / norm(m);
    const ComplexPack<kVec> one_over_conj = m * inverse;
    const ComplexPack<kVec> one_over = conj(one_over_conj);
    const std::size_t ff = std::size_t{4} * tap.branch;
    const std::size_t own = tap.is_to ? ff + 3 : ff;
    const std::size_t toward = tap.is_to ? ff + 2 : ff + 1;  // row of the changer's node
    const std::size_t away = tap.is_to ? ff + 1 : ff + 2;
    store_pair(scratch.part, own, load_pair<kVec>(scratch.part, own) * inverse);
    store_pair(scratch.part, toward, load_pair<kVec>(scratch.part, toward) * one_over_conj);
    store_pair(scratch.part, away, load_pair<kVec>(scratch.part, away) * one_over);
  }
  for (std::uint32_t s = 0; s < plan.slot_y.size; ++s) {
    store_pair(scratch.slot, s, same<kVec>(plan.slot_y.data[s]));
  }
  for (std::uint32_t a = 0; a < plan.addition.size; ++a) {
    const SparseAddition addition = plan.addition.data[a];
    store_pair(scratch.slot, addition.slot,
               load_pair<kVec>(scratch.slot, addition.slot) +
                   load_pair<kVec>(scratch.part, addition.part));
  }
}

// A node's own admittance, to ground and to its neighbours.
template <int kVec>
inline ComplexPack<kVec> diagonal(const SparsePlan& plan, const Group<kVec>& group,
                                  const Scratch& scratch, std::uint32_t r) noexcept {
  const SparseRow& row = plan.row.data[r];
  const ComplexPack<kVec> y = same<kVec>(plan.diagonal_y.data[r]) +
                              load<kVec>(group.g, group.b, static_cast<std::size_t>(row.node));
  if (row.diagonal_slot < 0) return y;
  return y + load_pair<kVec>(scratch.slot, static_cast<std::size_t>(row.diagonal_slot));
}

// Give held nodes their set-points. A magnitude that is right but for rounding stays, so that a
// solution is its own solution.
template <int kVec>
void hold_voltages(const SparsePlan& plan, const Group<kVec>& group, const Mask* active) noexcept {
  for (std::uint32_t c = 0; c < plan.controlled.size; ++c) {
    const SparseControlled& controlled = plan.controlled.data[c];
    const std::size_t node = static_cast<std::size_t>(controlled.node);
    const Pack<kVec> vm = load<kVec>(group.vm_set, controlled.row);
    const ComplexPack<kVec> v = voltage(group, controlled.node);
    ComplexPack<kVec> held;
    Mask is_wrong[kVec];
    if (controlled.is_source) {
      held = {vm * pack<kVec>(controlled.cos_va), vm * pack<kVec>(controlled.sin_va)};
      for (int k = 0; k < kVec; ++k) is_wrong[k] = active[k];
    } else {
      const Pack<kVec> square = norm(v);
      const Pack<kVec> error = abs(fms(vm, vm, square));
      const Pack<kVec> allowed = square * pack<kVec>(1e-14);
      bool is_any = false;
      for (int k = 0; k < kVec; ++k) {
        is_wrong[k] = active[k] & ~(error.v[k] <= allowed.v[k]);
        is_any |= any(is_wrong[k]);
      }
      if (!is_any) continue;
      held = v * (vm / sqrt(square));
    }
    store(group.v_re, node, select(is_wrong, held.re, v.re));
    store(group.v_im, node, select(is_wrong, held.im, v.im));
  }
}

// Currents into both ends of a branch.
template <int kVec>
inline void store_currents(const Group<kVec>& group, const SparseBranch& branch,
                           ComplexPack<kVec> ff, ComplexPack<kVec> ft, ComplexPack<kVec> tf,
                           ComplexPack<kVec> tt) noexcept {
  const ComplexPack<kVec> from = voltage(group, branch.from);
  const ComplexPack<kVec> to = voltage(group, branch.to);
  const ComplexPack<kVec> i_from = fma(ft, to, ff * from);
  const ComplexPack<kVec> i_to = fma(tf, from, tt * to);
  const std::size_t b = static_cast<std::size_t>(branch.branch);
  store(group.i_from_re, b, i_from.re);
  store(group.i_from_im, b, i_from.im);
  store(group.i_to_re, b, i_to.re);
  store(group.i_to_im, b, i_to.im);
}

// What the holders of the voltages inject beyond the nodes' other injections.
template <int kVec>
void controlled_powers(const SparsePlan& plan, const Group<kVec>& group) noexcept {
  std::uint32_t begin = 0;
  for (std::uint32_t c = 0; c < plan.controlled.size; ++c) {
    const SparseControlled& controlled = plan.controlled.data[c];
    const std::size_t node = static_cast<std::size_t>(controlled.node);
    const ComplexPack<kVec> v = voltage(group, controlled.node);
    ComplexPack<kVec> i = load<kVec>(group.g, group.b, node) * v;
    for (std::uint32_t e = begin; e < controlled.end; ++e) {
      const std::size_t branch = plan.end.data[e] / 2;
      i = i + (plan.end.data[e] % 2 == 0 ? load<kVec>(group.i_from_re, group.i_from_im, branch)
                                         : load<kVec>(group.i_to_re, group.i_to_im, branch));
    }
    begin = controlled.end;
    ComplexPack<kVec> s = v * conj(i) - load<kVec>(group.p, group.q, node);
    if (group.p_current != nullptr) {
      s = s - load<kVec>(group.p_current, group.q_current, node) * sqrt(norm(v));
    }
    store(group.p_controlled, controlled.row, s.re);
    store(group.q_controlled, controlled.row, s.im);
  }
}

}  // namespace sparse
}  // namespace
}  // namespace powergrid
