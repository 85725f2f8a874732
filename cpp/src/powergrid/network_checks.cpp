#include "network_checks.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "powergrid/batch.hpp"
#include "powergrid/error.hpp"

namespace powergrid {
namespace {

using Doubles = std::pair<std::string_view, const std::vector<double>*>;

std::string entry(std::string_view field, std::size_t row) {
  return std::string(field) + "[" + std::to_string(row) + "]";
}

void check_length(std::string_view field, std::size_t length, std::size_t expected,
                  std::string_view what) {
  if (length == expected) return;
  throw InvalidArgument(std::string(field) + " has " + std::to_string(length) +
                        " values, expected " + std::to_string(expected) + ": one for each " +
                        std::string(what));
}

// One group of columns: as many values as the group has rows, and each finite.
void check_columns(std::span<const Doubles> columns, std::size_t n_row, std::string_view what) {
  for (const auto& [field, values] : columns) {
    check_length(field, values->size(), n_row, what);
    for (std::size_t row = 0; row < n_row; ++row) {
      if (!std::isfinite((*values)[row])) {
        throw InvalidArgument(entry(field, row) + " is " + std::to_string((*values)[row]) +
                              ", expected a finite number");
      }
    }
  }
}

void check_positive(std::string_view field, const std::vector<double>& values) {
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (!(values[row] > 0.0)) {
      throw InvalidArgument(entry(field, row) + " is " + std::to_string(values[row]) +
                            ", expected more than 0");
    }
  }
}

// Numbers that no lane changes keep to the limit of those that lanes do.
void check_size(std::string_view field, const std::vector<double>& values) {
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (!(std::abs(values[row]) <= kLargestInputPu)) {
      throw InvalidArgument(entry(field, row) + " is " + std::to_string(values[row]) +
                            ", expected at most 1e9 in magnitude");
    }
  }
}

void check_indices(std::string_view field, const std::vector<std::int32_t>& values,
                   std::int32_t first, std::size_t n, std::string_view what) {
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (values[row] < first || (values[row] >= 0 && static_cast<std::size_t>(values[row]) >= n)) {
      throw InvalidArgument(entry(field, row) + " is " + std::to_string(values[row]) +
                            ", but the " + std::string(what) + " are 0.." + std::to_string(n) +
                            " exclusive" + (first < 0 ? ", or -1 for none" : ""));
    }
  }
}

void check_nodes(const NetworkData& data) {
  const std::size_t n_node = data.p_fixed_pu.size();
  const std::array<Doubles, 6> columns{{{"p_fixed_pu", &data.p_fixed_pu},
                                        {"q_fixed_pu", &data.q_fixed_pu},
                                        {"g_shunt_pu", &data.g_shunt_pu},
                                        {"b_shunt_pu", &data.b_shunt_pu},
                                        {"start_vm_pu", &data.start_vm_pu},
                                        {"start_va_degree", &data.start_va_degree}}};
  check_columns(columns, n_node, "node");
  check_size("p_fixed_pu", data.p_fixed_pu);
  check_size("q_fixed_pu", data.q_fixed_pu);
  check_positive("start_vm_pu", data.start_vm_pu);
  check_indices("node_of_bus", data.node_of_bus, -1, n_node, "nodes");
}

void check_controlled(const NetworkData& data) {
  const std::size_t n = data.controlled_node.size();
  const std::array<Doubles, 2> columns{{{"controlled_vm_pu", &data.controlled_vm_pu},
                                        {"controlled_va_degree", &data.controlled_va_degree}}};
  check_columns(columns, n, "controlled node");
  check_length("is_source", data.is_source.size(), n, "controlled node");
  check_positive("controlled_vm_pu", data.controlled_vm_pu);
  const std::size_t n_node = data.p_fixed_pu.size();
  check_indices("controlled_node", data.controlled_node, -1, n_node, "nodes");
  std::vector<bool> is_held(n_node, false);
  for (std::size_t row = 0; row < n; ++row) {
    if (data.controlled_node[row] < 0) continue;
    const auto node = static_cast<std::size_t>(data.controlled_node[row]);
    if (is_held[node]) {
      throw InvalidArgument(entry("controlled_node", row) + ": the voltage of node " +
                            std::to_string(node) + " is held twice; give each node one row");
    }
    is_held[node] = true;
  }
}

