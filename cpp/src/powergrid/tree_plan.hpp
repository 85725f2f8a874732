#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "powergrid/network.hpp"

namespace powergrid {

// Nodes that a backward pass takes together, so that what it writes of them is still in the cache
// when it reads it.
inline constexpr std::int32_t kTreeBlock = 128;

// A branch whose tap changer moves its ratio, impedance and shunts: the values at neutral.
struct TreeTap {
  std::int32_t position;  // of its lower node
  std::int32_t row;       // of Batch::tap_pos
  bool is_to;             // the changer is on the winding of the to end
  bool is_from_child;     // the lower node is the from end
  double ratio;
  double r, x;            // series impedance [p.u.]
  double g_from, b_from;  // shunts [p.u.]
  double g_to, b_to;
};

// What the kernels read of a plan: plain pointers, because kernels call nothing inline.
//
// A node's position is its place in a depth-first order in which parents come before children.
// The branch above a node obeys V = t V_parent - z J, with a real t: each node's voltage is taken
// in a frame turned by the phase shifts between it and its source, so that sources are real.
// J [p.u.] is the current that leaves the series impedance into the node, whose parent gives t J.
struct TreeView {
  std::int32_t n_node;
  std::int32_t n_tap;                 // tapped branches
  const std::int32_t* parent;         // position, -1 for a source, (n_node)
  const std::int32_t* branch;         // above the node, -1 for a source, (n_node)
  const std::uint8_t* is_from_child;  // 1 where the node is its branch's from end, (n_node)
  const std::int32_t* controlled;     // row of a source, else -1, (n_node)
  const std::int32_t* tap;            // tapped branch above the node, else -1, (n_node)
  const double* t;                    // of branches without taps, (n_node)
  const double* z_re;                 // [p.u.], (n_node)
  const double* z_im;
  const double* g_parent;  // branch shunts at the upper end, (n_node)
  const double* b_parent;
  const double* g_child;  // and at the lower
  const double* b_child;
  // Nodes with a child in a later block, which a backward pass reaches first, (n_early)
  const std::int32_t* early;
  const std::uint8_t* is_early;  // (n_node)
  std::int32_t n_early;
  const std::uint8_t* is_bare;  // 1 where no lane injects anything, (n_node)
  const TreeTap* taps;          // (n_tap)
};

// A radial network in the order in which Newton's method on the tree walks it.
struct TreePlan {
  explicit TreePlan(const NetworkData& data);
  TreePlan(const TreePlan&) = delete;
  TreePlan& operator=(const TreePlan&) = delete;

  [[nodiscard]] TreeView view() const noexcept;

  std::vector<std::int32_t> node;       // at a position, (n_node)
  std::vector<std::int32_t> position;   // of a node, (n_node)
  std::vector<double> rotation_degree;  // of the node's frame, by position, (n_node)
  // Shunts of the branches without taps, summed at each end, by position, (n_node)
  std::vector<double> g_branch;
  std::vector<double> b_branch;
  std::vector<std::uint8_t> is_at_tap;  // 1 where a tapped branch ends, by position, (n_node)

  // As in TreeView.
  std::vector<std::int32_t> parent, branch, controlled, tap, early;
  std::vector<std::uint8_t> is_from_child, is_early, is_bare;
  std::vector<double> t, z_re, z_im;
  std::vector<double> g_parent, b_parent, g_child, b_child;
  std::vector<TreeTap> taps;
};

// Whether the tree method solves this network: every part has one source and no loop, no voltage is
// held inside, branches look alike from both ends and no tap changer shifts the phase. The data
// must have passed the checks of Network.
[[nodiscard]] bool fits_tree(const NetworkData& data);

// The plan of a network that fits.
[[nodiscard]] std::unique_ptr<const TreePlan> make_tree_plan(const NetworkData& data);

}  // namespace powergrid
