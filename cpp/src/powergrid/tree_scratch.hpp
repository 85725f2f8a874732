#pragma once

#include "group.hpp"
#include "tree_plan.hpp"

// What the tree method keeps of a group, and how it walks over the nodes.
namespace powergrid {
namespace {

template <int kVec>
struct TreeRow {
  Vec a_re[kVec], a_im[kVec];
  Vec k_rr[kVec], k_ri[kVec];  // real part from the real and imaginary parts of the voltage
  Vec k_ir[kVec], k_ii[kVec];
  Vec inverse_square[kVec];  // 1 / |V|^2 where the loads were linearised
};

// A branch with tap changers at its lanes' positions: as in TreeView.
template <int kVec>
struct TreeTapRow {
  Vec t[kVec], z_re[kVec], z_im[kVec];
  Vec g_parent[kVec], b_parent[kVec];
  Vec g_child[kVec], b_child[kVec];
};

struct Series {
  Vec t, z_re, z_im;
};

template <int kVec>
struct TreeScratch {
  TreeRow<kVec>* rows;  // (n_node)
  Vec* old_re;          // voltages before a damped step, (n_node)
  Vec* old_im;
  TreeTapRow<kVec>* taps;  // (n_tap)
};

inline std::size_t scratch_size(const TreeView& plan) noexcept {
  return static_cast<std::size_t>(plan.n_node) * (sizeof(TreeRow<1>) / sizeof(Vec) + 2) +
         static_cast<std::size_t>(plan.n_tap) * (sizeof(TreeTapRow<1>) / sizeof(Vec));
}

template <int kVec>
TreeScratch<kVec> tree_scratch(const TreeView& plan, const Group<kVec>& group) noexcept {
  TreeScratch<kVec> scratch;
  scratch.rows = static_cast<TreeRow<kVec>*>(group.scratch);
  scratch.old_re = reinterpret_cast<Vec*>(scratch.rows + plan.n_node);
  scratch.old_im = scratch.old_re + plan.n_node * kVec;
  scratch.taps = reinterpret_cast<TreeTapRow<kVec>*>(scratch.old_im + plan.n_node * kVec);
  return scratch;
}

template <int kVec>
inline Series series(const TreeView& plan, const TreeTapRow<kVec>* taps, int i, int k) noexcept {
  const int tap = plan.tap[i];
  if (tap < 0) return {broadcast(plan.t[i]), broadcast(plan.z_re[i]), broadcast(plan.z_im[i])};
  return {taps[tap].t[k], taps[tap].z_re[k], taps[tap].z_im[k]};
}

// Calls block(first, last) for blocks of nodes from the leaves to the sources, after node(i) was
// called for all of its nodes: before them all for those to which later blocks add.
template <class Node, class Block>
inline void each_block(const TreeView& plan, Node node, Block block) noexcept {
  for (int n = 0; n < plan.n_early; ++n) node(plan.early[n]);
  int last = plan.n_node;
  while (last > 0) {
    const int first = (last - 1) / kTreeBlock * kTreeBlock;
    for (int i = first; i < last; ++i) {
      if (plan.is_early[i] == 0) node(i);
    }
    block(first, last);
    last = first;
  }
}

}  // namespace
}  // namespace powergrid
