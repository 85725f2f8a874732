#pragma once

#include <cstdint>
#include <vector>

namespace powergrid {

// An order in which to eliminate the nodes of an undirected graph so that few new edges arise: at
// each step the node of the smallest degree in what is left, ties broken by the fewest new edges,
// then by number. `neighbour[i]` lists the nodes joined to i, ascending, without i.
[[nodiscard]] std::vector<std::int32_t> elimination_order(
    std::vector<std::vector<std::int32_t>> neighbour);

}  // namespace powergrid
