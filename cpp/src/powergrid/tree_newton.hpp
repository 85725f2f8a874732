#pragma once

#include "tree_scratch.hpp"
#include "tree_start.hpp"

// Newton's method on the tree, for kVec vectors of lanes at once. All rows are positions of a
// TreePlan.
//
// Each node draws a current that is linear in the two parts of its own voltage, I = a + K V. Its
// branch V = t V_p - z J turns what its subtree draws, J = a + K V, into a function of the parent's
// voltage, J = B^-1 (a + t K V_p) with B = 1 + K Z, to which the parent adds t times. One pass from
// the leaves to the sources does that, one pass back finds all voltages. No impedance is divided
// by, so a zero one is exact.
namespace powergrid {
namespace {

// What each node draws by itself, linear about its voltage. With S injected, constant power draws
// -conj(S / V), which is a = -2 conj(S / V) and conj(S / V) V / |V|^2 times conj(V); constant
// current draws -conj(S) V / |V|.
template <int kVec>
inline void linearise(const Group<kVec>& group, TreeRow<kVec>& row, int i) noexcept {
  const bool has_current = group.p_current != nullptr;
  for (int k = 0; k < kVec; ++k) {
    const int at = i * kVec + k;
    const Vec v_re = group.v_re[at];
    const Vec v_im = group.v_im[at];
    const Vec inverse_square = 1.0 / fma(v_re, v_re, v_im * v_im);
    const Vec p = group.p[at] * inverse_square;
    const Vec q = group.q[at] * inverse_square;
    const Vec i_re = fma(p, v_re, q * v_im);  // conj(S / V)
    const Vec i_im = fms(p, v_im, q * v_re);
    const Vec unit_re = v_re * inverse_square;
    const Vec unit_im = v_im * inverse_square;
    Vec d_re = group.g[at];
    Vec d_im = group.b[at];
    Vec e_re = fms(i_re, unit_re, i_im * unit_im);
    Vec e_im = fma(i_re, unit_im, i_im * unit_re);
    Vec a_re = -2.0 * i_re;
    Vec a_im = -2.0 * i_im;
    if (has_current) {
      const Vec inverse = sqrt(inverse_square);
      const Vec half_p = 0.5 * (group.p_current[at] * inverse);
      const Vec half_q = 0.5 * (group.q_current[at] * inverse);
      const Vec half_re = fma(half_p, v_re, half_q * v_im);  // conj(S) V / (2 |V|)
      const Vec half_im = fms(half_p, v_im, half_q * v_re);
      a_re = fma(broadcast(-2.0), half_re, a_re);
      a_im = fma(broadcast(-2.0), half_im, a_im);
      d_re -= half_p;
      d_im += half_q;
      e_re += fms(half_re, unit_re, half_im * unit_im);
      e_im += fma(half_re, unit_im, half_im * unit_re);
    }
    row.a_re[k] = a_re;
    row.a_im[k] = a_im;
    row.k_rr[k] = d_re + e_re;
    row.k_ri[k] = e_im - d_im;
    row.k_ir[k] = e_im + d_im;
    row.k_ii[k] = d_re - e_re;
    row.inverse_square[k] = inverse_square;
  }
}

// The same of a node that nothing is injected into: it draws what its shunts do.
template <int kVec>
inline void linearise_bare(const Group<kVec>& group, TreeRow<kVec>& row, int i) noexcept {
  for (int k = 0; k < kVec; ++k) {
    const Vec g = group.g[i * kVec + k];
    const Vec b = group.b[i * kVec + k];
    row.a_re[k] = row.a_im[k] = Vec{};
    row.k_rr[k] = row.k_ii[k] = g;
    row.k_ri[k] = -b;
    row.k_ir[k] = b;
  }
}

// From the last node of a block to its first: rows become J = a + K V_parent. `lowest` keeps the
// smallest determinant of a B, which is negative on the solutions of low voltage: a radial line
// reaches the end of what it can carry where it is zero.
template <int kVec>
void eliminate(const TreeView& plan, const Group<kVec>& group, int first, int last,
               Vec* lowest) noexcept {
  const TreeScratch<kVec> scratch = tree_scratch(plan, group);
  Vec least[kVec];
  for (int k = 0; k < kVec; ++k) least[k] = lowest[k];
  for (int i = last - 1; i >= first; --i) {
    if (plan.parent[i] < 0) continue;
    TreeRow<kVec>& row = scratch.rows[i];
    TreeRow<kVec>& parent = scratch.rows[plan.parent[i]];
    for (int k = 0; k < kVec; ++k) {
      const Series branch = series(plan, scratch.taps, i, k);
      const Vec k_rr = row.k_rr[k], k_ri = row.k_ri[k], k_ir = row.k_ir[k], k_ii = row.k_ii[k];
      const Vec one = broadcast(1.0);
      const Vec b_rr = fma(k_rr, branch.z_re, fma(k_ri, branch.z_im, one));
      const Vec b_ri = fms(k_ri, branch.z_re, k_rr * branch.z_im);
      const Vec b_ir = fma(k_ir, branch.z_re, k_ii * branch.z_im);
      const Vec b_ii = fma(k_ii, branch.z_re, fnma(k_ir, branch.z_im, one));
      const Vec determinant = fms(b_rr, b_ii, b_ri * b_ir);
      const Vec scale = 1.0 / determinant;
      const Vec scale_t = scale * branch.t;
      least[k] = min(least[k], determinant);
      const Vec a_re = scale * fms(b_ii, row.a_re[k], b_ri * row.a_im[k]);
      const Vec a_im = scale * fms(b_rr, row.a_im[k], b_ir * row.a_re[k]);
      row.a_re[k] = a_re;
      row.a_im[k] = a_im;
      row.k_rr[k] = scale_t * fms(b_ii, k_rr, b_ri * k_ir);
      row.k_ri[k] = scale_t * fms(b_ii, k_ri, b_ri * k_ii);
      row.k_ir[k] = scale_t * fms(b_rr, k_ir, b_ir * k_rr);
      row.k_ii[k] = scale_t * fms(b_rr, k_ii, b_ir * k_ri);
      parent.a_re[k] = fma(branch.t, a_re, parent.a_re[k]);
      parent.a_im[k] = fma(branch.t, a_im, parent.a_im[k]);
      parent.k_rr[k] = fma(branch.t, row.k_rr[k], parent.k_rr[k]);
      parent.k_ri[k] = fma(branch.t, row.k_ri[k], parent.k_ri[k]);
      parent.k_ir[k] = fma(branch.t, row.k_ir[k], parent.k_ir[k]);
      parent.k_ii[k] = fma(branch.t, row.k_ii[k], parent.k_ii[k]);
    }
  }
  for (int k = 0; k < kVec; ++k) lowest[k] = least[k];
}

template <int kVec>
struct Step {
  Vec mismatch[kVec];  // the largest [p.u.]; NaN if any voltage is not finite
  Vec square[kVec];    // the largest |V - V_old|^2 / |V_old|^2
  Vec inverse[kVec];   // the least 1 / |V_old|^2
};

// From the sources to the leaves: the voltages of `active` lanes. Branches and linearised draws
// then hold exactly, so that the mismatch of a node is what linearising left out of its draw: with
// u = V / V_old, S (1 - u)^2 of constant power and S |V_old| (|u| - u - (|u|^2 - u^2) / 2) of
// constant current.
template <int kVec>
void forward(const TreeView& plan, const Group<kVec>& group, const Mask* active, bool is_damped,
             Step<kVec>& step) noexcept {
  const TreeScratch<kVec> scratch = tree_scratch(plan, group);
  const bool has_current = group.p_current != nullptr;
  Vec largest[kVec], square[kVec], guard[kVec], inverse[kVec];
  Mask mask[kVec];
  for (int k = 0; k < kVec; ++k) {
    inverse[k] = broadcast(1.0);
    largest[k] = square[k] = guard[k] = Vec{};
    mask[k] = active[k];
  }
  for (int i = 0; i < plan.n_node; ++i) {
    if (plan.parent[i] < 0) continue;
    const TreeRow<kVec>& row = scratch.rows[i];
    const int parent = plan.parent[i] * kVec;
    const bool is_exact = plan.is_bare[i] != 0 && !is_damped;  // what it draws is linear
    for (int k = 0; k < kVec; ++k) {
      const int at = i * kVec + k;
      const Series branch = series(plan, scratch.taps, i, k);
      const Vec parent_re = group.v_re[parent + k];
      const Vec parent_im = group.v_im[parent + k];
      const Vec j_re = fma(row.k_rr[k], parent_re, fma(row.k_ri[k], parent_im, row.a_re[k]));
      const Vec j_im = fma(row.k_ir[k], parent_re, fma(row.k_ii[k], parent_im, row.a_im[k]));
      const Vec v_re = fma(branch.z_im, j_im, fnma(branch.z_re, j_re, branch.t * parent_re));
      const Vec v_im = fnma(branch.z_im, j_re, fnma(branch.z_re, j_im, branch.t * parent_im));

      const Vec old_re = group.v_re[at];
      const Vec old_im = group.v_im[at];
      group.v_re[at] = select(mask[k], v_re, old_re);
      group.v_im[at] = select(mask[k], v_im, old_im);
      if (is_exact) continue;
      const Vec d_re = (old_re - v_re) * row.inverse_square[k];
      const Vec d_im = (old_im - v_im) * row.inverse_square[k];
      const Vec e_re = fma(d_re, old_re, d_im * old_im);  // 1 - u
      const Vec e_im = fms(d_im, old_re, d_re * old_im);
      const Vec s_re = fms(e_re, e_re, e_im * e_im);
      const Vec s_im = 2.0 * (e_re * e_im);
      Vec p = fms(group.p[at], s_re, group.q[at] * s_im);
      Vec q = fma(group.p[at], s_im, group.q[at] * s_re);
      if (has_current) {
        const Vec magnitude = sqrt(fma(old_re, old_re, old_im * old_im));
        const Vec u_re = 1.0 - e_re;
        const Vec x_re = sqrt(fma(u_re, u_re, e_im * e_im)) - fma(e_im, e_im, u_re);
        const Vec x_im = e_im * e_re;
        const Vec p_current = group.p_current[at] * magnitude;
        const Vec q_current = group.q_current[at] * magnitude;
        p += fms(p_current, x_re, q_current * x_im);
        q += fma(p_current, x_im, q_current * x_re);
      }
      largest[k] = max(largest[k], max(abs(p), abs(q)));
      square[k] = max(square[k], fma(e_re, e_re, e_im * e_im));
      inverse[k] = min(inverse[k], row.inverse_square[k]);
      guard[k] = fma(p, Vec{}, guard[k]);
    }
  }
  for (int k = 0; k < kVec; ++k) {
    step.mismatch[k] = largest[k] + guard[k];
    step.square[k] = square[k];
    step.inverse[k] = inverse[k];
  }
}

// Damped steps change no voltage by more than this part of it. Mixtures of voltages that obey the
// branches obey them as well, and a lane ends with a whole step only.
constexpr double kTreeLongestStep = 0.1;

// Of no voltage beyond this [p.u.] is a step trusted: its square may overflow, and then its loads
// would count for nothing.
constexpr double kTreeHighestVoltage = 1e12;

template <int kVec>
void shorten(const TreeView& plan, const Group<kVec>& group, const Mask* active,
             const Vec* square) noexcept {
  const TreeScratch<kVec> scratch = tree_scratch(plan, group);
  Vec part[kVec];
  for (int k = 0; k < kVec; ++k) {
    const Vec limit = kTreeLongestStep / sqrt(square[k]);
    part[k] = select(active[k] & (limit < 1.0), limit, broadcast(1.0));
  }
  for (int at = 0; at < plan.n_node * kVec; ++at) {
    const Mask is_short = part[at % kVec] < 1.0;
    const Vec re = group.v_re[at];
    const Vec im = group.v_im[at];
    const Vec mixed_re = fma(part[at % kVec], re - scratch.old_re[at], scratch.old_re[at]);
    const Vec mixed_im = fma(part[at % kVec], im - scratch.old_im[at], scratch.old_im[at]);
    group.v_re[at] = select(is_short, mixed_re, re);
    group.v_im[at] = select(is_short, mixed_im, im);
  }
}

template <int kVec>
void iterate(const TreeView& plan, const Group<kVec>& group, Newton<kVec>& newton) noexcept {
  const TreeScratch<kVec> scratch = tree_scratch(plan, group);
  const Vec infinity = broadcast(__builtin_inf());
  Mask active[kVec];
  bool is_any = false;
  for (int k = 0; k < kVec; ++k) {
    active[k] = newton.active[k];
    newton.converged[k] = Mask{};
    newton.mismatch[k] = infinity;
    is_any |= any(active[k]);
  }
  hold_sources(plan, group, active);
  for (int n = 0; n < newton.max_iterations && is_any; ++n) {
    if (newton.is_damped) {
      for (int at = 0; at < plan.n_node * kVec; ++at) {
        scratch.old_re[at] = group.v_re[at];
        scratch.old_im[at] = group.v_im[at];
      }
    }
    Vec lowest[kVec];
    for (int k = 0; k < kVec; ++k) lowest[k] = broadcast(1.0);
    Step<kVec> step;
    each_block(
        plan,
        [&](int i) {
          if (plan.is_bare[i] != 0 && !newton.is_damped) {
            linearise_bare(group, scratch.rows[i], i);
          } else {
            linearise(group, scratch.rows[i], i);
          }
        },
        [&](int first, int last) { eliminate(plan, group, first, last, lowest); });
    forward(plan, group, active, newton.is_damped, step);
    if (newton.is_damped) shorten(plan, group, active, step.square);
    is_any = false;
    for (int k = 0; k < kVec; ++k) {
      const Vec mismatch = step.mismatch[k];
      constexpr double least = 1.0 / (kTreeHighestVoltage * kTreeHighestVoltage);
      const Mask is_finite = (mismatch < infinity) & (step.inverse[k] > least);
      newton.mismatch[k] = select(active[k] & is_finite, mismatch, newton.mismatch[k]);
      newton.iterations[k] += select(active[k], broadcast(1.0), Vec{});
      Mask is_small = active[k] & is_finite & (mismatch < newton.tolerance);
      if (newton.is_damped) is_small &= ~(kTreeLongestStep / sqrt(step.square[k]) < 1.0);
      const Mask is_refused = newton.is_low_refused ? is_small & ~(lowest[k] > 0.0) : Mask{};
      newton.converged[k] |= is_small & ~is_refused;
      active[k] &= is_finite & ~is_small;
      is_any |= any(active[k]);
    }
  }
}

}  // namespace
}  // namespace powergrid
