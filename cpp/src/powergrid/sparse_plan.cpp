#include "sparse_plan.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <complex>
#include <map>
#include <numbers>
#include <utility>

#include "elimination_order.hpp"

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
  std::vector<SparseComplex> slot_y;
  std::vector<SparseAddition> addition;
  std::vector<SparseTap> tap;
  std::vector<SparseBranch> fixed_branch;
  std::vector<SparseBranch> varying_branch;
  std::vector<SparseControlled> controlled;
  std::vector<SparseEnd> end;
  std::vector<SparseComplex> start;
  std::vector<std::int32_t> idle_branch;
};

SparsePlan::SparsePlan() = default;
SparsePlan::~SparsePlan() = default;

namespace {

using Complex = std::complex<double>;

constexpr std::int32_t kNone = -1;

std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }
template <class T>
std::uint32_t count(const std::vector<T>& values) {
  return static_cast<std::uint32_t>(values.size());
}
SparseComplex parts(Complex z) { return {z.real(), z.imag()}; }
Complex direction(double degree) { return std::polar(1.0, degree * std::numbers::pi / 180.0); }

// An off-diagonal admittance of a row under construction.
struct Entry {
  std::int32_t node = kNone;
  Complex y;
  std::vector<std::uint32_t> part;  // of varying branches, as in SparseAddition
  double series_b = 0.0;            // of all branches between the nodes
};

class Builder {
 public:
  explicit Builder(const NetworkData& data) : data_(data) {}

  void build(SparsePlan& plan, SparsePlan::Storage& out) {
    find_controlled(out);
    find_branches(out);
    find_order();
    find_pattern();
    plan.n_unknown = place_blocks(plan);
    // Without load and resistance, angles see the active powers alone and magnitudes the reactive.
    plan.unloaded_sign = sign_of_susceptance(1) * sign_of_susceptance(2);
    write_admittances(out);
    write_elimination(out);
    for (std::size_t i = 0; i < data_.start_vm_pu.size(); ++i) {
      out.start.push_back(parts(data_.start_vm_pu[i] * direction(data_.start_va_degree[i])));
    }
  }

 private:
  std::size_t n_node() const { return data_.p_fixed_pu.size(); }
  std::uint32_t n_unknown_of(std::int32_t row) const {
    return controlled_of_node_[index(node_of_row_[index(row)])] == kNone ? 2 : 1;
  }

  void find_controlled(SparsePlan::Storage& out) {
    controlled_of_node_.assign(n_node(), kNone);
    is_source_.assign(n_node(), false);
    for (std::size_t c = 0; c < data_.controlled_node.size(); ++c) {
      const std::size_t node = index(data_.controlled_node[c]);
      controlled_of_node_[node] = static_cast<std::int32_t>(c);
      is_source_[node] = data_.is_source[c] != 0;
      const Complex at = direction(data_.controlled_va_degree[c]);
      out.controlled.push_back(
          {data_.controlled_node[c], 0, is_source_[node], at.real(), at.imag()});
    }
  }

