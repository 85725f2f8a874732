#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "sparse_matrix.hpp"

namespace powergrid {

// The blocks of a matrix's triangular factors: a row for each node that is no source, in the order
// of elimination. Positions are those of SparsePlan's factor.
struct SparsePattern {
  std::vector<std::int32_t> row_of_node;         // -1 for a source, (n_node)
  std::vector<std::int32_t> node_of_row;         // (n_row)
  std::vector<std::uint32_t> n_unknown;          // of each row, (n_row)
  std::vector<std::uint32_t> first_unknown;      // (n_row)
  std::vector<std::vector<std::int32_t>> lower;  // columns left of the diagonal, ascending, (n_row)
  std::vector<std::vector<std::int32_t>> upper;  // right of it, of one unknown first, (n_row)
  std::vector<std::vector<std::uint32_t>> lower_at;  // positions of the blocks, (n_row)
  std::vector<std::vector<std::uint32_t>> upper_at;  // the right-hand side's first, (n_row)
  std::uint32_t n_unknown_in_all = 0;
  std::uint32_t n_factor = 0;

  [[nodiscard]] std::size_t n_row() const noexcept { return node_of_row.size(); }
  // Position of the block of an off-diagonal column.
  [[nodiscard]] std::uint32_t block_at(std::size_t row, std::int32_t column) const;
};

[[nodiscard]] SparsePattern make_sparse_pattern(const SparseMatrix& matrix);

// Sign of the determinant of the Jacobian without load, where all voltages are alike. It is
// negative only by negative reactances, such as the star of a three-winding transformer may have,
// or by high resistances between held nodes.
[[nodiscard]] double unloaded_sign(const SparseMatrix& matrix, const SparsePattern& pattern);

}  // namespace powergrid
