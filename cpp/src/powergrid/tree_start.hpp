#pragma once

#include "tree_scratch.hpp"

// What comes before the tree method's first step: tap changers and the voltages without load.
namespace powergrid {
namespace {

// Branches at the positions of their tap changers, whose shunts are added to the nodes'.
template <int kVec>
void prepare(const TreeView& plan, const Group<kVec>& group) noexcept {
  TreeTapRow<kVec>* rows = tree_scratch(plan, group).taps;
  for (int tap = 0; tap < plan.n_tap; ++tap) {
    const TreeTap& branch = plan.taps[tap];
    const int child = branch.position;
    const int parent = plan.parent[child];
    for (int k = 0; k < kVec; ++k) {
      const Vec m = group.tap_m_re[branch.row * kVec + k];
      const Vec square = m * m;
      // Impedance and shunts belong to the winding of the to end.
      const Vec ratio = branch.is_to ? branch.ratio / m : branch.ratio * m;
      const Vec z_scale = branch.is_to ? square : broadcast(1.0);
      const Vec y_scale = branch.is_to ? 1.0 / square : broadcast(1.0);
      const Vec z_re = branch.r * z_scale;
      const Vec z_im = branch.x * z_scale;
      const Vec y_from_scale = y_scale / (ratio * ratio);
      const Vec g_from = branch.g_from * y_from_scale;
      const Vec b_from = branch.b_from * y_from_scale;
      const Vec g_to = branch.g_to * y_scale;
      const Vec b_to = branch.b_to * y_scale;
      TreeTapRow<kVec>& row = rows[tap];
      if (branch.is_from_child) {
        row.t[k] = ratio;
        row.z_re[k] = z_re * (ratio * ratio);
        row.z_im[k] = z_im * (ratio * ratio);
      } else {
        row.t[k] = 1.0 / ratio;
        row.z_re[k] = z_re;
        row.z_im[k] = z_im;
      }
      row.g_parent[k] = branch.is_from_child ? g_to : g_from;
      row.b_parent[k] = branch.is_from_child ? b_to : b_from;
      row.g_child[k] = branch.is_from_child ? g_from : g_to;
      row.b_child[k] = branch.is_from_child ? b_from : b_to;
      group.g[parent * kVec + k] += row.g_parent[k];
      group.b[parent * kVec + k] += row.b_parent[k];
      group.g[child * kVec + k] += row.g_child[k];
      group.b[child * kVec + k] += row.b_child[k];
    }
  }
}

// Sources at their set-points.
template <int kVec>
void hold_sources(const TreeView& plan, const Group<kVec>& group, const Mask* mask) noexcept {
  for (int i = 0; i < plan.n_node; ++i) {
    const int row = plan.controlled[i];
    if (row < 0) continue;
    for (int k = 0; k < kVec; ++k) {
      Vec& re = group.v_re[i * kVec + k];
      Vec& im = group.v_im[i * kVec + k];
      re = select(mask[k], group.vm_set[row * kVec + k], re);
      im = select(mask[k], Vec{}, im);
    }
  }
}

template <int kVec>
void flat_start(const TreeView& plan, const Group<kVec>& group, const Mask* mask) noexcept {
  const TreeTapRow<kVec>* taps = tree_scratch(plan, group).taps;
  hold_sources(plan, group, mask);
  for (int i = 0; i < plan.n_node; ++i) {
    const int parent = plan.parent[i];
    if (parent < 0) continue;
    for (int k = 0; k < kVec; ++k) {
      const Vec t = series(plan, taps, i, k).t;
      Vec& re = group.v_re[i * kVec + k];
      Vec& im = group.v_im[i * kVec + k];
      re = select(mask[k], t * group.v_re[parent * kVec + k], re);
      im = select(mask[k], t * group.v_im[parent * kVec + k], im);
    }
  }
}

}  // namespace
}  // namespace powergrid