  // Two-ports of all branches, and their shares in the rows of the admittance matrix.
  void find_branches(SparsePlan::Storage& out) {
    std::vector<std::vector<std::uint32_t>> taps(data_.from_node.size());
    for (std::size_t t = 0; t < data_.tap_branch.size(); ++t) {
      if (data_.tap_branch[t] >= 0) {
        taps[index(data_.tap_branch[t])].push_back(static_cast<std::uint32_t>(t));
      }
    }
    diagonal_.resize(n_node());
    beside_.resize(n_node());
    std::vector<std::vector<SparseEnd>> ends(n_node());
    for (std::size_t b = 0; b < data_.from_node.size(); ++b) {
      if (data_.from_node[b] < 0) {
        out.idle_branch.push_back(static_cast<std::int32_t>(b));
        continue;
      }
      const SparseBranch branch = two_port(b);
      ends[index(branch.from)].push_back(static_cast<SparseEnd>(2 * b));
      ends[index(branch.to)].push_back(static_cast<SparseEnd>(2 * b + 1));
      const std::uint32_t varying = count(out.varying_branch);
      for (const std::uint32_t tap : taps[b]) {
        out.tap.push_back({tap, varying, data_.tap_is_to[tap] != 0});
      }
      (taps[b].empty() ? out.fixed_branch : out.varying_branch).push_back(branch);
      const std::array<std::int32_t, 2> node{branch.from, branch.to};
      for (std::uint32_t part = 0; part < 4; ++part) {
        Entry& entry = entry_of(node[part / 2], node[part % 2]);
        if (taps[b].empty()) {
          entry.y += Complex(branch.y[2 * part], branch.y[2 * part + 1]);
        } else {
          entry.part.push_back(4 * varying + part);
        }
        entry.series_b -= (1.0 / Complex(data_.r_pu[b], data_.x_pu[b])).imag();
      }
    }
    for (SparseControlled& controlled : out.controlled) {
      const std::vector<SparseEnd>& end = ends[index(controlled.node)];
      out.end.insert(out.end.end(), end.begin(), end.end());
      controlled.end = count(out.end);
    }
  }

  SparseBranch two_port(std::size_t b) const {
    const Complex y_from = 1.0 / Complex(data_.r_pu[b], data_.x_pu[b]);
    const Complex y_to = 1.0 / Complex(data_.r_back_pu[b], data_.x_back_pu[b]);
    const Complex t = data_.ratio[b] * direction(data_.shift_degree[b]);
    const Complex ff = (y_from + Complex(data_.g_from_pu[b], data_.b_from_pu[b])) / std::norm(t);
    const Complex ft = -y_from / std::conj(t);
    const Complex tf = -y_to / t;
    const Complex tt = y_to + Complex(data_.g_to_pu[b], data_.b_to_pu[b]);
    return {
        static_cast<std::int32_t>(b),
        data_.from_node[b],
        data_.to_node[b],
        {ff.real(), ff.imag(), ft.real(), ft.imag(), tf.real(), tf.imag(), tt.real(), tt.imag()}};
  }

  Entry& entry_of(std::int32_t row_node, std::int32_t node) {
    if (row_node == node) return diagonal_[index(node)];
    std::vector<Entry>& entries = beside_[index(row_node)];
    const auto at = std::lower_bound(entries.begin(), entries.end(), node,
                                     [](const Entry& e, std::int32_t n) { return e.node < n; });
    if (at != entries.end() && at->node == node) return *at;
    return *entries.insert(at, Entry{node, {}, {}});
  }

  void find_order() {
    std::vector<std::int32_t> number(n_node(), kNone);  // among the nodes that are no source
    std::vector<std::int32_t> node_of_number;
    for (std::size_t i = 0; i < n_node(); ++i) {
      if (is_source_[i]) continue;
      number[i] = static_cast<std::int32_t>(node_of_number.size());
      node_of_number.push_back(static_cast<std::int32_t>(i));
    }
    std::vector<std::vector<std::int32_t>> neighbour(node_of_number.size());
    for (std::size_t i = 0; i < neighbour.size(); ++i) {
      for (const Entry& entry : beside_[index(node_of_number[i])]) {
        if (!is_source_[index(entry.node)]) neighbour[i].push_back(number[index(entry.node)]);
      }
    }
    row_of_node_.assign(n_node(), kNone);
    for (const std::int32_t i : elimination_order(std::move(neighbour))) {
      row_of_node_[index(node_of_number[index(i)])] =
          static_cast<std::int32_t>(node_of_row_.size());
      node_of_row_.push_back(node_of_number[index(i)]);
    }
  }

