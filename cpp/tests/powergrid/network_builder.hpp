#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "powergrid/network.hpp"

namespace heron_tests {

using powergrid::NetworkData;
using powergrid::TapKind;

// Networks piece by piece; what is not said is 0, or 1 for ratios and scales. Each node is a bus.
struct NetworkBuilder {
  NetworkData data;

  std::int32_t node() {
    const auto i = static_cast<std::int32_t>(data.p_fixed_pu.size());
    data.node_of_bus.push_back(i);
    for (auto* zero : {&data.p_fixed_pu, &data.q_fixed_pu, &data.g_shunt_pu, &data.b_shunt_pu,
                       &data.start_va_degree}) {
      zero->push_back(0.0);
    }
    data.start_vm_pu.push_back(1.0);
    return i;
  }
  void source(std::int32_t node, double vm_pu = 1.0, double va_degree = 0.0) {
    data.controlled_node.push_back(node);
    data.is_source.push_back(1);
    data.controlled_vm_pu.push_back(vm_pu);
    data.controlled_va_degree.push_back(va_degree);
  }
  std::size_t branch(std::int32_t from, std::int32_t to, double r_pu, double x_pu) {
    data.from_node.push_back(from);
    data.to_node.push_back(to);
    for (auto* r : {&data.r_pu, &data.r_back_pu}) r->push_back(r_pu);
    for (auto* x : {&data.x_pu, &data.x_back_pu}) x->push_back(x_pu);
    for (auto* zero :
         {&data.g_from_pu, &data.b_from_pu, &data.g_to_pu, &data.b_to_pu, &data.shift_degree}) {
      zero->push_back(0.0);
    }
    data.ratio.push_back(1.0);
    data.loading_from.push_back(100.0);
    data.loading_to.push_back(100.0);
    return data.from_node.size() - 1;
  }
  std::size_t tap(std::size_t branch, bool is_to, double step, double pos, double neutral = 0.0,
                  double angle_degree = 0.0) {
    data.tap_branch.push_back(static_cast<std::int32_t>(branch));
    data.tap_is_to.push_back(is_to ? 1 : 0);
    data.tap_kind.push_back(TapKind::kRatio);
    data.tap_neutral.push_back(neutral);
    data.tap_step.push_back(step);
    data.tap_angle_degree.push_back(angle_degree);
    data.tap_pos.push_back(pos);
    return data.tap_branch.size() - 1;
  }
  // A load draws: what is injected is minus its power.
  std::size_t load(std::int32_t node, double p_mw, double q_mvar, double current_share = 0.0,
                   double impedance_share = 0.0) {
    data.injection_node.push_back(node);
    data.injection_scale.push_back(-1.0 / data.base_mva);
    data.p_mw.push_back(p_mw);
    data.q_mvar.push_back(q_mvar);
    data.p_current_share.push_back(current_share);
    data.q_current_share.push_back(current_share);
    data.p_impedance_share.push_back(impedance_share);
    data.q_impedance_share.push_back(impedance_share);
    return data.p_mw.size() - 1;
  }
  std::size_t shunt(std::int32_t node, double g_pu, double b_pu, double steps) {
    data.shunt_node.push_back(node);
    data.shunt_g_pu.push_back(g_pu);
    data.shunt_b_pu.push_back(b_pu);
    data.shunt_step.push_back(steps);
    return data.shunt_step.size() - 1;
  }
};

// Two nodes, one line and a load.
inline NetworkBuilder two_nodes(double r_pu, double x_pu, double p_mw, double q_mvar) {
  NetworkBuilder net;
  net.node();
  net.node();
  net.source(0);
  net.branch(0, 1, r_pu, x_pu);
  net.load(1, p_mw, q_mvar);
  return net;
}

// Radial feeders of lines with charging, shifting transformers, taps on both windings, loads of all
// kinds and shunts; every bus is numbered by chance and either end of a branch may be the from end.
inline NetworkBuilder random_radial(std::uint32_t seed, int n_node, int n_source) {
  std::mt19937 engine(seed);
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(engine()) / 4294967296.0;
  };
  const auto below = [&](int n) { return static_cast<int>(engine() % static_cast<unsigned>(n)); };
  NetworkBuilder net;
  net.data.base_mva = 2.0;
  std::vector<std::int32_t> node;
  for (int i = 0; i < n_node; ++i) node.push_back(net.node());
  for (std::size_t i = node.size(); i-- > 1;) {
    std::swap(node[i], node[static_cast<std::size_t>(below(static_cast<int>(i) + 1))]);
  }
  for (int i = 0; i < n_source; ++i) {
    net.source(node[static_cast<std::size_t>(i)], uniform(0.98, 1.04), uniform(-20.0, 20.0));
  }
  const double load_mw = 1.2 / n_node;
  for (int i = n_source; i < n_node; ++i) {
    const std::int32_t here = node[static_cast<std::size_t>(i)];
    const int nearest = i > 4 ? i - 4 : 0;
    const std::int32_t above = node[static_cast<std::size_t>(nearest + below(i - nearest))];
    const bool is_up = below(2) == 0;
    const std::size_t branch = net.branch(is_up ? here : above, is_up ? above : here,
                                          uniform(0.0, 0.02), uniform(0.001, 0.03));
    if (below(2) == 0) net.data.b_from_pu[branch] = net.data.b_to_pu[branch] = uniform(0.0, 0.01);
    if (below(6) == 0) {
      net.data.ratio[branch] = uniform(0.97, 1.03);
      net.data.shift_degree[branch] = below(2) == 0 ? 30.0 : -150.0;
      net.data.g_from_pu[branch] = uniform(0.0, 0.002);
      net.data.b_from_pu[branch] = uniform(-0.004, 0.0);
    }
    if (below(5) == 0) net.tap(branch, below(2) == 0, 0.00625, below(17) - 8, below(3) - 1);
    const int kind = below(4);
    if (below(3) != 0) {
      net.load(here, load_mw * uniform(0.2, 1.8), load_mw * uniform(0.0, 0.8),
               kind == 1 ? 1.0 : (kind == 2 ? 0.3 : 0.0),
               kind == 3 ? 1.0 : (kind == 2 ? 0.5 : 0.0));
    }
    if (below(8) == 0) net.load(here, -load_mw * uniform(0.0, 2.0), 0.0);
    if (below(8) == 0) net.shunt(here, 0.001, uniform(0.0, 0.01), below(3));
  }
  return net;
}

}  // namespace heron_tests
