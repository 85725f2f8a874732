#include "dense_newton.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <utility>

namespace powergrid_tests {
namespace {

using powergrid::Batch;
using powergrid::NetworkData;
using powergrid::Table;
using powergrid::TapKind;

std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }
Complex direction(double degree) { return std::polar(1.0, degree * std::numbers::pi / 180.0); }

std::vector<double> column(const Table<double>& table, std::size_t lane) {
  std::vector<double> out(table.n_row);
  for (std::size_t row = 0; row < table.n_row; ++row) out[row] = table(row, lane);
  return out;
}

// Solves A x = b in place; false if A is singular.
bool eliminate(std::vector<std::vector<double>>& a, std::vector<double>& b) {
  const std::size_t n = b.size();
  for (std::size_t k = 0; k < n; ++k) {
    std::size_t pivot = k;
    for (std::size_t i = k + 1; i < n; ++i) {
      if (std::abs(a[i][k]) > std::abs(a[pivot][k])) pivot = i;
    }
    if (a[pivot][k] == 0.0) return false;
    std::swap(a[k], a[pivot]);
    std::swap(b[k], b[pivot]);
    for (std::size_t i = k + 1; i < n; ++i) {
      const double factor = a[i][k] / a[k][k];
      if (factor == 0.0) continue;
      for (std::size_t j = k; j < n; ++j) a[i][j] -= factor * a[k][j];
      b[i] -= factor * b[k];
    }
  }
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t j = k + 1; j < n; ++j) b[k] -= a[k][j] * b[j];
    b[k] /= a[k][k];
  }
  return true;
}

// The injections of one lane: constant power, and at 1 p.u. those that grow with the voltage and
// with its square.
struct Injections {
  std::vector<Complex> power, current, impedance;

  Complex at(std::size_t node, double vm) const {
    return power[node] + vm * current[node] + vm * vm * impedance[node];
  }
};

Injections injections(const NetworkData& data, const Batch& batch, std::size_t lane) {
  const std::size_t n_node = data.p_fixed_pu.size();
  Injections out{std::vector<Complex>(n_node), std::vector<Complex>(n_node),
                 std::vector<Complex>(n_node)};
  for (std::size_t i = 0; i < n_node; ++i) out.power[i] = {data.p_fixed_pu[i], data.q_fixed_pu[i]};
  const bool has_shares = !data.p_current_share.empty();
  for (std::size_t k = 0; k < data.injection_node.size(); ++k) {
    if (data.injection_node[k] < 0) continue;
    const std::size_t node = index(data.injection_node[k]);
    const double p = batch.p_mw(k, lane) * data.injection_scale[k];
    const double q = batch.q_mvar(k, lane) * data.injection_scale[k];
    const double p_i = has_shares ? data.p_current_share[k] : 0.0;
    const double q_i = has_shares ? data.q_current_share[k] : 0.0;
    const double p_z = has_shares ? data.p_impedance_share[k] : 0.0;
    const double q_z = has_shares ? data.q_impedance_share[k] : 0.0;
    out.power[node] += Complex(p * (1.0 - p_i - p_z), q * (1.0 - q_i - q_z));
    out.current[node] += Complex(p * p_i, q * q_i);
    out.impedance[node] += Complex(p * p_z, q * q_z);
  }
  return out;
}

}  // namespace

TwoPort two_port(const NetworkData& data, std::size_t branch, const std::vector<double>& tap_pos) {
  Complex t = data.ratio[branch] * direction(data.shift_degree[branch]);
  double z_scale = 1.0;
  for (std::size_t k = 0; k < data.tap_branch.size(); ++k) {
    if (data.tap_branch[k] != static_cast<std::int32_t>(branch)) continue;
    const double n = tap_pos[k] - data.tap_neutral[k];
    const Complex m = data.tap_kind[k] == TapKind::kShifter
                          ? direction(n * data.tap_angle_degree[k])
                          : 1.0 + n * data.tap_step[k] * direction(data.tap_angle_degree[k]);
    if (data.tap_is_to[k] == 0) {
      t *= m;
    } else {
      t /= m;
      z_scale = std::norm(m);
    }
  }
  const Complex y_from = 1.0 / (z_scale * Complex(data.r_pu[branch], data.x_pu[branch]));
  const Complex y_to = 1.0 / (z_scale * Complex(data.r_back_pu[branch], data.x_back_pu[branch]));
  const Complex shunt_from = Complex(data.g_from_pu[branch], data.b_from_pu[branch]) / z_scale;
  const Complex shunt_to = Complex(data.g_to_pu[branch], data.b_to_pu[branch]) / z_scale;
  return {(y_from + shunt_from) / std::norm(t), -y_from / std::conj(t), -y_to / t, y_to + shunt_to};
}