  // Rows and columns of the blocks of the factor: what a row's own admittances and the rows
  // eliminated into it bring.
  void find_pattern() {
    const std::size_t n_row = node_of_row_.size();
    upper_.resize(n_row);
    lower_.resize(n_row);
    for (std::size_t i = 0; i < n_row; ++i) {
      const std::int32_t row = static_cast<std::int32_t>(i);
      std::vector<std::int32_t>& upper = upper_[i];
      for (const Entry& entry : beside_[index(node_of_row_[i])]) {
        const std::int32_t column = row_of_node_[index(entry.node)];
        if (column > row) upper.push_back(column);
      }
      // A row passes its pattern on through the first row that it touches.
      for (const std::int32_t k : lower_[i]) {
        if (*std::min_element(upper_[index(k)].begin(), upper_[index(k)].end()) != row) continue;
        for (const std::int32_t column : upper_[index(k)]) {
          if (column > row) upper.push_back(column);
        }
      }
      std::sort(upper.begin(), upper.end());
      upper.erase(std::unique(upper.begin(), upper.end()), upper.end());
      for (const std::int32_t column : upper) lower_[index(column)].push_back(row);
      std::stable_sort(upper.begin(), upper.end(), [&](std::int32_t a, std::int32_t b) {
        return n_unknown_of(a) < n_unknown_of(b);
      });
    }
  }

  // Where each block stands in the factor; returns the number of unknowns.
  std::uint32_t place_blocks(SparsePlan& plan) {
    std::uint32_t lower_size = 0;
    for (std::size_t i = 0; i < node_of_row_.size(); ++i) {
      const std::uint32_t n = n_unknown_of(static_cast<std::int32_t>(i));
      std::uint32_t at = 0;
      std::vector<std::uint32_t> position;
      for (const std::int32_t column : lower_[i]) {
        position.push_back(at);
        at += n * n_unknown_of(column);
      }
      lower_at_.push_back(std::move(position));
      lower_size = std::max(lower_size, at);
    }
    std::uint32_t at = lower_size;
    std::uint32_t n_unknown = 0;
    for (std::size_t i = 0; i < node_of_row_.size(); ++i) {
      const std::uint32_t n = n_unknown_of(static_cast<std::int32_t>(i));
      first_unknown_.push_back(n_unknown);
      n_unknown += n;
      std::vector<std::uint32_t> position{at};  // of the right-hand side
      at += n;
      for (const std::int32_t column : upper_[i]) {
        position.push_back(at);
        at += n * n_unknown_of(column);
      }
      upper_at_.push_back(std::move(position));
    }
    plan.n_factor = at;
    return n_unknown;
  }

  std::uint32_t block_at(std::size_t row, std::int32_t column) const {
    const bool is_lower = column < static_cast<std::int32_t>(row);
    const std::vector<std::int32_t>& columns = is_lower ? lower_[row] : upper_[row];
    const auto at = std::find(columns.begin(), columns.end(), column) - columns.begin();
    return is_lower ? lower_at_[row][static_cast<std::size_t>(at)]
                    : upper_at_[row][static_cast<std::size_t>(at) + 1];
  }

  // Sign of the determinant of the series susceptances between nodes of at least so many unknowns.
  // It is negative only by a negative reactance, such as the star of a three-winding transformer
  // may have.
  double sign_of_susceptance(std::uint32_t n_unknown) const {
    std::vector<std::map<std::int32_t, double>> upper(node_of_row_.size());
    double sign = 1.0;
    for (std::size_t i = 0; i < upper.size(); ++i) {
      const std::int32_t row = static_cast<std::int32_t>(i);
      if (n_unknown_of(row) < n_unknown) continue;
      for (const Entry& entry : beside_[index(node_of_row_[i])]) {
        const std::int32_t column = row_of_node_[index(entry.node)];
        upper[i][row] += entry.series_b;
        if (column > row && n_unknown_of(column) >= n_unknown) upper[i][column] -= entry.series_b;
      }
      const double pivot = upper[i][row];
      if (pivot < 0.0) sign = -sign;
      for (auto a = upper[i].upper_bound(row); a != upper[i].end(); ++a) {
        for (auto b = a; b != upper[i].end(); ++b) {
          upper[index(a->first)][b->first] -= a->second * b->second / pivot;
        }
      }
    }
    return sign;
  }

