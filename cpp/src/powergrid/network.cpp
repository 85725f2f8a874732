#include "powergrid/network.hpp"

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "io_plan.hpp"
#include "network_checks.hpp"
#include "plan_numbers.hpp"
#include "powergrid/error.hpp"
#include "sparse_plan.hpp"
#include "tree_plan.hpp"

namespace powergrid {
namespace {

// Checks before anything else looks at the data.
Method natural_method(const NetworkData& data) {
  check_network(data);
  return fits_tree(data) ? Method::kTree : Method::kSparse;
}

// How the network's method keeps nodes and voltages.
std::unique_ptr<const IoPlan> make_io_plan(const NetworkData& data, const TreePlan* tree,
                                           std::vector<std::int32_t> voltage_row) {
  IoPlan::Rows rows;
  rows.voltage_row = std::move(voltage_row);
  if (tree != nullptr) {
    rows.node = tree->node;
    rows.rotation_degree = tree->rotation_degree;
    rows.g_extra = tree->g_branch;
    rows.b_extra = tree->b_branch;
    rows.is_rewritten = tree->is_at_tap;
  }
  return std::make_unique<const IoPlan>(data, rows);
}

void check_variant(const Network& variant, const Network& base,
                   const std::vector<std::int32_t>& voltage_row) {
  if (&base.base() != &base) {
    throw InvalidArgument("the base of a variant is a variant itself; take that one's base");
  }
  const auto check = [](const char* what, std::size_t n, std::size_t expected) {
    if (n == expected) return;
    throw InvalidArgument("the variant has " + std::to_string(n) + " " + what +
                          ", but its base has " + std::to_string(expected));
  };
  check("buses", variant.n_bus(), base.n_bus());
  check("branches", variant.n_branch(), base.n_branch());
  check("controlled nodes", variant.n_controlled(), base.n_controlled());
  check("tap changers", variant.n_tap(), base.n_tap());
  check("injections", variant.n_injection(), base.n_injection());
  check("shunts", variant.n_shunt(), base.n_shunt());
  if (voltage_row.size() != variant.n_node()) {
    throw InvalidArgument("voltage_row has " + std::to_string(voltage_row.size()) +
                          " values, expected " + std::to_string(variant.n_node()) +
                          ": one for each node");
  }
  std::vector<std::int32_t> sorted = voltage_row;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.front() < 0 || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    throw InvalidArgument("voltage_row has a negative row, or one twice");
  }
}

}  // namespace

Network::Network(NetworkData data) : data_(std::move(data)), method_(natural_method(data_)) {
  prepare({});
}

Network::Network(NetworkData data, Method method) : data_(std::move(data)), method_(method) {
  if (natural_method(data_) == Method::kSparse && method_ == Method::kTree) {
    throw InvalidArgument(
        "the network does not fit the tree method: it has loops, held voltages, phase-shifting "
        "taps or branches that differ by direction; use the sparse method");
  }
  prepare({});
}

Network::Network(NetworkData data, const Network& base, std::vector<std::int32_t> voltage_row)
    : data_(std::move(data)), method_(natural_method(data_)), base_(&base) {
  check_variant(*this, base, voltage_row);
  prepare(std::move(voltage_row));
}

Network::~Network() = default;

void Network::prepare(std::vector<std::int32_t> voltage_row) {
  if (voltage_row.empty()) {
    voltage_row.resize(n_node());
    std::iota(voltage_row.begin(), voltage_row.end(), 0);
  }
  n_voltage_row_ = index(*std::max_element(voltage_row.begin(), voltage_row.end())) + 1;
  if (method_ == Method::kTree) {
    tree_ = make_tree_plan(data_);
  } else {
    check_admittances(data_);
    sparse_ = make_sparse_plan(data_);
  }
  io_ = make_io_plan(data_, tree_.get(), std::move(voltage_row));
}

}  // namespace powergrid
