#pragma once

#include "pack.hpp"
#include "sparse_plan.hpp"

// Elimination of a block matrix row by row, along the plan's lists. Rows of the upper triangle are
// kept divided by their diagonal block, blocks left of the diagonal only until their row is done.
//
// Only the diagonal blocks are pivots, in the plan's order: where the admittances at a node cancel,
// as between a reactance and a capacitor in series of one size, its block is singular and the lane
// has no solution.
namespace powergrid {
namespace {

namespace sparse {

template <int kVec, int kRow, int kColumn>
struct Block {
  Pack<kVec> at[kRow][kColumn];
};

// Where the elimination stands in the plan's lists, and the sign of the determinant so far.
template <int kVec>
struct Cursor {
  const SparseTarget* target;
  const SparseTerm* term;
  Pack<kVec> sign;
};

template <int kVec, int kRow, int kColumn>
[[gnu::always_inline]] inline Block<kVec, kRow, kColumn> load_block(const Vec* factor,
                                                                    std::uint32_t at) noexcept {
  const Vec* const first = factor + std::size_t{at} * kVec;
  Block<kVec, kRow, kColumn> out;
  repeat<kRow>([&](int i) __attribute__((always_inline)) {
    repeat<kColumn>([&](int j) __attribute__((always_inline)) {
      out.at[i][j] = load<kVec>(first, static_cast<std::size_t>(i * kColumn + j));
    });
  });
  return out;
}

template <int kVec, int kRow, int kColumn>
[[gnu::always_inline]] inline void store_block(Vec* factor, std::uint32_t at,
                                               const Block<kVec, kRow, kColumn>& block) noexcept {
  Vec* const first = factor + std::size_t{at} * kVec;
  repeat<kRow>([&](int i) __attribute__((always_inline)) {
    repeat<kColumn>([&](int j) __attribute__((always_inline)) {
      store(first, static_cast<std::size_t>(i * kColumn + j), block.at[i][j]);
    });
  });
}

// target -= left right.
template <int kVec, int kRow, int kMiddle, int kColumn>
[[gnu::always_inline]] inline void subtract(Block<kVec, kRow, kColumn>& target,
                                            const Block<kVec, kRow, kMiddle>& left,
                                            const Block<kVec, kMiddle, kColumn>& right) noexcept {
  repeat<kMiddle>([&](int k) __attribute__((always_inline)) {
    repeat<kRow>([&](int i) __attribute__((always_inline)) {
      repeat<kColumn>([&](int j) __attribute__((always_inline)) {
        target.at[i][j] = fnma(left.at[i][k], right.at[k][j], target.at[i][j]);
      });
    });
  });
}

// Subtract the terms of the cursor's target and go on to the next.
template <int kVec, int kRow, int kColumn>
[[gnu::always_inline]] inline void subtract_terms(Block<kVec, kRow, kColumn>& block,
                                                  const Vec* factor,
                                                  Cursor<kVec>& cursor) noexcept {
  const SparseTerm* term = cursor.term;
  const SparseTerm* const one_end = term + cursor.target->n_one;
  const SparseTerm* const end = one_end + cursor.target->n_two;
  for (; term != one_end; ++term) {
    subtract(block, load_block<kVec, kRow, 1>(factor, term->l),
             load_block<kVec, 1, kColumn>(factor, term->u));
  }
  for (; term != end; ++term) {
    subtract(block, load_block<kVec, kRow, 2>(factor, term->l),
             load_block<kVec, 2, kColumn>(factor, term->u));
  }
  cursor.term = end;
  ++cursor.target;
}

template <int kVec, int kRow, int kColumn>
[[gnu::always_inline]] inline void eliminate_lower(Vec* factor, Cursor<kVec>& cursor) noexcept {
  const std::uint32_t at = cursor.target->at;
  auto block = load_block<kVec, kRow, kColumn>(factor, at);
  subtract_terms(block, factor, cursor);
  store_block(factor, at, block);
}

template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> determinant(const Block<kVec, 1, 1>& a) noexcept {
  return a.at[0][0];
}
template <int kVec>
[[gnu::always_inline]] inline Pack<kVec> determinant(const Block<kVec, 2, 2>& a) noexcept {
  return fnma(a.at[0][1], a.at[1][0], a.at[0][0] * a.at[1][1]);
}
template <int kVec>
[[gnu::always_inline]] inline Block<kVec, 1, 1> inverse_of(const Block<kVec, 1, 1>&,
                                                           Pack<kVec> determinant) noexcept {
  return {{{pack<kVec>(1.0) / determinant}}};
}
template <int kVec>
[[gnu::always_inline]] inline Block<kVec, 2, 2> inverse_of(const Block<kVec, 2, 2>& a,
                                                           Pack<kVec> determinant) noexcept {
  const Pack<kVec> r = pack<kVec>(1.0) / determinant;
  return {{{a.at[1][1] * r, -a.at[0][1] * r}, {-a.at[1][0] * r, a.at[0][0] * r}}};
}

template <int kVec, int kColumn>
[[gnu::always_inline]] inline Block<kVec, 1, kColumn> product(
    const Block<kVec, 1, 1>& a, const Block<kVec, 1, kColumn>& b) noexcept {
  Block<kVec, 1, kColumn> out;
  repeat<kColumn>([&](int j)
                      __attribute__((always_inline)) { out.at[0][j] = a.at[0][0] * b.at[0][j]; });
  return out;
}
template <int kVec, int kColumn>
[[gnu::always_inline]] inline Block<kVec, 2, kColumn> product(
    const Block<kVec, 2, 2>& a, const Block<kVec, 2, kColumn>& b) noexcept {
  Block<kVec, 2, kColumn> out;
  repeat<2>([&](int i) __attribute__((always_inline)) {
    repeat<kColumn>([&](int j) __attribute__((always_inline)) {
      out.at[i][j] = fma(a.at[i][1], b.at[1][j], a.at[i][0] * b.at[0][j]);
    });
  });
  return out;
}

template <int kColumn, int kVec, int kRow>
[[gnu::always_inline]] inline void eliminate_upper(const Block<kVec, kRow, kRow>& inverse,
                                                   std::uint32_t n, Vec* factor,
                                                   Cursor<kVec>& cursor) noexcept {
  for (std::uint32_t k = 0; k < n; ++k) {
    const std::uint32_t at = cursor.target->at;
    auto block = load_block<kVec, kRow, kColumn>(factor, at);
    subtract_terms(block, factor, cursor);
    store_block(factor, at, product(inverse, block));
  }
}

// Eliminate all earlier nodes from a row whose blocks, but for the diagonal one, are in the factor.
template <int kVec, int kRow>
[[gnu::always_inline]] inline void eliminate_row(const SparseRow& row,
                                                 Block<kVec, kRow, kRow> diagonal, Vec* factor,
                                                 Cursor<kVec>& cursor) noexcept {
  for (std::uint32_t k = 0; k < row.n_lower; ++k) {
    if (cursor.target->n_unknown == 1) {
      eliminate_lower<kVec, kRow, 1>(factor, cursor);
    } else {
      eliminate_lower<kVec, kRow, 2>(factor, cursor);
    }
  }
  subtract_terms(diagonal, factor, cursor);
  const Pack<kVec> pivot = determinant(diagonal);
  cursor.sign = each<kVec>([&](int k) __attribute__((always_inline)) {
    return select(pivot.v[k] < 0.0, -cursor.sign.v[k], cursor.sign.v[k]);
  });
  const Block<kVec, kRow, kRow> inverse = inverse_of(diagonal, pivot);
  eliminate_upper<1>(inverse, row.n_upper_one, factor, cursor);
  eliminate_upper<2>(inverse, row.n_upper_two, factor, cursor);
}

template <int kVec, int kRow>
[[gnu::always_inline]] inline void substitute_row(const SparsePlan& plan, const SparseRow& row,
                                                  const Vec* factor, Vec* step) noexcept {
  auto out = load_block<kVec, kRow, 1>(factor, row.upper);
  const std::uint32_t* column = plan.column.data + row.upper_column;
  std::uint32_t at = row.upper + kRow;
  for (std::uint32_t k = 1; k < row.n_upper_one; ++k, ++column, at += kRow) {
    subtract(out, load_block<kVec, kRow, 1>(factor, at), load_block<kVec, 1, 1>(step, *column));
  }
  for (std::uint32_t k = 0; k < row.n_upper_two; ++k, ++column, at += 2 * kRow) {
    subtract(out, load_block<kVec, kRow, 2>(factor, at), load_block<kVec, 2, 1>(step, *column));
  }
  store_block(step, row.unknown, out);
}

template <int kVec>
void substitute(const SparsePlan& plan, const Vec* factor, Vec* step) noexcept {
  for (std::uint32_t r = plan.row.size; r-- > 0;) {
    const SparseRow& row = plan.row.data[r];
    if (row.controlled < 0) {
      substitute_row<kVec, 2>(plan, row, factor, step);
    } else {
      substitute_row<kVec, 1>(plan, row, factor, step);
    }
  }
}

}  // namespace sparse
}  // namespace
}  // namespace powergrid
