#pragma once

#include <vector>

#include "powergrid/network.hpp"
#include "sparse_plan.hpp"

namespace powergrid {

// Every node that is no root behind the node that supplies it along the least impedance, nearest
// first. The roots are all controlled nodes, or the sources alone.
[[nodiscard]] std::vector<SparseSupply> supply_order(const NetworkData& data, bool is_source_only);

}  // namespace powergrid