DenseSolution solve_densely(const NetworkData& data, const Batch& batch, std::size_t lane) {
  const std::size_t n_node = data.p_fixed_pu.size();
  const std::size_t n_branch = data.from_node.size();
  const std::vector<double> tap_pos = column(batch.tap_pos, lane);
  std::vector<std::vector<Complex>> y(n_node, std::vector<Complex>(n_node));
  for (std::size_t i = 0; i < n_node; ++i) y[i][i] = {data.g_shunt_pu[i], data.b_shunt_pu[i]};
  for (std::size_t k = 0; k < data.shunt_node.size(); ++k) {
    if (data.shunt_node[k] < 0) continue;
    y[index(data.shunt_node[k])][index(data.shunt_node[k])] +=
        batch.shunt_step(k, lane) * Complex(data.shunt_g_pu[k], data.shunt_b_pu[k]);
  }
  std::vector<TwoPort> ports(n_branch);
  for (std::size_t b = 0; b < n_branch; ++b) {
    if (data.from_node[b] < 0) continue;
    ports[b] = two_port(data, b, tap_pos);
    const std::size_t f = index(data.from_node[b]);
    const std::size_t t = index(data.to_node[b]);
    y[f][f] += ports[b].ff;
    y[f][t] += ports[b].ft;
    y[t][f] += ports[b].tf;
    y[t][t] += ports[b].tt;
  }
  const Injections injected = injections(data, batch, lane);

  DenseSolution out;
  std::vector<double> vm = data.start_vm_pu;
  std::vector<double> va(n_node);
  for (std::size_t i = 0; i < n_node; ++i) {
    va[i] = data.start_va_degree[i] * std::numbers::pi / 180.0;
  }
  std::vector<bool> has_angle(n_node, true);
  std::vector<bool> has_magnitude(n_node, true);
  for (std::size_t c = 0; c < data.controlled_node.size(); ++c) {
    const std::size_t node = index(data.controlled_node[c]);
    vm[node] = batch.vm_set_pu(c, lane);
    has_magnitude[node] = false;
    if (data.is_source[c] == 0) continue;
    va[node] = data.controlled_va_degree[c] * std::numbers::pi / 180.0;
    has_angle[node] = false;
  }
  std::vector<std::size_t> of_angle;
  std::vector<std::size_t> of_magnitude;
  for (std::size_t i = 0; i < n_node; ++i) {
    if (has_angle[i]) of_angle.push_back(i);
    if (has_magnitude[i]) of_magnitude.push_back(i);
  }
  const std::size_t n_angle = of_angle.size();
  const std::size_t n = n_angle + of_magnitude.size();

  std::vector<Complex> i_net(n_node);
  const auto evaluate = [&] {
    out.v.resize(n_node);
    for (std::size_t i = 0; i < n_node; ++i) out.v[i] = std::polar(vm[i], va[i]);
    for (std::size_t i = 0; i < n_node; ++i) {
      i_net[i] = 0.0;
      for (std::size_t j = 0; j < n_node; ++j) i_net[i] += y[i][j] * out.v[j];
    }
  };
  for (int iteration = 0; iteration < 50; ++iteration) {
    evaluate();
    std::vector<double> right(n);
    double largest = 0.0;
    const auto missing = [&](std::size_t i) {
      return injected.at(i, vm[i]) - out.v[i] * std::conj(i_net[i]);
    };
    for (std::size_t r = 0; r < n; ++r) {
      right[r] =
          r < n_angle ? missing(of_angle[r]).real() : missing(of_magnitude[r - n_angle]).imag();
      largest = std::max(largest, std::abs(right[r]));
    }
    if (!(largest < 1e3)) break;
    if (largest < 1e-12) {
      out.converged = true;
      break;
    }
    std::vector<std::vector<double>> a(n, std::vector<double>(n));
    for (std::size_t r = 0; r < n; ++r) {
      const std::size_t i = r < n_angle ? of_angle[r] : of_magnitude[r - n_angle];
      for (std::size_t c = 0; c < n; ++c) {
        const bool is_angle = c < n_angle;
        const std::size_t j = is_angle ? of_angle[c] : of_magnitude[c - n_angle];
        // Change of v_j for a change of its angle or magnitude, and of the power at i with it.
        const Complex dv = is_angle ? Complex(0.0, 1.0) * out.v[j] : out.v[j] / vm[j];
        Complex ds = out.v[i] * std::conj(y[i][j] * dv);
        if (i == j) {
          ds += dv * std::conj(i_net[i]);
          if (!is_angle) ds -= injected.current[i] + 2.0 * vm[i] * injected.impedance[i];
        }
        a[r][c] = r < n_angle ? ds.real() : ds.imag();
      }
    }
    if (!eliminate(a, right)) break;
    for (std::size_t r = 0; r < n; ++r) {
      (r < n_angle ? va[of_angle[r]] : vm[of_magnitude[r - n_angle]]) += right[r];
    }
  }

  out.s_from.resize(n_branch);
  out.s_to.resize(n_branch);
  for (std::size_t b = 0; b < n_branch; ++b) {
    if (data.from_node[b] < 0) continue;
    const Complex from = out.v[index(data.from_node[b])];
    const Complex to = out.v[index(data.to_node[b])];
    out.s_from[b] = data.base_mva * from * std::conj(ports[b].ff * from + ports[b].ft * to);
    out.s_to[b] = data.base_mva * to * std::conj(ports[b].tf * from + ports[b].tt * to);
  }
  for (const std::int32_t node : data.controlled_node) {
    const std::size_t i = index(node);
    out.s_controlled.push_back(
        data.base_mva * (out.v[i] * std::conj(i_net[i]) - injected.at(i, std::abs(out.v[i]))));
  }
  return out;
}

}  // namespace powergrid_tests
