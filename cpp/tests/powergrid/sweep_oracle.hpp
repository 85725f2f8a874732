#pragma once

#include <cmath>
#include <complex>
#include <cstddef>
#include <numbers>
#include <vector>

#include "powergrid/network.hpp"

namespace heron_tests {

using Complex = std::complex<double>;

struct OracleFlow {
  std::vector<Complex> v;       // true voltages, by node
  std::vector<Complex> i_from;  // into each branch
  std::vector<Complex> i_to;
  std::vector<Complex> s_source;  // injected by each controlled node [p.u.]
  int n_sweep = 0;
  bool is_solved = false;
};

// The plain backward/forward sweep on a radial network, written to be read: complex numbers, shifts
// and taps as they are, currents summed branch by branch until no voltage moves by 1e-14.
inline OracleFlow sweep(const powergrid::NetworkData& net, int max_sweeps = 2000) {
  const auto at = [](std::int32_t i) { return static_cast<std::size_t>(i); };
  const std::size_t n_node = net.p_fixed_pu.size();
  const std::size_t n_branch = net.from_node.size();
  constexpr double kRadian = std::numbers::pi / 180.0;

  std::vector<Complex> z(n_branch), y_from(n_branch), y_to(n_branch), turn(n_branch);
  for (std::size_t b = 0; b < n_branch; ++b) {
    z[b] = {net.r_pu[b], net.x_pu[b]};
    y_from[b] = {net.g_from_pu[b], net.b_from_pu[b]};
    y_to[b] = {net.g_to_pu[b], net.b_to_pu[b]};
    turn[b] = std::polar(net.ratio[b], net.shift_degree[b] * kRadian);
  }
  for (std::size_t row = 0; row < net.tap_branch.size(); ++row) {
    if (net.tap_branch[row] < 0) continue;
    const std::size_t b = at(net.tap_branch[row]);
    const Complex m = 1.0 + (net.tap_pos[row] - net.tap_neutral[row]) * net.tap_step[row] *
                                std::polar(1.0, net.tap_angle_degree[row] * kRadian);
    if (net.tap_is_to[row] != 0) {
      turn[b] /= m;
      z[b] *= std::norm(m);
      y_from[b] /= std::norm(m);
      y_to[b] /= std::norm(m);
    } else {
      turn[b] *= m;
    }
  }

  // Order from the sources outwards by looking for branches with one end reached.
  struct Link {
    std::size_t branch, parent, child;
    bool is_down;  // from end above
  };
  std::vector<Link> links;
  std::vector<bool> is_reached(n_node), is_used(n_branch);
  OracleFlow flow;
  flow.v.assign(n_node, 0.0);
  for (std::size_t row = 0; row < net.controlled_node.size(); ++row) {
    is_reached[at(net.controlled_node[row])] = true;
    flow.v[at(net.controlled_node[row])] =
        std::polar(net.controlled_vm_pu[row], net.controlled_va_degree[row] * kRadian);
  }
  for (bool is_new = true; is_new;) {
    is_new = false;
    for (std::size_t b = 0; b < n_branch; ++b) {
      if (is_used[b] || net.from_node[b] < 0) continue;
      const std::size_t from = at(net.from_node[b]), to = at(net.to_node[b]);
      if (is_reached[from] == is_reached[to]) continue;
      const bool is_down = is_reached[from];
      links.push_back({b, is_down ? from : to, is_down ? to : from, is_down});
      is_reached[from] = is_reached[to] = is_used[b] = is_new = true;
    }
  }
  for (const Link& link : links) {
    flow.v[link.child] = link.is_down ? flow.v[link.parent] / turn[link.branch]
                                      : flow.v[link.parent] * turn[link.branch];
  }

  flow.i_from.assign(n_branch, 0.0);
  flow.i_to.assign(n_branch, 0.0);
  std::vector<Complex> drawn(n_node);
  const auto draw = [&] {
    for (std::size_t i = 0; i < n_node; ++i) {
      drawn[i] = Complex{net.g_shunt_pu[i], net.b_shunt_pu[i]} * flow.v[i] -
                 std::conj(Complex{net.p_fixed_pu[i], net.q_fixed_pu[i]} / flow.v[i]);
    }
    for (std::size_t row = 0; row < net.injection_node.size(); ++row) {
      if (net.injection_node[row] < 0) continue;
      const std::size_t i = at(net.injection_node[row]);
      const double vm = std::abs(flow.v[i]);
      const auto share = [&](const std::vector<double>& all) {
        return all.empty() ? 0.0 : all[row];
      };
      const double p_factor = 1.0 + share(net.p_current_share) * (vm - 1.0) +
                              share(net.p_impedance_share) * (vm * vm - 1.0);
      const double q_factor = 1.0 + share(net.q_current_share) * (vm - 1.0) +
                              share(net.q_impedance_share) * (vm * vm - 1.0);
      const Complex s{net.p_mw[row] * p_factor, net.q_mvar[row] * q_factor};
      drawn[i] -= std::conj(net.injection_scale[row] * s / flow.v[i]);
    }
    for (std::size_t row = 0; row < net.shunt_node.size(); ++row) {
      if (net.shunt_node[row] < 0) continue;
      const std::size_t i = at(net.shunt_node[row]);
      drawn[i] +=
          net.shunt_step[row] * Complex{net.shunt_g_pu[row], net.shunt_b_pu[row]} * flow.v[i];
    }
  };
  for (flow.n_sweep = 0; flow.n_sweep < max_sweeps; ++flow.n_sweep) {
    draw();
    for (std::size_t k = links.size(); k-- > 0;) {
      const auto& [b, parent, child, is_down] = links[k];
      // Behind the ideal transformer, where the pi circuit's from end is.
      const Complex v_from = flow.v[is_down ? parent : child] / turn[b];
      const Complex v_to = flow.v[is_down ? child : parent];
      if (is_down) {
        const Complex through = drawn[child] + y_to[b] * v_to;
        flow.i_to[b] = -drawn[child];
        flow.i_from[b] = (through + y_from[b] * v_from) / std::conj(turn[b]);
        drawn[parent] += flow.i_from[b];
      } else {
        const Complex through = drawn[child] * std::conj(turn[b]) + y_from[b] * v_from;
        flow.i_from[b] = -drawn[child];
        flow.i_to[b] = through + y_to[b] * v_to;
        drawn[parent] += flow.i_to[b];
      }
    }
    double change = 0.0;
    for (const auto& [b, parent, child, is_down] : links) {
      Complex v;
      if (is_down) {
        const Complex v_from = flow.v[parent] / turn[b];
        v = v_from - z[b] * (flow.i_from[b] * std::conj(turn[b]) - y_from[b] * v_from);
      } else {
        const Complex v_to = flow.v[parent];
        v = turn[b] * (v_to - z[b] * (flow.i_to[b] - y_to[b] * v_to));
      }
      change = std::max(change, std::abs(v - flow.v[child]));
      flow.v[child] = v;
    }
    if (change < 1e-14) {
      flow.is_solved = true;
      break;
    }
  }
  for (const std::int32_t node : net.controlled_node) {
    flow.s_source.push_back(flow.v[at(node)] * std::conj(drawn[at(node)]));
  }
  return flow;
}

}  // namespace heron_tests
