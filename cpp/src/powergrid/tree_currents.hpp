#pragma once

#include "tree_scratch.hpp"

// Results of the tree method: the currents of branches, from the voltages.
namespace powergrid {
namespace {

// The current that a node really draws at its voltage, into `row`.
template <int kVec>
inline void draw(const Group<kVec>& group, TreeRow<kVec>& row, int i, bool is_bare) noexcept {
  const bool has_current = group.p_current != nullptr;
  for (int k = 0; k < kVec; ++k) {
    const int at = i * kVec + k;
    const Vec v_re = group.v_re[at];
    const Vec v_im = group.v_im[at];
    if (is_bare) {
      row.a_re[k] = fms(group.g[at], v_re, group.b[at] * v_im);
      row.a_im[k] = fma(group.g[at], v_im, group.b[at] * v_re);
      continue;
    }
    const Vec inverse_square = 1.0 / fma(v_re, v_re, v_im * v_im);
    Vec p = group.p[at] * inverse_square;
    Vec q = group.q[at] * inverse_square;
    if (has_current) {
      const Vec inverse = sqrt(inverse_square);
      p = fma(group.p_current[at], inverse, p);
      q = fma(group.q_current[at], inverse, q);
    }
    const Vec g = group.g[at] - p;  // (g + j b) V - conj(S / V)
    const Vec b = group.b[at] + q;
    row.a_re[k] = fms(g, v_re, b * v_im);
    row.a_im[k] = fma(g, v_im, b * v_re);
  }
}

// Currents into the branches above a block at both ends, and what sources in it inject.
template <int kVec>
void sum_currents(const TreeView& plan, const Group<kVec>& group, int first, int last) noexcept {
  const TreeScratch<kVec> scratch = tree_scratch(plan, group);
  for (int i = last - 1; i >= first; --i) {
    const TreeRow<kVec>& row = scratch.rows[i];
    const int above = plan.parent[i];
    if (above < 0) {
      for (int k = 0; k < kVec; ++k) {
        const int at = i * kVec + k;
        const int out = plan.controlled[i] * kVec + k;
        group.p_controlled[out] = fma(group.v_re[at], row.a_re[k], group.v_im[at] * row.a_im[k]);
        group.q_controlled[out] = fms(group.v_im[at], row.a_re[k], group.v_re[at] * row.a_im[k]);
      }
      continue;
    }
    const int tap = plan.tap[i];
    const bool is_from_child = plan.is_from_child[i] != 0;
    Vec* child_re = (is_from_child ? group.i_from_re : group.i_to_re) + plan.branch[i] * kVec;
    Vec* child_im = (is_from_child ? group.i_from_im : group.i_to_im) + plan.branch[i] * kVec;
    Vec* parent_re = (is_from_child ? group.i_to_re : group.i_from_re) + plan.branch[i] * kVec;
    Vec* parent_im = (is_from_child ? group.i_to_im : group.i_from_im) + plan.branch[i] * kVec;
    TreeRow<kVec>& parent = scratch.rows[above];
    for (int k = 0; k < kVec; ++k) {
      const int at = i * kVec + k;
      const Vec v_re = group.v_re[at];
      const Vec v_im = group.v_im[at];
      const Vec up_re = group.v_re[above * kVec + k];
      const Vec up_im = group.v_im[above * kVec + k];
      Vec t, g_parent, b_parent, g_child, b_child;
      if (tap < 0) {
        t = broadcast(plan.t[i]);
        g_parent = broadcast(plan.g_parent[i]);
        b_parent = broadcast(plan.b_parent[i]);
        g_child = broadcast(plan.g_child[i]);
        b_child = broadcast(plan.b_child[i]);
      } else {
        const TreeTapRow<kVec>& tapped = scratch.taps[tap];
        t = tapped.t[k];
        g_parent = tapped.g_parent[k];
        b_parent = tapped.b_parent[k];
        g_child = tapped.g_child[k];
        b_child = tapped.b_child[k];
      }
      // The nodes' sums hold the branch's shunts already.
      const Vec j_re = row.a_re[k];
      const Vec j_im = row.a_im[k];
      const Vec tj_re = t * j_re;
      const Vec tj_im = t * j_im;
      child_re[k] = fms(g_child, v_re, fma(b_child, v_im, j_re));
      child_im[k] = fma(g_child, v_im, fms(b_child, v_re, j_im));
      parent_re[k] = fma(g_parent, up_re, fnma(b_parent, up_im, tj_re));
      parent_im[k] = fma(g_parent, up_im, fma(b_parent, up_re, tj_im));
      parent.a_re[k] += tj_re;
      parent.a_im[k] += tj_im;
    }
  }
}

// Currents into the branches at both ends and what the sources inject, from the currents that the
// nodes really draw at these voltages: what a branch carries is what its subtree draws.
template <int kVec>
void branch_currents(const TreeView& plan, const Group<kVec>& group) noexcept {
  TreeRow<kVec>* rows = tree_scratch(plan, group).rows;
  each_block(
      plan, [&](int i) { draw(group, rows[i], i, plan.is_bare[i] != 0); },
      [&](int first, int last) { sum_currents(plan, group, first, last); });
}

}  // namespace
}  // namespace powergrid
