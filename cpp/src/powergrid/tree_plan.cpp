#include "tree_plan.hpp"

#include <cmath>
#include <cstdlib>
#include <utility>

#include "plan_numbers.hpp"

namespace powergrid {
namespace {

// Which branches in service end at each node: those of node i are entries start[i] to start[i + 1].
struct Adjacency {
  std::vector<std::int32_t> branch;
  std::vector<std::size_t> start;

  explicit Adjacency(const NetworkData& data) : start(data.p_fixed_pu.size() + 1) {
    const std::size_t n_branch = data.from_node.size();
    for (std::size_t i = 0; i < n_branch; ++i) {
      if (data.from_node[i] < 0) continue;
      ++start[index(data.from_node[i]) + 1];
      ++start[index(data.to_node[i]) + 1];
    }
    for (std::size_t i = 1; i < start.size(); ++i) start[i] += start[i - 1];
    branch.resize(start.back());
    std::vector<std::size_t> next(start.begin(), start.end() - 1);
    for (std::size_t i = 0; i < n_branch; ++i) {
      if (data.from_node[i] < 0) continue;
      branch[next[index(data.from_node[i])]++] = count(i);
      branch[next[index(data.to_node[i])]++] = count(i);
    }
  }
};

struct Step {
  std::int32_t node;
  std::int32_t parent;  // position
  std::int32_t branch;
  std::int32_t controlled;
};

// A walk in depth-first pre-order from every source. A node met twice is visited twice, and no more
// steps are taken than there are nodes, so that loops end and show.
std::vector<Step> walk(const NetworkData& data) {
  const Adjacency adjacency(data);
  const std::size_t n_node = data.p_fixed_pu.size();
  std::vector<Step> steps;
  std::vector<Step> waiting;
  for (std::size_t row = data.controlled_node.size(); row-- > 0;) {
    if (data.is_source[row] != 0 && data.controlled_node[row] >= 0)
      waiting.push_back({data.controlled_node[row], -1, -1, count(row)});
  }
  while (!waiting.empty() && steps.size() <= n_node) {
    const Step step = waiting.back();
    waiting.pop_back();
    const std::int32_t position = count(steps.size());
    steps.push_back(step);
    const std::size_t first = adjacency.start[index(step.node)];
    for (std::size_t i = adjacency.start[index(step.node) + 1]; i-- > first;) {
      const std::int32_t branch = adjacency.branch[i];
      if (branch == step.branch) continue;
      const bool is_from = data.from_node[index(branch)] == step.node;
      const std::int32_t other =
          is_from ? data.to_node[index(branch)] : data.from_node[index(branch)];
      waiting.push_back({other, position, branch, -1});
    }
  }
  return steps;
}

bool is_tap_in_service(const NetworkData& data, std::size_t row) {
  return data.tap_branch[row] >= 0 && data.from_node[index(data.tap_branch[row])] >= 0;
}

bool shifts_phase(const NetworkData& data, std::size_t row) {
  const double angle = data.tap_angle_degree[row];
  // A shifter turns by parts of its angle as well, a voltage added by its own direction alone.
  if (data.tap_kind[row] == TapKind::kShifter) return angle != 0.0;
  return std::fmod(angle, 180.0) != 0.0;
}

}  // namespace

bool fits_tree(const NetworkData& data) {
  for (std::size_t row = 0; row < data.is_source.size(); ++row) {
    if (data.is_source[row] == 0 && data.controlled_node[row] >= 0) return false;
  }
  for (std::size_t i = 0; i < data.r_pu.size(); ++i) {
    if (data.from_node[i] < 0) continue;
    if (data.r_pu[i] != data.r_back_pu[i] || data.x_pu[i] != data.x_back_pu[i]) return false;
  }
  for (std::size_t row = 0; row < data.tap_branch.size(); ++row) {
    if (is_tap_in_service(data, row) && shifts_phase(data, row)) return false;
  }
  // Every node once: neither loops nor two sources in a part.
  const std::vector<Step> steps = walk(data);
  if (steps.size() != data.p_fixed_pu.size()) return false;
  std::vector<std::uint8_t> is_met(steps.size());
  for (const Step& step : steps) {
    if (std::exchange(is_met[index(step.node)], std::uint8_t{1}) != 0) return false;
  }
  return true;
}

TreePlan::TreePlan(const NetworkData& data) {
  const std::vector<Step> steps = walk(data);
  const std::size_t n_node = steps.size();
  std::vector<std::int32_t> tap_row(data.from_node.size(), -1);  // at most one a branch
  for (std::size_t row = 0; row < data.tap_branch.size(); ++row) {
    if (is_tap_in_service(data, row)) tap_row[index(data.tap_branch[row])] = count(row);
  }

  position.resize(n_node);
  g_branch.resize(n_node);
  b_branch.resize(n_node);
  is_at_tap.resize(n_node);
  for (const Step& step : steps) {
    const std::size_t at = node.size();
    node.push_back(step.node);
    position[index(step.node)] = count(at);
    parent.push_back(step.parent);
    branch.push_back(step.branch);
    controlled.push_back(step.controlled);
    if (step.parent < 0) {
      rotation_degree.push_back(data.controlled_va_degree[index(step.controlled)]);
      is_from_child.push_back(0);
      tap.push_back(-1);
      for (auto* value : {&t, &z_re, &z_im, &g_parent, &b_parent, &g_child, &b_child}) {
        value->push_back(0.0);
      }
      continue;
    }
    const std::size_t i = index(step.branch);
    const std::size_t above = index(step.parent);
    const bool from_child = data.from_node[i] == step.node;
    is_from_child.push_back(from_child ? 1 : 0);
    const double shift = data.shift_degree[i];
    rotation_degree.push_back(
        std::remainder(rotation_degree[above] + (from_child ? shift : -shift), 360.0));

    // Seen from the to end, the from shunt and the impedance lie behind the ideal transformer.
    const double ratio = data.ratio[i];
    const double z_scale = from_child ? ratio * ratio : 1.0;
    const double y_scale = 1.0 / (ratio * ratio);
    t.push_back(from_child ? ratio : 1.0 / ratio);
    z_re.push_back(data.r_pu[i] * z_scale);
    z_im.push_back(data.x_pu[i] * z_scale);
    (from_child ? g_child : g_parent).push_back(data.g_from_pu[i] * y_scale);
    (from_child ? b_child : b_parent).push_back(data.b_from_pu[i] * y_scale);
    (from_child ? g_parent : g_child).push_back(data.g_to_pu[i]);
    (from_child ? b_parent : b_child).push_back(data.b_to_pu[i]);
    if (tap_row[i] < 0) {
      tap.push_back(-1);
      g_branch[above] += g_parent.back();
      b_branch[above] += b_parent.back();
      g_branch[at] += g_child.back();
      b_branch[at] += b_child.back();
      continue;
    }
    tap.push_back(count(taps.size()));
    is_at_tap[at] = 1;
    is_at_tap[above] = 1;
    taps.push_back({.position = count(at),
                    .row = tap_row[i],
                    .is_to = data.tap_is_to[index(tap_row[i])] != 0,
                    .is_from_child = from_child,
                    .ratio = ratio,
                    .r = data.r_pu[i],
                    .x = data.x_pu[i],
                    .g_from = data.g_from_pu[i],
                    .b_from = data.b_from_pu[i],
                    .g_to = data.g_to_pu[i],
                    .b_to = data.b_to_pu[i]});
  }

  is_early.resize(n_node);
  for (std::size_t at = 0; at < n_node; ++at) {
    if (parent[at] >= 0 && parent[at] / kTreeBlock != count(at) / kTreeBlock) {
      is_early[index(parent[at])] = 1;
    }
  }
  for (std::size_t at = 0; at < n_node; ++at) {
    if (is_early[at] != 0) early.push_back(count(at));
  }
}

TreeView TreePlan::view() const noexcept {
  return {.n_node = count(node.size()),
          .n_tap = count(taps.size()),
          .parent = parent.data(),
          .branch = branch.data(),
          .is_from_child = is_from_child.data(),
          .controlled = controlled.data(),
          .tap = tap.data(),
          .t = t.data(),
          .z_re = z_re.data(),
          .z_im = z_im.data(),
          .g_parent = g_parent.data(),
          .b_parent = b_parent.data(),
          .g_child = g_child.data(),
          .b_child = b_child.data(),
          .early = early.data(),
          .is_early = is_early.data(),
          .n_early = count(early.size()),
          .taps = taps.data()};
}

std::unique_ptr<const TreePlan> make_tree_plan(const NetworkData& data) {
  return std::make_unique<const TreePlan>(data);
}

}  // namespace powergrid
