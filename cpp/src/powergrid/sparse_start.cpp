#include "sparse_start.hpp"

#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <queue>
#include <utility>

#include "plan_numbers.hpp"
#include "sparse_matrix.hpp"

namespace powergrid {
namespace {

// The factor of a changer at the position that the network's start voltages stand for.
SparseComplex first_factor(const NetworkData& data, std::size_t tap) {
  const double n = data.tap_pos[tap] - data.tap_neutral[tap];
  const bool is_shifter = data.tap_kind[tap] == TapKind::kShifter;
  const double degree = (is_shifter ? n : 1.0) * data.tap_angle_degree[tap];
  const std::complex<double> turn = direction(degree);
  const std::complex<double> m = is_shifter ? turn : 1.0 + n * data.tap_step[tap] * turn;
  // At a position of no voltage the start cannot be known.
  if (!is_shifter && !(m.real() > 0.0)) return {1.0, 0.0};
  return {m.real(), m.imag()};
}

// The branches that end at each node.
std::vector<std::vector<std::int32_t>> branches_at_nodes(const NetworkData& data) {
  std::vector<std::vector<std::int32_t>> branches(data.p_fixed_pu.size());
  for (std::size_t b = 0; b < data.from_node.size(); ++b) {
    if (data.from_node[b] < 0 || data.from_node[b] == data.to_node[b]) continue;
    branches[index(data.from_node[b])].push_back(count(b));
    branches[index(data.to_node[b])].push_back(count(b));
  }
  return branches;
}

SparseSupply supply_through(const NetworkData& data, std::int32_t branch, std::int32_t tap,
                            std::int32_t node) {
  const bool is_to_end = data.to_node[index(branch)] == node;
  SparseSupply supply{node, data.from_node[index(branch)], branch, tap, false, {1.0, 0.0}};
  if (!is_to_end) supply.parent = data.to_node[index(branch)];
  if (tap < 0) return supply;
  supply.is_raised = (data.tap_is_to[index(tap)] != 0) == is_to_end;
  supply.first = first_factor(data, index(tap));
  return supply;
}

}  // namespace

std::vector<SparseSupply> supply_order(const NetworkData& data, bool is_source_only) {
  const std::vector<std::int32_t> tap_of_branch = taps_of_branches(data);
  const auto branches = branches_at_nodes(data);
  const std::size_t n_node = branches.size();
  std::vector<double> distance(n_node, std::numeric_limits<double>::infinity());
  std::vector<std::int32_t> above(n_node, kNoIndex);  // branch towards the root
  using Candidate = std::pair<double, std::int32_t>;  // distance, node
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  for (std::size_t c = 0; c < data.controlled_node.size(); ++c) {
    if (data.controlled_node[c] < 0 || (is_source_only && data.is_source[c] == 0)) continue;
    distance[index(data.controlled_node[c])] = 0.0;
    queue.emplace(0.0, data.controlled_node[c]);
  }
  std::vector<SparseSupply> order;
  std::vector<bool> is_done(n_node, false);
  while (!queue.empty()) {
    const std::int32_t node = queue.top().second;
    queue.pop();
    if (is_done[index(node)]) continue;
    is_done[index(node)] = true;
    const std::int32_t branch = above[index(node)];
    if (branch >= 0) {
      order.push_back(supply_through(data, branch, tap_of_branch[index(branch)], node));
    }
    for (const std::int32_t b : branches[index(node)]) {
      const std::int32_t other =
          data.from_node[index(b)] == node ? data.to_node[index(b)] : data.from_node[index(b)];
      const double farther =
          distance[index(node)] + std::hypot(data.r_pu[index(b)], data.x_pu[index(b)]);
      if (!(farther < distance[index(other)])) continue;
      distance[index(other)] = farther;
      above[index(other)] = b;
      queue.emplace(farther, other);
    }
  }
  return order;
}

}  // namespace powergrid
