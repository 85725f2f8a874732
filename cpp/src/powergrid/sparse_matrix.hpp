#pragma once

#include <complex>
#include <cstdint>
#include <vector>

#include "powergrid/network.hpp"
#include "sparse_plan.hpp"

namespace powergrid {

inline constexpr std::int32_t kNoIndex = -1;

// Admittances between two nodes, or of a node to itself.
struct SparseEntry {
  std::int32_t node = kNoIndex;     // at the other end
  std::complex<double> y;           // of branches without tap changers
  std::vector<std::uint32_t> part;  // of the others, as in SparseAddition
  std::complex<double> series_y;    // of all series impedances between the nodes
};

// The admittance matrix of a network, and what kind of row each node has.
struct SparseMatrix {
  std::vector<std::int32_t> controlled_of_node;  // or -1, (n_node)
  std::vector<bool> is_source;                   // (n_node)
  std::vector<SparseEntry> diagonal;             // (n_node)
  std::vector<std::vector<SparseEntry>> beside;  // off-diagonal, ascending by node, (n_node)

  std::vector<SparseControlled> controlled;
  std::vector<SparseEnd> end;
  std::vector<SparseTap> tap;
  std::vector<SparseBranch> fixed_branch;
  std::vector<SparseBranch> varying_branch;
};

// Row of each branch's tap changer, or -1, (n_branch).
[[nodiscard]] std::vector<std::int32_t> taps_of_branches(const NetworkData& data);

[[nodiscard]] SparseMatrix make_sparse_matrix(const NetworkData& data);

}  // namespace powergrid