void check_branches(const NetworkData& data) {
  const std::size_t n = data.from_node.size();
  const std::size_t n_node = data.p_fixed_pu.size();
  check_length("to_node", data.to_node.size(), n, "branch");
  const std::array<Doubles, 12> columns{{{"r_pu", &data.r_pu},
                                         {"x_pu", &data.x_pu},
                                         {"r_back_pu", &data.r_back_pu},
                                         {"x_back_pu", &data.x_back_pu},
                                         {"g_from_pu", &data.g_from_pu},
                                         {"b_from_pu", &data.b_from_pu},
                                         {"g_to_pu", &data.g_to_pu},
                                         {"b_to_pu", &data.b_to_pu},
                                         {"ratio", &data.ratio},
                                         {"shift_degree", &data.shift_degree},
                                         {"loading_from", &data.loading_from},
                                         {"loading_to", &data.loading_to}}};
  check_columns(columns, n, "branch");
  check_indices("from_node", data.from_node, -1, n_node, "nodes");
  check_indices("to_node", data.to_node, -1, n_node, "nodes");
  for (std::size_t row = 0; row < n; ++row) {
    if ((data.from_node[row] < 0) != (data.to_node[row] < 0)) {
      throw InvalidArgument("branch " + std::to_string(row) +
                            " has only one end; a branch out of service has -1 at both");
    }
  }
  check_positive("ratio", data.ratio);
}

void check_taps(const NetworkData& data) {
  const std::size_t n = data.tap_branch.size();
  check_length("tap_is_to", data.tap_is_to.size(), n, "tap changer");
  check_length("tap_kind", data.tap_kind.size(), n, "tap changer");
  check_length("tap_pos", data.tap_pos.size(), n, "tap changer");
  const std::array<Doubles, 3> columns{{{"tap_neutral", &data.tap_neutral},
                                        {"tap_step", &data.tap_step},
                                        {"tap_angle_degree", &data.tap_angle_degree}}};
  check_columns(columns, n, "tap changer");
  check_indices("tap_branch", data.tap_branch, -1, data.from_node.size(), "branches");
  std::vector<bool> has_changer(data.from_node.size(), false);
  for (std::size_t row = 0; row < n; ++row) {
    if (data.tap_branch[row] < 0) continue;
    const auto branch = static_cast<std::size_t>(data.tap_branch[row]);
    if (has_changer[branch]) {
      throw InvalidArgument(entry("tap_branch", row) + ": branch " + std::to_string(branch) +
                            " has two tap changers, expected at most one");
    }
    has_changer[branch] = true;
    if (!std::isfinite(data.tap_pos[row])) {
      throw InvalidArgument(entry("tap_pos", row) + " is " + std::to_string(data.tap_pos[row]) +
                            ", expected a position");
    }
    if (data.tap_kind[row] != TapKind::kRatio && data.tap_kind[row] != TapKind::kShifter) {
      throw InvalidArgument(entry("tap_kind", row) + " is " +
                            std::to_string(static_cast<int>(data.tap_kind[row])) +
                            ", expected 0 (ratio) or 1 (shifter)");
    }
  }
}

void check_injections(const NetworkData& data) {
  const std::size_t n = data.injection_node.size();
  const std::array<Doubles, 3> columns{
      {{"injection_scale", &data.injection_scale}, {"p_mw", &data.p_mw}, {"q_mvar", &data.q_mvar}}};
  check_columns(columns, n, "injection");
  const std::size_t n_node = data.p_fixed_pu.size();
  check_indices("injection_node", data.injection_node, -1, n_node, "nodes");
  const std::array<Doubles, 4> shares{{{"p_current_share", &data.p_current_share},
                                       {"q_current_share", &data.q_current_share},
                                       {"p_impedance_share", &data.p_impedance_share},
                                       {"q_impedance_share", &data.q_impedance_share}}};
  check_columns(shares, data.p_current_share.empty() ? 0 : n, "injection");
}