  void write_admittances(SparsePlan::Storage& out) {
    const std::uint32_t n_row = static_cast<std::uint32_t>(node_of_row_.size());
    for (std::uint32_t i = 0; i < n_row; ++i) {
      const Entry& entry = diagonal_[index(node_of_row_[i])];
      out.slot_y.push_back(parts(entry.y));
      for (const std::uint32_t part : entry.part) out.addition.push_back({i, part});
    }
    for (std::uint32_t i = 0; i < n_row; ++i) {
      SparseRow row{};
      row.node = node_of_row_[i];
      row.controlled = controlled_of_node_[index(row.node)];
      // Nodes of one unknown, of two, sources.
      std::array<std::vector<const Entry*>, 3> fixed;
      std::array<std::vector<const Entry*>, 3> varying;
      for (const Entry& entry : beside_[index(row.node)]) {
        const std::int32_t column = row_of_node_[index(entry.node)];
        const std::size_t kind = column == kNone ? 2 : n_unknown_of(column) - 1;
        (entry.part.empty() ? fixed : varying)[kind].push_back(&entry);
      }
      const auto position = [&](const Entry& entry) {
        const std::int32_t column = row_of_node_[index(entry.node)];
        return column == kNone ? 0 : block_at(i, column);
      };
      row.fixed.begin = count(out.fixed_node);
      const std::array<std::uint32_t*, 3> fixed_end{&row.fixed.one_end, &row.fixed.two_end,
                                                    &row.fixed.end};
      row.varying.begin = count(out.varying_node);
      const std::array<std::uint32_t*, 3> varying_end{&row.varying.one_end, &row.varying.two_end,
                                                      &row.varying.end};
      for (std::size_t kind = 0; kind < 3; ++kind) {
        for (const Entry* entry : fixed[kind]) {
          out.fixed_node.push_back(entry->node);
          out.fixed_at.push_back(position(*entry));
          out.fixed_y.push_back(parts(entry->y));
        }
        *fixed_end[kind] = count(out.fixed_node);
        for (const Entry* entry : varying[kind]) {
          for (const std::uint32_t part : entry->part) {
            out.addition.push_back({count(out.slot_y), part});
          }
          out.varying_node.push_back(entry->node);
          out.varying_at.push_back(position(*entry));
          out.slot_y.push_back(parts(entry->y));
        }
        *varying_end[kind] = count(out.varying_node);
      }
      out.row.push_back(row);
    }
  }

  // The order of all block operations.
  void write_elimination(SparsePlan::Storage& out) {
    const std::size_t n_row = node_of_row_.size();
    // Of the row in work: the target of each column, and the terms of each target.
    std::vector<std::size_t> target_of_column(n_row, 0);
    std::vector<std::array<std::vector<SparseTerm>, 2>> terms;
    for (std::size_t i = 0; i < n_row; ++i) {
      SparseRow& row = out.row[i];
      const std::uint32_t n = n_unknown_of(static_cast<std::int32_t>(i));
      const std::size_t n_lower = lower_[i].size();
      std::vector<SparseTarget> targets;
      const auto add_target = [&](std::uint32_t at, std::uint32_t n_unknown) {
        targets.push_back({at, 0, 0, n_unknown});
      };
      for (std::size_t k = 0; k < n_lower; ++k) {
        target_of_column[index(lower_[i][k])] = targets.size();
        add_target(lower_at_[i][k], n_unknown_of(lower_[i][k]));
      }
      target_of_column[i] = targets.size();
      add_target(0, n);
      const std::size_t right_side = targets.size();
      add_target(upper_at_[i][0], 1);
      for (std::size_t k = 0; k < upper_[i].size(); ++k) {
        target_of_column[index(upper_[i][k])] = targets.size();
        add_target(upper_at_[i][k + 1], n_unknown_of(upper_[i][k]));
      }

      terms.resize(std::max(terms.size(), targets.size()));
      for (auto& of_target : terms) {
        of_target[0].clear();
        of_target[1].clear();
      }
      for (std::size_t k = 0; k < n_lower; ++k) {
        const std::size_t m = index(lower_[i][k]);
        const std::size_t kind = n_unknown_of(lower_[i][k]) - 1;
        terms[right_side][kind].push_back({lower_at_[i][k], upper_at_[m][0]});
        for (std::size_t j = 0; j < upper_[m].size(); ++j) {
          terms[target_of_column[index(upper_[m][j])]][kind].push_back(
              {lower_at_[i][k], upper_at_[m][j + 1]});
        }
      }
      for (std::size_t t = 0; t < targets.size(); ++t) {
        targets[t].n_one = count(terms[t][0]);
        targets[t].n_two = count(terms[t][1]);
        for (const auto& of_kind : terms[t]) {
          out.term.insert(out.term.end(), of_kind.begin(), of_kind.end());
        }
      }
      out.target.insert(out.target.end(), targets.begin(), targets.end());

      row.n_lower = static_cast<std::uint32_t>(n_lower);
      row.n_upper_one = 1;
      for (const std::int32_t column : upper_[i]) {
        ++(n_unknown_of(column) == 1 ? row.n_upper_one : row.n_upper_two);
      }
      row.upper = upper_at_[i][0];
      row.upper_column = count(out.column);
      for (const std::int32_t column : upper_[i]) {
        out.column.push_back(first_unknown_[index(column)]);
      }
      row.unknown = first_unknown_[i];
      write_fill(i, out);
      row.fill_end = count(out.fill);
    }
  }

