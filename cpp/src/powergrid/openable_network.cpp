#include "powergrid/openable_network.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>

#include "plan_numbers.hpp"
#include "powergrid/error.hpp"
#include "sparse_matrix.hpp"
#include "sparse_start.hpp"

namespace powergrid {
namespace {

// Sets of nodes, each known by its smallest member.
class Sets {
 public:
  explicit Sets(std::size_t n) : above_(n) { std::iota(above_.begin(), above_.end(), 0); }

  std::int32_t of(std::int32_t node) noexcept {
    while (above_[index(node)] != node) {
      node = above_[index(node)] = above_[index(above_[index(node)])];
    }
    return node;
  }
  void join(std::int32_t a, std::int32_t b) noexcept {
    a = of(a);
    b = of(b);
    above_[index(std::max(a, b))] = std::min(a, b);
  }

 private:
  std::vector<std::int32_t> above_;
};

// Sets of the nodes that closed switches make one.
Sets joined(const NetworkData& data, const std::vector<ClosedSwitch>& switches,
            const std::vector<std::uint8_t>& is_open) {
  Sets sets(data.p_fixed_pu.size());
  for (std::size_t i = 0; i < switches.size(); ++i) {
    if (is_open[i] == 0) sets.join(switches[i].from_node, switches[i].to_node);
  }
  return sets;
}

// Whether each set, by its smallest node, has a way to a source.
std::vector<bool> supplied(const NetworkData& data, Sets& sets) {
  const std::size_t n_node = data.p_fixed_pu.size();
  std::vector<std::vector<std::int32_t>> neighbours(n_node);
  for (std::size_t b = 0; b < data.from_node.size(); ++b) {
    if (data.from_node[b] < 0) continue;
    const std::int32_t from = sets.of(data.from_node[b]);
    const std::int32_t to = sets.of(data.to_node[b]);
    neighbours[index(from)].push_back(to);
    neighbours[index(to)].push_back(from);
  }
  std::vector<bool> is_supplied(n_node, false);
  std::vector<std::int32_t> todo;
  const auto reach = [&](std::int32_t set) {
    if (is_supplied[index(set)]) return;
    is_supplied[index(set)] = true;
    todo.push_back(set);
  };
  for (std::size_t c = 0; c < data.controlled_node.size(); ++c) {
    if (data.is_source[c] != 0 && data.controlled_node[c] >= 0) {
      reach(sets.of(data.controlled_node[c]));
    }
  }
  while (!todo.empty()) {
    const std::int32_t set = todo.back();
    todo.pop_back();
    for (const std::int32_t other : neighbours[index(set)]) reach(other);
  }
  return is_supplied;
}

void renumber(std::vector<std::int32_t>& nodes, const std::vector<std::int32_t>& number) {
  for (std::int32_t& node : nodes) {
    if (node >= 0) node = number[index(node)];
  }
}

// Values of nodes: those of a set's nodes added up.
void add_up(std::vector<double>& values, const std::vector<std::int32_t>& number,
            std::size_t n_node) {
  std::vector<double> sums(n_node, 0.0);
  for (std::size_t node = 0; node < values.size(); ++node) {
    if (number[node] >= 0) sums[index(number[node])] += values[node];
  }
  values = std::move(sums);
}

// Of a set's nodes the first.
void take_first(std::vector<double>& values, const std::vector<std::int32_t>& number,
                std::size_t n_node) {
  std::vector<double> taken(n_node, 0.0);
  for (std::size_t node = values.size(); node-- > 0;) {
    if (number[node] >= 0) taken[index(number[node])] = values[node];
  }
  values = std::move(taken);
}

// Each node's voltage as if the nearest held one supplied it without a drop, as a network's author
// gives it: what supplies a node may be another branch than in the base.
void follow_supply(NetworkData& data) {
  for (std::size_t c = 0; c < data.controlled_node.size(); ++c) {
    if (data.controlled_node[c] >= 0) {
      data.start_vm_pu[index(data.controlled_node[c])] = data.controlled_vm_pu[c];
    }
  }
  for (const SparseSupply& supply : supply_order(data, false)) {
    const bool is_to_end = data.to_node[index(supply.branch)] == supply.node;
    const double ratio = data.ratio[index(supply.branch)];
    const double raised = std::hypot(supply.first.re, supply.first.im);
    data.start_vm_pu[index(supply.node)] = data.start_vm_pu[index(supply.parent)] *
                                           (is_to_end ? 1.0 / ratio : ratio) *
                                           (supply.is_raised ? raised : 1.0 / raised);
  }
}

void check_numbers(std::string_view what, std::span<const std::int32_t> numbers, std::size_t n) {
  for (const std::int32_t number : numbers) {
    if (number >= 0 && index(number) < n) continue;
    throw InvalidArgument("there is no " + std::string(what) + " " + std::to_string(number) +
                          " to open: they are 0.." + std::to_string(n) + " exclusive");
  }
}

}  // namespace

OpenableNetwork::OpenableNetwork(const Network& base) : OpenableNetwork(base, base.data(), {}) {}

OpenableNetwork::OpenableNetwork(const Network& base, NetworkData data,
                                 std::vector<ClosedSwitch> switches)
    : base_(&base), data_(std::move(data)), switches_(std::move(switches)) {
  give_rows();
}

// The first node of those that make one of the base has that one's row, the others spare ones.
void OpenableNetwork::give_rows() {
  const NetworkData& base = base_->data();
  const std::size_t n_node = data_.p_fixed_pu.size();
  for (const ClosedSwitch& of : switches_) {
    check_numbers("node", std::initializer_list<std::int32_t>{of.from_node, of.to_node}, n_node);
  }
  Sets sets = joined(data_, switches_, std::vector<std::uint8_t>(switches_.size(), 0));
  std::vector<std::int32_t> base_of_set(n_node, -1);
  std::vector<std::int32_t> set_of_base(base.p_fixed_pu.size(), -1);
  const auto pair = [&](const std::vector<std::int32_t>& own,
                        const std::vector<std::int32_t>& theirs, std::string_view field) {
    bool fits = own.size() == theirs.size();
    for (std::size_t i = 0; fits && i < own.size(); ++i) {
      fits = (own[i] < 0) == (theirs[i] < 0);
      if (!fits || own[i] < 0) continue;
      std::int32_t& node = base_of_set[index(sets.of(own[i]))];
      std::int32_t& set = set_of_base[index(theirs[i])];
      if (node < 0 && set < 0) {
        node = theirs[i];
        set = sets.of(own[i]);
      }
      fits = node == theirs[i] && set == sets.of(own[i]);
    }
    if (!fits) {
      throw InvalidArgument(std::string(field) +
                            " is not the network's once the switches are closed");
    }
  };
  pair(data_.node_of_bus, base.node_of_bus, "node_of_bus");
  pair(data_.from_node, base.from_node, "from_node");
  pair(data_.to_node, base.to_node, "to_node");
  pair(data_.controlled_node, base.controlled_node, "controlled_node");
  pair(data_.injection_node, base.injection_node, "injection_node");
  pair(data_.shunt_node, base.shunt_node, "shunt_node");
  std::int32_t next = count(base.p_fixed_pu.size());
  voltage_row_.resize(n_node);
  for (std::size_t node = 0; node < n_node; ++node) {
    const std::int32_t of_base = base_of_set[node];  // -1 unless the node is its set's first
    if (of_base < 0 && sets.of(count(node)) == count(node)) {
      throw InvalidArgument("node " + std::to_string(node) +
                            " is none of the network's once the switches are closed");
    }
    voltage_row_[node] = of_base >= 0 ? of_base : next++;
  }
  n_spare_node_ = index(next) - base.p_fixed_pu.size();
}

std::unique_ptr<Network> OpenableNetwork::opened(std::span<const std::int32_t> branches,
                                                 std::span<const std::int32_t> switches) const {
  check_numbers("branch", branches, data_.from_node.size());
  check_numbers("switch", switches, switches_.size());
  NetworkData data = data_;
  for (const std::int32_t branch : branches) {
    data.from_node[index(branch)] = data.to_node[index(branch)] = -1;
  }
  std::vector<std::uint8_t> is_open(switches_.size(), 0);
  for (const std::int32_t number : switches) is_open[index(number)] = 1;
  Sets sets = joined(data, switches_, is_open);
  const std::vector<bool> is_supplied = supplied(data, sets);

  const std::size_t n_old = data.p_fixed_pu.size();
  std::vector<std::int32_t> number(n_old, -1);
  std::vector<std::int32_t> voltage_row;
  for (std::size_t node = 0; node < n_old; ++node) {
    const std::size_t set = index(sets.of(count(node)));
    if (!is_supplied[set]) continue;
    if (set == node) {
      number[node] = count(voltage_row.size());
      voltage_row.push_back(voltage_row_[node]);
    } else {
      number[node] = number[set];
      // The least row: a node of the base keeps its own.
      std::int32_t& row = voltage_row[index(number[set])];
      row = std::min(row, voltage_row_[node]);
    }
  }
  const std::size_t n_node = voltage_row.size();
  if (n_node == 0) throw InvalidArgument("nothing is supplied any more: the network has no source");
  for (auto* nodes : {&data.node_of_bus, &data.from_node, &data.to_node, &data.controlled_node,
                      &data.injection_node, &data.shunt_node}) {
    renumber(*nodes, number);
  }
  for (auto* values : {&data.p_fixed_pu, &data.q_fixed_pu, &data.g_shunt_pu, &data.b_shunt_pu}) {
    add_up(*values, number, n_node);
  }
  for (auto* values : {&data.start_vm_pu, &data.start_va_degree}) {
    take_first(*values, number, n_node);
  }
  follow_supply(data);
  return std::make_unique<Network>(std::move(data), *base_, std::move(voltage_row));
}

}  // namespace powergrid
