#include "sparse_plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <numbers>
#include <utility>

#include "plan_numbers.hpp"
#include "sparse_matrix.hpp"
#include "sparse_pattern.hpp"
#include "sparse_start.hpp"

namespace powergrid {

// What the plan's arrays point into.
struct SparsePlan::Storage {
  std::vector<SparseRow> row;
  std::vector<SparseTarget> target;
  std::vector<SparseTerm> term;
  std::vector<std::uint32_t> fill;
  std::vector<std::uint32_t> column;
  std::vector<std::int32_t> fixed_node;
  std::vector<std::uint32_t> fixed_at;
  std::vector<SparseComplex> fixed_y;
  std::vector<std::int32_t> varying_node;
  std::vector<std::uint32_t> varying_at;
  std::vector<SparseComplex> diagonal_y;
  std::vector<SparseComplex> slot_y;
  std::vector<SparseAddition> addition;
  std::vector<SparseTap> tap;
  std::vector<SparseBranch> fixed_branch;
  std::vector<SparseBranch> varying_branch;
  std::vector<SparseControlled> controlled;
  std::vector<SparseEnd> end;
  std::vector<SparseComplex> start;
  std::vector<SparseSupply> magnitude_supply;
  std::vector<SparseSupply> angle_supply;
};

SparsePlan::SparsePlan() = default;
SparsePlan::~SparsePlan() = default;

namespace {

template <class T>
std::uint32_t length(const std::vector<T>& values) {
  return static_cast<std::uint32_t>(values.size());
}
SparseComplex parts(std::complex<double> z) { return {z.real(), z.imag()}; }

// Writes one kind of a row's off-diagonal admittances: to nodes of one unknown, of two, to sources.
void write_range(const SparseMatrix& matrix, const SparsePattern& pattern, std::size_t i,
                 bool is_varying, SparseRange& range, SparsePlan::Storage& out) {
  std::vector<std::int32_t>& nodes = is_varying ? out.varying_node : out.fixed_node;
  std::vector<std::uint32_t>& positions = is_varying ? out.varying_at : out.fixed_at;
  range.begin = length(nodes);
  const std::array<std::uint32_t*, 3> end{&range.one_end, &range.two_end, &range.end};
  for (std::size_t kind = 0; kind < 3; ++kind) {
    for (const SparseEntry& entry : matrix.beside[index(pattern.node_of_row[i])]) {
      const std::int32_t column = pattern.row_of_node[index(entry.node)];
      const bool is_source = column == kNoIndex;
      if (entry.part.empty() == is_varying) continue;
      if (kind != (is_source ? 2 : pattern.n_unknown[index(column)] - 1)) continue;
      for (const std::uint32_t part : entry.part) {
        out.addition.push_back({length(out.slot_y), part});
      }
      nodes.push_back(entry.node);
      positions.push_back(is_source ? 0 : pattern.block_at(i, column));
      (is_varying ? out.slot_y : out.fixed_y).push_back(parts(entry.y));
    }
    *end[kind] = length(nodes);
  }
}

void write_rows(const SparseMatrix& matrix, const SparsePattern& pattern,
                SparsePlan::Storage& out) {
  for (std::size_t i = 0; i < pattern.n_row(); ++i) {
    SparseRow row{};
    row.node = pattern.node_of_row[i];
    row.controlled = matrix.controlled_of_node[index(row.node)];
    row.unknown = pattern.first_unknown[i];
    write_range(matrix, pattern, i, false, row.fixed, out);
    write_range(matrix, pattern, i, true, row.varying, out);
    out.row.push_back(row);
  }
  for (SparseRow& row : out.row) {
    const SparseEntry& entry = matrix.diagonal[index(row.node)];
    out.diagonal_y.push_back(parts(entry.y));
    row.diagonal_slot = kNoIndex;
    if (entry.part.empty()) continue;
    row.diagonal_slot = static_cast<std::int32_t>(out.slot_y.size());
    for (const std::uint32_t part : entry.part) out.addition.push_back({length(out.slot_y), part});
    out.slot_y.push_back({0.0, 0.0});
  }
}

// Blocks of a row to which no admittance belongs.
void write_fill(const SparseMatrix& matrix, const SparsePattern& pattern, std::size_t i,
                SparsePlan::Storage& out) {
  std::vector<std::int32_t> own;
  for (const SparseEntry& entry : matrix.beside[index(pattern.node_of_row[i])]) {
    own.push_back(pattern.row_of_node[index(entry.node)]);
  }
  std::sort(own.begin(), own.end());
  for (const std::vector<std::int32_t>* columns : {&pattern.lower[i], &pattern.upper[i]}) {
    for (const std::int32_t column : *columns) {
      if (std::binary_search(own.begin(), own.end(), column)) continue;
      const std::uint32_t at = pattern.block_at(i, column);
      const std::uint32_t size = pattern.n_unknown[i] * pattern.n_unknown[index(column)];
      for (std::uint32_t k = 0; k < size; ++k) out.fill.push_back(at + k);
    }
  }
}

// The blocks of one row under elimination, with what is subtracted from each.
class RowTargets {
 public:
  explicit RowTargets(const SparsePattern& pattern)
      : pattern_(pattern), target_of_column_(pattern.n_row()) {}

  void write(std::size_t i, SparsePlan::Storage& out) {
    find_targets(i);
    find_terms(i);
    for (std::size_t t = 0; t < targets_.size(); ++t) {
      targets_[t].n_one = length(terms_[t][0]);
      targets_[t].n_two = length(terms_[t][1]);
      for (const auto& of_kind : terms_[t]) {
        out.term.insert(out.term.end(), of_kind.begin(), of_kind.end());
      }
    }
    out.target.insert(out.target.end(), targets_.begin(), targets_.end());
  }

