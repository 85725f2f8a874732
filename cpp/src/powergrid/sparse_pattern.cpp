#include "sparse_pattern.hpp"

#include <algorithm>
#include <array>
#include <complex>
#include <map>
#include <utility>

#include "elimination_order.hpp"
#include "plan_numbers.hpp"

namespace powergrid {
namespace {

void find_order(const SparseMatrix& matrix, SparsePattern& pattern) {
  const std::size_t n_node = matrix.diagonal.size();
  std::vector<std::int32_t> number(n_node, kNoIndex);  // among the nodes that are no source
  std::vector<std::int32_t> node_of_number;
  for (std::size_t i = 0; i < n_node; ++i) {
    if (matrix.is_source[i]) continue;
    number[i] = static_cast<std::int32_t>(node_of_number.size());
    node_of_number.push_back(static_cast<std::int32_t>(i));
  }
  std::vector<std::vector<std::int32_t>> neighbour(node_of_number.size());
  for (std::size_t i = 0; i < neighbour.size(); ++i) {
    for (const SparseEntry& entry : matrix.beside[index(node_of_number[i])]) {
      if (!matrix.is_source[index(entry.node)]) neighbour[i].push_back(number[index(entry.node)]);
    }
  }
  pattern.row_of_node.assign(n_node, kNoIndex);
  for (const std::int32_t i : elimination_order(std::move(neighbour))) {
    pattern.row_of_node[index(node_of_number[index(i)])] =
        static_cast<std::int32_t>(pattern.node_of_row.size());
    pattern.node_of_row.push_back(node_of_number[index(i)]);
  }
  for (const std::int32_t node : pattern.node_of_row) {
    pattern.n_unknown.push_back(matrix.controlled_of_node[index(node)] == kNoIndex ? 2 : 1);
  }
}

// Rows and columns of the blocks of the factor: what a row's own admittances and the rows
// eliminated into it bring.
void find_blocks(const SparseMatrix& matrix, SparsePattern& pattern) {
  const std::size_t n_row = pattern.n_row();
  pattern.upper.resize(n_row);
  pattern.lower.resize(n_row);
  for (std::size_t i = 0; i < n_row; ++i) {
    const std::int32_t row = static_cast<std::int32_t>(i);
    std::vector<std::int32_t>& upper = pattern.upper[i];
    for (const SparseEntry& entry : matrix.beside[index(pattern.node_of_row[i])]) {
      const std::int32_t column = pattern.row_of_node[index(entry.node)];
      if (column > row) upper.push_back(column);
    }
    // A row passes its pattern on through the first row that it touches.
    for (const std::int32_t k : pattern.lower[i]) {
      const std::vector<std::int32_t>& passed = pattern.upper[index(k)];
      if (*std::min_element(passed.begin(), passed.end()) != row) continue;
      for (const std::int32_t column : passed) {
        if (column > row) upper.push_back(column);
      }
    }
    std::sort(upper.begin(), upper.end());
    upper.erase(std::unique(upper.begin(), upper.end()), upper.end());
    for (const std::int32_t column : upper) pattern.lower[index(column)].push_back(row);
    std::stable_sort(upper.begin(), upper.end(), [&](std::int32_t a, std::int32_t b) {
      return pattern.n_unknown[index(a)] < pattern.n_unknown[index(b)];
    });
  }
}

// Where each block stands in the factor.
void place_blocks(SparsePattern& pattern) {
  std::uint32_t lower_size = 0;
  for (std::size_t i = 0; i < pattern.n_row(); ++i) {
    const std::uint32_t n = pattern.n_unknown[i];
    std::uint32_t at = 0;
    std::vector<std::uint32_t> position;
    for (const std::int32_t column : pattern.lower[i]) {
      position.push_back(at);
      at += n * pattern.n_unknown[index(column)];
    }
    pattern.lower_at.push_back(std::move(position));
    lower_size = std::max(lower_size, at);
  }
  std::uint32_t at = lower_size;
  std::uint32_t n_unknown = 0;
  for (std::size_t i = 0; i < pattern.n_row(); ++i) {
    const std::uint32_t n = pattern.n_unknown[i];
    pattern.first_unknown.push_back(n_unknown);
    n_unknown += n;
    std::vector<std::uint32_t> position{at};  // of the right-hand side
    at += n;
    for (const std::int32_t column : pattern.upper[i]) {
      position.push_back(at);
      at += n * pattern.n_unknown[index(column)];
    }
    pattern.upper_at.push_back(std::move(position));
  }
  pattern.n_unknown_in_all = n_unknown;
  pattern.n_factor = at;
}

// Rows: real and imaginary current; columns: imaginary and real voltage, so that the matrix of an
// admittance is symmetric.
using Square = std::array<std::array<double, 2>, 2>;

// Of an admittance between two nodes; rows and columns are cut to the nodes' unknowns.
Square square_of(std::complex<double> y, bool is_row_free, bool is_column_free) {
  Square out{{{-y.imag(), y.real()}, {y.real(), y.imag()}}};
  if (!is_row_free) out[1] = {0.0, 0.0};
  if (!is_column_free) out[0][1] = out[1][1] = 0.0;
  return out;
}

double determinant(const Square& a) { return a[0][0] * a[1][1] - a[0][1] * a[1][0]; }

// target -= transposed(left) inverse(pivot) right.
void eliminate(Square& target, const Square& left, const Square& pivot, const Square& right) {
  const double scale = 1.0 / determinant(pivot);
  for (std::size_t j = 0; j < 2; ++j) {
    const double x = scale * (pivot[1][1] * right[0][j] - pivot[0][1] * right[1][j]);
    const double y = scale * (pivot[0][0] * right[1][j] - pivot[1][0] * right[0][j]);
    for (std::size_t i = 0; i < 2; ++i) target[i][j] -= left[0][i] * x + left[1][i] * y;
  }
}

}  // namespace

std::uint32_t SparsePattern::block_at(std::size_t row, std::int32_t column) const {
  const bool is_lower = column < static_cast<std::int32_t>(row);
  const std::vector<std::int32_t>& columns = is_lower ? lower[row] : upper[row];
  const auto at = std::find(columns.begin(), columns.end(), column) - columns.begin();
  return is_lower ? lower_at[row][static_cast<std::size_t>(at)]
                  : upper_at[row][static_cast<std::size_t>(at) + 1];
}

SparsePattern make_sparse_pattern(const SparseMatrix& matrix) {
  SparsePattern pattern;
  find_order(matrix, pattern);
  find_blocks(matrix, pattern);
  place_blocks(pattern);
  return pattern;
}

double unloaded_sign(const SparseMatrix& matrix, const SparsePattern& pattern) {
  std::vector<std::map<std::int32_t, Square>> upper(pattern.n_row());
  double sign = 1.0;
  for (std::size_t i = 0; i < upper.size(); ++i) {
    const auto row = static_cast<std::int32_t>(i);
    const bool is_free = pattern.n_unknown[i] == 2;
    const auto add = [&](std::int32_t column, std::complex<double> y, bool is_column_free) {
      const Square added = square_of(y, is_free, is_column_free);
      Square& sum = upper[i][column];
      for (std::size_t k = 0; k < 4; ++k) sum[k / 2][k % 2] += added[k / 2][k % 2];
    };
    for (const SparseEntry& entry : matrix.beside[index(pattern.node_of_row[i])]) {
      const std::int32_t column = pattern.row_of_node[index(entry.node)];
      add(row, entry.series_y, is_free);
      if (column > row) add(column, -entry.series_y, pattern.n_unknown[index(column)] == 2);
    }
    Square& pivot = upper[i][row];
    if (!is_free) pivot[1][1] = -1.0;
    // The columns' order turns the sign of each node's determinant.
    if (determinant(pivot) > 0.0) sign = -sign;
    for (auto a = upper[i].upper_bound(row); a != upper[i].end(); ++a) {
      for (auto b = a; b != upper[i].end(); ++b) {
        eliminate(upper[index(a->first)][b->first], a->second, pivot, b->second);
      }
    }
  }
  return sign;
}

}  // namespace powergrid
