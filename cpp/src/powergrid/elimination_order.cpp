#include "elimination_order.hpp"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <queue>
#include <tuple>
#include <utility>

#include "plan_numbers.hpp"

namespace powergrid {
namespace {

using Nodes = std::vector<std::int32_t>;

// Nodes of higher degree come late whatever they fill, and counting it would take too long.
constexpr std::size_t kCountedDegree = 32;

// Edges that eliminating a node adds, twice each.
std::size_t fill_of(const std::vector<Nodes>& neighbour, std::int32_t node) {
  const Nodes& around = neighbour[index(node)];
  if (around.size() > kCountedDegree) return around.size() * around.size();
  std::size_t missing = 0;
  for (const std::int32_t other : around) {
    const Nodes& known = neighbour[index(other)];
    missing += around.size() - 1;
    auto from = known.begin();
    for (const std::int32_t third : around) {
      from = std::lower_bound(from, known.end(), third);
      if (from == known.end()) break;
      if (*from == third) --missing;
    }
  }
  return missing;
}

}  // namespace

std::vector<std::int32_t> elimination_order(std::vector<Nodes> neighbour) {
  using Candidate = std::tuple<std::size_t, std::size_t, std::int32_t>;  // degree, fill, node
  std::priority_queue<Candidate, std::vector<Candidate>, std::greater<>> queue;
  std::vector<Candidate> latest(neighbour.size());
  const auto enqueue = [&](std::int32_t node) {
    const Candidate candidate{neighbour[index(node)].size(), fill_of(neighbour, node), node};
    if (candidate == latest[index(node)]) return;
    latest[index(node)] = candidate;
    queue.push(candidate);
  };
  for (std::size_t i = 0; i < neighbour.size(); ++i) {
    latest[i] = {0, 0, -1};
    enqueue(static_cast<std::int32_t>(i));
  }

  Nodes order;
  Nodes joined;
  std::vector<bool> is_done(neighbour.size(), false);
  while (!queue.empty()) {
    const Candidate candidate = queue.top();
    queue.pop();
    const std::int32_t node = std::get<2>(candidate);
    if (is_done[index(node)] || candidate != latest[index(node)]) continue;
    is_done[index(node)] = true;
    order.push_back(node);
    const Nodes around = std::move(neighbour[index(node)]);
    neighbour[index(node)].clear();
    for (const std::int32_t other : around) {
      Nodes& known = neighbour[index(other)];
      joined.clear();
      std::set_union(known.begin(), known.end(), around.begin(), around.end(),
                     std::back_inserter(joined));
      std::erase_if(joined, [&](std::int32_t i) { return i == node || i == other; });
      known.assign(joined.begin(), joined.end());
    }
    for (const std::int32_t other : around) enqueue(other);
  }
  return order;
}

}  // namespace powergrid
