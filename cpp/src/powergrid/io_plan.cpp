#include "io_plan.hpp"

#include <complex>
#include <numeric>
#include <utility>

#include "plan_numbers.hpp"

namespace powergrid {
namespace {

double share(const std::vector<double>& shares, std::size_t i) noexcept {
  return shares.empty() ? 0.0 : shares[i];
}

}  // namespace

IoSums IoPlan::Sums::view() const noexcept {
  return {sums.data(), terms.data(), count(sums.size())};
}

// Terms by row of the group, each row's in the order in which they were added.
class IoPlan::Collector {
 public:
  explicit Collector(std::size_t n_row) : terms_(n_row) {}

  void add(std::int32_t row, std::size_t input, double real, double imaginary) {
    if (real != 0.0 || imaginary != 0.0) {
      terms_[index(row)].push_back({count(input), real, imaginary});
    }
  }
  // `is_wanted(row)` asks for a sum even without terms; `base(row)` is what no lane changes.
  template <class IsWanted, class Base>
  [[nodiscard]] Sums sums(IsWanted is_wanted, Base base) const {
    Sums all;
    for (std::size_t row = 0; row < terms_.size(); ++row) {
      if (terms_[row].empty() && !is_wanted(row)) continue;
      const std::int32_t first = count(all.terms.size());
      all.terms.insert(all.terms.end(), terms_[row].begin(), terms_[row].end());
      const auto [real, imaginary] = base(row);
      all.sums.push_back({count(row), first, count(all.terms.size()), real, imaginary});
    }
    return all;
  }
  [[nodiscard]] bool has_terms(std::size_t row) const { return !terms_[row].empty(); }

 private:
  std::vector<std::vector<IoTerm>> terms_;
};

IoPlan::IoPlan(const NetworkData& data, const Rows& rows) : data_(&data) {
  const std::size_t n_node = data.p_fixed_pu.size();
  std::vector<std::int32_t> node_at = rows.node;
  if (node_at.empty()) {
    node_at.resize(n_node);
    std::iota(node_at.begin(), node_at.end(), 0);
  }
  std::vector<std::int32_t> row_of(n_node);
  for (std::size_t row = 0; row < n_node; ++row) row_of[index(node_at[row])] = count(row);

  std::vector<std::vector<std::int32_t>> buses(n_node);
  for (std::size_t bus = 0; bus < data.node_of_bus.size(); ++bus) {
    const std::int32_t node = data.node_of_bus[bus];
    if (node >= 0) buses[index(node)].push_back(count(bus));
    node_of_bus_.push_back(node >= 0 ? row_of[index(node)] : -1);
  }
  for (std::size_t row = 0; row < n_node; ++row) {
    const std::size_t node = index(node_at[row]);
    const std::complex<double> rotation =
        direction(rows.rotation_degree.empty() ? 0.0 : rows.rotation_degree[row]);
    is_rotated_ |= rotation.real() != 1.0;
    const std::int32_t first_bus = count(bus_.size());
    bus_.insert(bus_.end(), buses[node].begin(), buses[node].end());
    nodes_.push_back({.voltage_row = rows.voltage_row[node],
                      .first_bus = first_bus,
                      .last_bus = count(bus_.size()),
                      .rotation_re = rotation.real(),
                      .rotation_im = rotation.imag(),
                      .p = data.p_fixed_pu[node],
                      .q = data.q_fixed_pu[node],
                      .g = data.g_shunt_pu[node] + share(rows.g_extra, row),
                      .b = data.b_shunt_pu[node] + share(rows.b_extra, row)});
  }

  Collector power(n_node), current(n_node), impedance(n_node), shunt(n_node);
  for (std::size_t i = 0; i < data.injection_node.size(); ++i) {
    if (data.injection_node[i] < 0) continue;
    const std::int32_t row = row_of[index(data.injection_node[i])];
    const double scale = data.injection_scale[i];
    const double p_current = share(data.p_current_share, i);
    const double q_current = share(data.q_current_share, i);
    const double p_impedance = share(data.p_impedance_share, i);
    const double q_impedance = share(data.q_impedance_share, i);
    power.add(row, i, scale * (1.0 - p_current - p_impedance),
              scale * (1.0 - q_current - q_impedance));
    current.add(row, i, scale * p_current, scale * q_current);
    // S injected at 1 p.u. is drawn by the admittance -conj(S).
    impedance.add(row, i, -scale * p_impedance, scale * q_impedance);
  }
  for (std::size_t i = 0; i < data.shunt_node.size(); ++i) {
    if (data.shunt_node[i] < 0) continue;
    shunt.add(row_of[index(data.shunt_node[i])], i, data.shunt_g_pu[i], data.shunt_b_pu[i]);
  }
  const auto never = [](std::size_t) { return false; };
  const auto nothing = [](std::size_t) { return std::pair(0.0, 0.0); };
  power_ = power.sums(never,
                      [this](std::size_t row) { return std::pair(nodes_[row].p, nodes_[row].q); });
  current_ = current.sums(never, nothing);
  impedance_ = impedance.sums(
      [&](std::size_t row) {
        return shunt.has_terms(row) || (!rows.is_rewritten.empty() && rows.is_rewritten[row] != 0);
      },
      [this](std::size_t row) { return std::pair(nodes_[row].g, nodes_[row].b); });
  shunt_ = shunt.sums(never, nothing);

  for (std::size_t i = 0; i < data.tap_branch.size(); ++i) {
    if (data.tap_branch[i] < 0 || data.from_node[index(data.tap_branch[i])] < 0) continue;
    const std::complex<double> added = data.tap_step[i] * direction(data.tap_angle_degree[i]);
    taps_.push_back({.row = count(i),
                     .kind = data.tap_kind[i],
                     .neutral = data.tap_neutral[i],
                     .step_re = added.real(),
                     .step_im = added.imag(),
                     .angle_degree = data.tap_angle_degree[i]});
  }
  for (std::size_t i = 0; i < data.from_node.size(); ++i) {
    entry_of_branch_.push_back(data.from_node[i] < 0 ? -1 : count(branches_.size()));
    if (data.from_node[i] < 0) continue;
    branches_.push_back({.branch = count(i),
                         .from = row_of[index(data.from_node[i])],
                         .to = row_of[index(data.to_node[i])],
                         .square_from = data.loading_from[i] * data.loading_from[i],
                         .square_to = data.loading_to[i] * data.loading_to[i]});
  }
}

IoView IoPlan::view() const noexcept {
  return {.n_node = count(nodes_.size()),
          .n_branch = count(data_->from_node.size()),
          .n_tap = count(data_->tap_branch.size()),
          .n_controlled = count(data_->controlled_node.size()),
          .has_current = !current_.sums.empty(),
          .is_rotated = is_rotated_,
          .nodes = nodes_.data(),
          .power = power_.view(),
          .current = current_.view(),
          .impedance = impedance_.view(),
          .shunt = shunt_.view(),
          .taps = taps_.data(),
          .n_io_tap = count(taps_.size()),
          .branches = branches_.data(),
          .n_io_branch = count(branches_.size()),
          .bus = bus_.data(),
          .node_of_bus = node_of_bus_.data(),
          .entry_of_branch = entry_of_branch_.data(),
          .base_mva = data_->base_mva};
}

}  // namespace powergrid
