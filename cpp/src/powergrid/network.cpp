#include "powergrid/network.hpp"

#include <utility>

#include "network_checks.hpp"
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

}  // namespace

Network::Network(NetworkData data) : data_(std::move(data)), method_(natural_method(data_)) {
  prepare();
}

Network::Network(NetworkData data, Method method) : data_(std::move(data)), method_(method) {
  if (natural_method(data_) == Method::kSparse && method_ == Method::kTree) {
    throw InvalidArgument(
        "the network does not fit the tree method: it has loops, held voltages, phase-shifting "
        "taps or branches that differ by direction; use the sparse method");
  }
  prepare();
}

Network::~Network() = default;

void Network::prepare() {
  if (method_ == Method::kTree) {
    tree_ = make_tree_plan(data_);
  } else {
    check_admittances(data_);
    sparse_ = make_sparse_plan(data_);
  }
}

}  // namespace powergrid