  // Blocks of a row to which no admittance belongs.
  void write_fill(std::size_t i, SparsePlan::Storage& out) {
    const std::uint32_t n = n_unknown_of(static_cast<std::int32_t>(i));
    std::vector<std::int32_t> own;
    for (const Entry& entry : beside_[index(node_of_row_[i])]) {
      own.push_back(row_of_node_[index(entry.node)]);
    }
    for (const std::vector<std::int32_t>* columns : {&lower_[i], &upper_[i]}) {
      for (const std::int32_t column : *columns) {
        if (std::find(own.begin(), own.end(), column) != own.end()) continue;
        const std::uint32_t at = block_at(i, column);
        for (std::uint32_t k = 0; k < n * n_unknown_of(column); ++k) out.fill.push_back(at + k);
      }
    }
  }

  const NetworkData& data_;
  std::vector<std::int32_t> controlled_of_node_;      // (n_node)
  std::vector<bool> is_source_;                       // (n_node)
  std::vector<Entry> diagonal_;                       // (n_node)
  std::vector<std::vector<Entry>> beside_;            // off-diagonal, ascending by node, (n_node)
  std::vector<std::int32_t> row_of_node_;             // -1 for a source, (n_node)
  std::vector<std::int32_t> node_of_row_;             // (n_row)
  std::vector<std::uint32_t> first_unknown_;          // (n_row)
  std::vector<std::vector<std::int32_t>> lower_;      // columns, ascending, (n_row)
  std::vector<std::vector<std::int32_t>> upper_;      // of one unknown first, (n_row)
  std::vector<std::vector<std::uint32_t>> lower_at_;  // positions of the blocks, (n_row)
  std::vector<std::vector<std::uint32_t>> upper_at_;  // the right-hand side's first, (n_row)
};

template <class T>
SparseArray<T> view(const std::vector<T>& values) {
  return {values.data(), count(values)};
}

}  // namespace

std::unique_ptr<const SparsePlan> make_sparse_plan(const NetworkData& data) {
  auto storage = std::make_unique<SparsePlan::Storage>();
  auto plan = std::make_unique<SparsePlan>();
  Builder(data).build(*plan, *storage);
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
  plan->slot_y = view(storage->slot_y);
  plan->addition = view(storage->addition);
  plan->tap = view(storage->tap);
  plan->fixed_branch = view(storage->fixed_branch);
  plan->varying_branch = view(storage->varying_branch);
  plan->controlled = view(storage->controlled);
  plan->end = view(storage->end);
  plan->start = view(storage->start);
  plan->idle_branch = view(storage->idle_branch);
  plan->storage = std::move(storage);
  return plan;
}

}  // namespace powergrid
