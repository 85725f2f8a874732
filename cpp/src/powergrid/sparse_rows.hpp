#pragma once

#include "sparse_elimination.hpp"
#include "sparse_network.hpp"

// The equations of Newton's method on power mismatches, as pandapower's: of each node that is no
// source
//   F = V conj(I) - S(|V|),  I = Y V,
// real part only where the magnitude is held, with steps of the angle and the relative magnitude.
//
// Where the magnitude is not held, the row is divided by V and conjugated and the unknown is the
// change of the complex voltage. That is the same step, but the blocks between such nodes become
// plain admittances, alike in all lanes.
namespace powergrid {
namespace {

namespace sparse {

// Largest mismatch of each lane, and NaN in `trouble` where a number is not finite.
template <int kVec>
struct Mismatch {
  Pack<kVec> largest;
  Pack<kVec> trouble;  // else 0
};

template <int kVec>
inline void include(Mismatch<kVec>& mismatch, Pack<kVec> error) noexcept {
  mismatch.largest = max(mismatch.largest, abs(error));
  mismatch.trouble = fma(error, pack<kVec>(0.0), mismatch.trouble);
}

// Currents of all nodes into the network, and the negative mismatches as right-hand side.
template <int kVec>
Mismatch<kVec> set_mismatches(const SparsePlan& plan, const Group<kVec>& group,
                              const Scratch& scratch) noexcept {
  Mismatch<kVec> out{pack<kVec>(0.0), pack<kVec>(0.0)};
  for (std::uint32_t r = 0; r < plan.row.size; ++r) {
    const SparseRow& row = plan.row.data[r];
    const std::size_t node = static_cast<std::size_t>(row.node);
    const ComplexPack<kVec> v = voltage(group, row.node);
    ComplexPack<kVec> i = diagonal(plan, group, scratch, r) * v;
    for (std::uint32_t e = row.fixed.begin; e < row.fixed.end; ++e) {
      i = fma(same<kVec>(plan.fixed_y.data[e]), voltage(group, plan.fixed_node.data[e]), i);
    }
    for (std::uint32_t e = row.varying.begin; e < row.varying.end; ++e) {
      i = fma(load_pair<kVec>(scratch.slot, e), voltage(group, plan.varying_node.data[e]), i);
    }
    store_pair(scratch.current, r, i);
    ComplexPack<kVec> wanted = load<kVec>(group.p, group.q, node);
    if (group.p_current != nullptr) {
      wanted = wanted + load<kVec>(group.p_current, group.q_current, node) * sqrt(norm(v));
    }
    const ComplexPack<kVec> missing = wanted - v * conj(i);
    include(out, missing.re);
    store(scratch.factor, row.upper, missing.re);
    if (row.controlled < 0) {
      include(out, missing.im);
      store(scratch.factor, row.upper + 1, missing.im);
    }
  }
  return out;
}

// Calls set_one(position, y, node) and set_two(position, y) for the off-diagonal admittances of a
// row, whose columns have one unknown or two.
template <int kVec, class SetOne, class SetTwo>
inline void each_block(const SparsePlan& plan, const Scratch& scratch, const SparseRow& row,
                       SetOne set_one, SetTwo set_two) noexcept {
  const SparseRange fixed = row.fixed;
  for (std::uint32_t e = fixed.begin; e < fixed.one_end; ++e) {
    set_one(plan.fixed_at.data[e], same<kVec>(plan.fixed_y.data[e]), plan.fixed_node.data[e]);
  }
  for (std::uint32_t e = fixed.one_end; e < fixed.two_end; ++e) {
    set_two(plan.fixed_at.data[e], same<kVec>(plan.fixed_y.data[e]));
  }
  const SparseRange varying = row.varying;
  for (std::uint32_t e = varying.begin; e < varying.one_end; ++e) {
    set_one(plan.varying_at.data[e], load_pair<kVec>(scratch.slot, e), plan.varying_node.data[e]);
  }
  for (std::uint32_t e = varying.one_end; e < varying.two_end; ++e) {
    set_two(plan.varying_at.data[e], load_pair<kVec>(scratch.slot, e));
  }
}

// Fill a row of the matrix, right-hand side included; returns its diagonal block.
template <int kVec>
inline Block<kVec, 2, 2> set_free_row(const SparsePlan& plan, const Group<kVec>& group,
                                      const Scratch& scratch, std::uint32_t r) noexcept {
  const SparseRow& row = plan.row.data[r];
  const ComplexPack<kVec> v = voltage(group, row.node);
  const Pack<kVec> square = norm(v);
  const Pack<kVec> inverse = pack<kVec>(1.0) / square;
  store(scratch.inverse, r, inverse);

  Vec* const factor = scratch.factor;
  const ComplexPack<kVec> missing{load<kVec>(factor, row.upper), load<kVec>(factor, row.upper + 1)};
  const ComplexPack<kVec> right_side = conj(missing) * v * inverse;
  store(factor, row.upper, right_side.re);
  store(factor, row.upper + 1, right_side.im);

  // Columns of one unknown see the change of the voltage j V that a turn of it makes.
  const auto set_one = [&](std::uint32_t at, ComplexPack<kVec> y, std::int32_t node) {
    const ComplexPack<kVec> i = y * voltage(group, node);
    store(factor, at, -i.im);
    store(factor, at + 1, i.re);
  };
  const auto set_two = [&](std::uint32_t at, ComplexPack<kVec> y) {
    store(factor, at, y.re);
    store(factor, at + 1, -y.im);
    store(factor, at + 2, y.im);
    store(factor, at + 3, y.re);
  };
  each_block<kVec>(plan, scratch, row, set_one, set_two);

  // d(conj(F)/conj(V)) = direct dV + mirrored conj(dV).
  ComplexPack<kVec> direct = diagonal(plan, group, scratch, r);
  ComplexPack<kVec> mirrored = load_pair<kVec>(scratch.current, r) * v * inverse;
  if (group.p_current != nullptr) {
    const std::size_t node = static_cast<std::size_t>(row.node);
    const Pack<kVec> half = pack<kVec>(0.5) * sqrt(square) * inverse;  // 1 / (2 |V|)
    const ComplexPack<kVec> load_current =
        conj(load<kVec>(group.p_current, group.q_current, node)) * half;
    direct = direct - load_current;
    mirrored = mirrored - load_current * (v * v * inverse);
  }
  return {{{direct.re + mirrored.re, mirrored.im - direct.im},
           {direct.im + mirrored.im, direct.re - mirrored.re}}};
}

template <int kVec>
inline Block<kVec, 1, 1> set_held_row(const SparsePlan& plan, const Group<kVec>& group,
                                      const Scratch& scratch, std::uint32_t r) noexcept {
  const SparseRow& row = plan.row.data[r];
  const ComplexPack<kVec> v = voltage(group, row.node);
  Vec* const factor = scratch.factor;
  const auto set_one = [&](std::uint32_t at, ComplexPack<kVec> y, std::int32_t node) {
    const ComplexPack<kVec> s = conj(v) * y * voltage(group, node);
    store(factor, at, -s.im);
  };
  const auto set_two = [&](std::uint32_t at, ComplexPack<kVec> y) {
    const ComplexPack<kVec> t = conj(v) * y;
    store(factor, at, t.re);
    store(factor, at + 1, -t.im);
  };
  each_block<kVec>(plan, scratch, row, set_one, set_two);
  // dP / d(angle) = -Q - |V|^2 B.
  const ComplexPack<kVec> i = load_pair<kVec>(scratch.current, r);
  const ComplexPack<kVec> y = diagonal(plan, group, scratch, r);
  const Pack<kVec> q = fms(v.im, i.re, v.re * i.im);
  return {{{-fma(norm(v), y.im, q)}}};
}

// The matrix, and its elimination down to the upper triangle; returns the sign of the determinant.
template <int kVec>
Pack<kVec> eliminate(const SparsePlan& plan, const Group<kVec>& group,
                     const Scratch& scratch) noexcept {
  Cursor<kVec> cursor{plan.target.data, plan.term.data, pack<kVec>(1.0)};
  std::uint32_t fill = 0;
  for (std::uint32_t r = 0; r < plan.row.size; ++r) {
    const SparseRow& row = plan.row.data[r];
    for (; fill < row.fill_end; ++fill) {
      store(scratch.factor, plan.fill.data[fill], pack<kVec>(0.0));
    }
    if (row.controlled < 0) {
      eliminate_row(row, set_free_row(plan, group, scratch, r), scratch.factor, cursor);
    } else {
      eliminate_row(row, set_held_row(plan, group, scratch, r), scratch.factor, cursor);
    }
  }
  return cursor.sign;
}

}  // namespace sparse
}  // namespace
}  // namespace powergrid