void check_shunts(const NetworkData& data) {
  const std::array<Doubles, 3> columns{{{"shunt_g_pu", &data.shunt_g_pu},
                                        {"shunt_b_pu", &data.shunt_b_pu},
                                        {"shunt_step", &data.shunt_step}}};
  check_columns(columns, data.shunt_node.size(), "shunt");
  check_indices("shunt_node", data.shunt_node, -1, data.p_fixed_pu.size(), "nodes");
}

// Every node must have a way to a source, or its voltage would be undefined.
void check_supply(const NetworkData& data) {
  std::vector<std::vector<std::size_t>> neighbours(data.p_fixed_pu.size());
  for (std::size_t k = 0; k < data.from_node.size(); ++k) {
    if (data.from_node[k] < 0) continue;
    const auto a = static_cast<std::size_t>(data.from_node[k]);
    const auto b = static_cast<std::size_t>(data.to_node[k]);
    neighbours[a].push_back(b);
    neighbours[b].push_back(a);
  }
  std::vector<bool> is_supplied(neighbours.size(), false);
  std::vector<std::size_t> todo;
  for (std::size_t row = 0; row < data.controlled_node.size(); ++row) {
    if (data.is_source[row] == 0 || data.controlled_node[row] < 0) continue;
    todo.push_back(static_cast<std::size_t>(data.controlled_node[row]));
    is_supplied[todo.back()] = true;
  }
  while (!todo.empty()) {
    const std::size_t node = todo.back();
    todo.pop_back();
    for (const std::size_t other : neighbours[node]) {
      if (is_supplied[other]) continue;
      is_supplied[other] = true;
      todo.push_back(other);
    }
  }
  for (std::size_t node = 0; node < is_supplied.size(); ++node) {
    if (!is_supplied[node]) {
      throw InvalidArgument("node " + std::to_string(node) +
                            " has no way to a source; leave nodes out of supply out of the "
                            "network, and give their buses -1 in node_of_bus");
    }
  }
}

}  // namespace

void check_network(const NetworkData& data) {
  if (!(data.base_mva > 0.0) || !std::isfinite(data.base_mva)) {
    throw InvalidArgument("base_mva is " + std::to_string(data.base_mva) +
                          ", expected a finite number above 0");
  }
  if (data.n_phase != 1) {
    throw InvalidArgument("n_phase is " + std::to_string(data.n_phase) +
                          ", but only balanced networks (1) can be solved");
  }
  if (data.p_fixed_pu.empty()) {
    throw InvalidArgument("the network has no nodes, expected at least one, with a source");
  }
  check_nodes(data);
  check_controlled(data);
  check_branches(data);
  check_taps(data);
  check_injections(data);
  check_shunts(data);
  check_supply(data);
}

namespace {

// A branch from a node to itself that asks nothing of the voltage: it is its shunts.
bool is_shunt(const NetworkData& data, std::size_t branch) {
  if (data.from_node[branch] != data.to_node[branch]) return false;
  if (data.ratio[branch] != 1.0 || std::remainder(data.shift_degree[branch], 360.0) != 0.0) {
    return false;
  }
  const auto row = static_cast<std::int32_t>(branch);
  return std::find(data.tap_branch.begin(), data.tap_branch.end(), row) == data.tap_branch.end();
}

}  // namespace

void check_admittances(const NetworkData& data) {
  for (std::size_t k = 0; k < data.from_node.size(); ++k) {
    if (data.from_node[k] < 0) continue;
    const bool has_none = (data.r_pu[k] == 0.0 && data.x_pu[k] == 0.0) ||
                          (data.r_back_pu[k] == 0.0 && data.x_back_pu[k] == 0.0);
    if (has_none && !is_shunt(data, k)) {
      throw InvalidArgument("branch " + std::to_string(k) +
                            " of a meshed network has no impedance; join its ends into one node");
    }
  }
}

}  // namespace powergrid
