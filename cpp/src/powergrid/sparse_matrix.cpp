#include "sparse_matrix.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "plan_numbers.hpp"

namespace powergrid {
namespace {

using Complex = std::complex<double>;

// Without impedance there is a branch from a node to itself only, through which nothing flows.
Complex admittance(double r_pu, double x_pu) {
  const Complex z(r_pu, x_pu);
  return z == 0.0 ? 0.0 : 1.0 / z;
}

SparseBranch two_port(const NetworkData& data, std::size_t b) {
  const Complex y_from = admittance(data.r_pu[b], data.x_pu[b]);
  const Complex y_to = admittance(data.r_back_pu[b], data.x_back_pu[b]);
  const Complex t = data.ratio[b] * direction(data.shift_degree[b]);
  const Complex ff = (y_from + Complex(data.g_from_pu[b], data.b_from_pu[b])) / std::norm(t);
  const Complex ft = -y_from / std::conj(t);
  const Complex tf = -y_to / t;
  const Complex tt = y_to + Complex(data.g_to_pu[b], data.b_to_pu[b]);
  return {static_cast<std::int32_t>(b),
          data.from_node[b],
          data.to_node[b],
          {ff.real(), ff.imag(), ft.real(), ft.imag(), tf.real(), tf.imag(), tt.real(), tt.imag()}};
}

SparseEntry& entry_of(SparseMatrix& matrix, std::int32_t row_node, std::int32_t node) {
  if (row_node == node) return matrix.diagonal[index(node)];
  std::vector<SparseEntry>& entries = matrix.beside[index(row_node)];
  const auto at = std::lower_bound(entries.begin(), entries.end(), node,
                                   [](const SparseEntry& e, std::int32_t n) { return e.node < n; });
  if (at != entries.end() && at->node == node) return *at;
  return *entries.insert(at, SparseEntry{node, {}, {}, {}});
}

void add_controlled(const NetworkData& data, SparseMatrix& matrix) {
  for (std::size_t c = 0; c < data.controlled_node.size(); ++c) {
    if (data.controlled_node[c] < 0) continue;
    const std::size_t node = index(data.controlled_node[c]);
    matrix.controlled_of_node[node] = static_cast<std::int32_t>(c);
    matrix.is_source[node] = data.is_source[c] != 0;
    const Complex at = direction(data.controlled_va_degree[c]);
    matrix.controlled.push_back({static_cast<std::uint32_t>(c), data.controlled_node[c], 0,
                                 data.is_source[c] != 0, data.controlled_vm_pu[c], at.real(),
                                 at.imag()});
  }
}

void add_branch(const NetworkData& data, std::size_t b, std::int32_t tap, SparseMatrix& matrix) {
  const SparseBranch branch = two_port(data, b);
  const auto varying = static_cast<std::uint32_t>(matrix.varying_branch.size());
  if (tap >= 0) {
    matrix.tap.push_back(
        {static_cast<std::uint32_t>(tap), varying, data.tap_is_to[index(tap)] != 0});
  }
  (tap < 0 ? matrix.fixed_branch : matrix.varying_branch).push_back(branch);
  const std::array<std::int32_t, 2> node{branch.from, branch.to};
  for (std::uint32_t part = 0; part < 4; ++part) {
    SparseEntry& entry = entry_of(matrix, node[part / 2], node[part % 2]);
    if (tap < 0) {
      entry.y += Complex(branch.y[2 * part], branch.y[2 * part + 1]);
    } else {
      entry.part.push_back(4 * varying + part);
    }
    entry.series_y += admittance(data.r_pu[b], data.x_pu[b]);
  }
}

}  // namespace

std::vector<std::int32_t> taps_of_branches(const NetworkData& data) {
  std::vector<std::int32_t> tap_of_branch(data.from_node.size(), kNoIndex);
  for (std::size_t t = 0; t < data.tap_branch.size(); ++t) {
    if (data.tap_branch[t] < 0) continue;
    tap_of_branch[index(data.tap_branch[t])] = static_cast<std::int32_t>(t);
  }
  return tap_of_branch;
}

SparseMatrix make_sparse_matrix(const NetworkData& data) {
  const std::size_t n_node = data.p_fixed_pu.size();
  const std::size_t n_branch = data.from_node.size();
  SparseMatrix matrix;
  matrix.controlled_of_node.assign(n_node, kNoIndex);
  matrix.is_source.assign(n_node, false);
  matrix.diagonal.resize(n_node);
  matrix.beside.resize(n_node);
  add_controlled(data, matrix);

  const std::vector<std::int32_t> tap_of_branch = taps_of_branches(data);
  std::vector<std::vector<SparseEnd>> ends(n_node);
  for (std::size_t b = 0; b < n_branch; ++b) {
    if (data.from_node[b] < 0) continue;
    add_branch(data, b, tap_of_branch[b], matrix);
    ends[index(data.from_node[b])].push_back(static_cast<SparseEnd>(2 * b));
    ends[index(data.to_node[b])].push_back(static_cast<SparseEnd>(2 * b + 1));
  }
  for (SparseControlled& controlled : matrix.controlled) {
    const std::vector<SparseEnd>& end = ends[index(controlled.node)];
    matrix.end.insert(matrix.end.end(), end.begin(), end.end());
    controlled.end = static_cast<std::uint32_t>(matrix.end.size());
  }
  return matrix;
}

}  // namespace powergrid