 private:
  void find_targets(std::size_t i) {
    targets_.clear();
    const auto add = [&](std::uint32_t at, std::size_t column) {
      target_of_column_[column] = targets_.size();
      targets_.push_back({at, 0, 0, pattern_.n_unknown[column]});
    };
    const std::vector<std::int32_t>& lower = pattern_.lower[i];
    for (std::size_t k = 0; k < lower.size(); ++k) add(pattern_.lower_at[i][k], index(lower[k]));
    add(0, i);
    right_side_ = targets_.size();
    targets_.push_back({pattern_.upper_at[i][0], 0, 0, 1});
    const std::vector<std::int32_t>& upper = pattern_.upper[i];
    for (std::size_t k = 0; k < upper.size(); ++k) {
      add(pattern_.upper_at[i][k + 1], index(upper[k]));
    }
  }

  void find_terms(std::size_t i) {
    terms_.resize(std::max(terms_.size(), targets_.size()));
    for (auto& of_target : terms_) {
      for (auto& of_kind : of_target) of_kind.clear();
    }
    for (std::size_t k = 0; k < pattern_.lower[i].size(); ++k) {
      const std::size_t m = index(pattern_.lower[i][k]);
      const std::size_t kind = pattern_.n_unknown[m] - 1;
      const std::uint32_t at = pattern_.lower_at[i][k];
      terms_[right_side_][kind].push_back({at, pattern_.upper_at[m][0]});
      for (std::size_t j = 0; j < pattern_.upper[m].size(); ++j) {
        const std::size_t target = target_of_column_[index(pattern_.upper[m][j])];
        terms_[target][kind].push_back({at, pattern_.upper_at[m][j + 1]});
      }
    }
  }

  const SparsePattern& pattern_;
  std::vector<std::size_t> target_of_column_;  // (n_row)
  std::vector<SparseTarget> targets_;
  std::size_t right_side_ = 0;                                 // its target
  std::vector<std::array<std::vector<SparseTerm>, 2>> terms_;  // of each target, by unknowns
};

// The order of all block operations.
void write_elimination(const SparseMatrix& matrix, const SparsePattern& pattern,
                       SparsePlan::Storage& out) {
  RowTargets targets(pattern);
  for (std::size_t i = 0; i < pattern.n_row(); ++i) {
    targets.write(i, out);
    SparseRow& row = out.row[i];
    row.n_lower = length(pattern.lower[i]);
    row.n_upper_one = 1;
    row.upper = pattern.upper_at[i][0];
    row.upper_column = length(out.column);
    for (const std::int32_t column : pattern.upper[i]) {
      ++(pattern.n_unknown[index(column)] == 1 ? row.n_upper_one : row.n_upper_two);
      out.column.push_back(pattern.first_unknown[index(column)]);
    }
    write_fill(matrix, pattern, i, out);
    row.fill_end = length(out.fill);
  }
}

void write_start(const NetworkData& data, SparsePlan::Storage& out) {
  for (std::size_t i = 0; i < data.start_vm_pu.size(); ++i) {
    const double angle = data.start_va_degree[i] * std::numbers::pi / 180.0;
    out.start.push_back(parts(std::polar(data.start_vm_pu[i], angle)));
  }
  out.magnitude_supply = supply_order(data, false);
  out.angle_supply = supply_order(data, true);
}

template <class T>
SparseArray<T> view(const std::vector<T>& values) {
  return {values.data(), length(values)};
}

}  // namespace

std::unique_ptr<const SparsePlan> make_sparse_plan(const NetworkData& data) {
  auto storage = std::make_unique<SparsePlan::Storage>();
  auto plan = std::make_unique<SparsePlan>();
  SparseMatrix matrix = make_sparse_matrix(data);
  const SparsePattern pattern = make_sparse_pattern(matrix);
  write_rows(matrix, pattern, *storage);
  write_elimination(matrix, pattern, *storage);
  write_start(data, *storage);
  storage->controlled = std::move(matrix.controlled);
  storage->end = std::move(matrix.end);
  storage->tap = std::move(matrix.tap);
  storage->fixed_branch = std::move(matrix.fixed_branch);
  storage->varying_branch = std::move(matrix.varying_branch);
  plan->n_unknown = pattern.n_unknown_in_all;
  plan->n_factor = pattern.n_factor;
  plan->unloaded_sign = unloaded_sign(matrix, pattern);
  plan->row = view(storage->row);
  plan->target = view(storage->target);
  plan->term = view(storage->term);
  plan->fill = view(storage->fill);
  plan->column = view(storage->column);
  plan->fixed_node = view(storage->fixed_node);
  plan->fixed_at = view(storage->fixed_at);
  plan->fixed_y = view(storage->fixed_y);
  plan->varying_node = view(storage->varying_node);
  plan->varying_at = view(storage->varying_at);
  plan->diagonal_y = view(storage->diagonal_y);
  plan->slot_y = view(storage->slot_y);
  plan->addition = view(storage->addition);
  plan->tap = view(storage->tap);
  plan->fixed_branch = view(storage->fixed_branch);
  plan->varying_branch = view(storage->varying_branch);
  plan->controlled = view(storage->controlled);
  plan->end = view(storage->end);
  plan->start = view(storage->start);
  plan->magnitude_supply = view(storage->magnitude_supply);
  plan->angle_supply = view(storage->angle_supply);
  plan->storage = std::move(storage);
  return plan;
}

}  // namespace powergrid
