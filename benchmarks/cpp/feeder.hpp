#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "powergrid/network.hpp"

// Radial networks of any size, in the likeness of IEEE 34 with three IEEE 13 hung onto it: pieces
// of 75 nodes, each a long trunk with short laterals, and three small feeders behind transformers
// with tap changers; two regulators in the trunk; loads at two nodes of three. A further piece
// hangs on an earlier one's first node.
class Feeder {
 public:
  explicit Feeder(int n_node) {
    data.base_mva = 1.0;
    node();
    data.controlled_node = {0};
    data.is_source = {1};
    data.controlled_vm_pu = {1.02};
    data.controlled_va_degree = {0.0};
    while (size() < n_node) piece(n_node);
  }

  powergrid::NetworkData data;

 private:
  [[nodiscard]] int size() const noexcept { return static_cast<int>(data.p_fixed_pu.size()); }

  void piece(int n_node) {
    const int first = size() - 1;
    int trunk = 0;
    for (int i = 1; i < 75 && size() < n_node; ++i) {
      const bool is_small = i >= 36;
      const int of_small = (i - 36) % 13;
      int above = trunk;
      if (is_small && of_small == 0) above = first + 6 * (1 + (i - 36) / 13);
      // Every third node ends a lateral.
      const bool is_lateral = i % 3 == 2 && !(is_small && of_small == 0);
      branch(above, node(), i == 8 || i == 20 || (is_small && of_small == 0));
      if (!is_lateral) trunk = size() - 1;
      if (i % 3 != 0) load(size() - 1, 0.03 + 0.004 * (i % 7));
    }
  }

  int node() {
    data.node_of_bus.push_back(size());
    for (auto* zero : {&data.p_fixed_pu, &data.q_fixed_pu, &data.g_shunt_pu, &data.b_shunt_pu,
                       &data.start_va_degree}) {
      zero->push_back(0.0);
    }
    data.start_vm_pu.push_back(1.0);
    return size() - 1;
  }
  void branch(int from, int to, bool has_tap) {
    data.from_node.push_back(from);
    data.to_node.push_back(to);
    for (auto* r : {&data.r_pu, &data.r_back_pu}) r->push_back(0.0015);
    for (auto* x : {&data.x_pu, &data.x_back_pu}) x->push_back(0.0020);
    for (auto* b : {&data.b_from_pu, &data.b_to_pu}) b->push_back(0.0001);
    for (auto* zero : {&data.g_from_pu, &data.g_to_pu, &data.shift_degree}) zero->push_back(0.0);
    data.ratio.push_back(1.0);
    data.loading_from.push_back(100.0);
    data.loading_to.push_back(100.0);
    if (!has_tap) return;
    data.tap_branch.push_back(static_cast<std::int32_t>(data.from_node.size()) - 1);
    data.tap_is_to.push_back(1);
    data.tap_kind.push_back(powergrid::TapKind::kRatio);
    data.tap_neutral.push_back(0.0);
    data.tap_step.push_back(0.00625);
    data.tap_angle_degree.push_back(0.0);
    data.tap_pos.push_back(2.0);
  }
  void load(int node, double p_mw) {
    data.injection_node.push_back(node);
    data.injection_scale.push_back(-1.0);
    data.p_mw.push_back(p_mw);
    data.q_mvar.push_back(0.4 * p_mw);
  }
};
