#include "elimination_order.hpp"

#include <doctest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <set>
#include <utility>
#include <vector>

namespace {

using Graph = std::vector<std::vector<std::int32_t>>;
using powergrid::elimination_order;

std::size_t index(std::int32_t i) { return static_cast<std::size_t>(i); }

Graph graph(std::size_t n, const std::vector<std::pair<std::int32_t, std::int32_t>>& edges) {
  std::vector<std::set<std::int32_t>> joined(n);
  for (const auto& [a, b] : edges) {
    if (a == b) continue;
    joined[index(a)].insert(b);
    joined[index(b)].insert(a);
  }
  Graph out;
  for (const auto& of_node : joined) out.emplace_back(of_node.begin(), of_node.end());
  return out;
}

// Edges that eliminating the nodes in this order adds.
std::size_t fill(const Graph& start, const std::vector<std::int32_t>& order) {
  std::vector<std::set<std::int32_t>> joined;
  for (const auto& of_node : start) joined.emplace_back(of_node.begin(), of_node.end());
  std::size_t added = 0;
  for (const std::int32_t node : order) {
    const std::set<std::int32_t> around = joined[index(node)];
    for (const std::int32_t a : around) {
      joined[index(a)].erase(node);
      for (const std::int32_t b : around) {
        if (a < b && joined[index(a)].insert(b).second) {
          joined[index(b)].insert(a);
          ++added;
        }
      }
    }
  }
  return added;
}

bool is_permutation(std::vector<std::int32_t> order, std::size_t n) {
  std::sort(order.begin(), order.end());
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (order[i] != static_cast<std::int32_t>(i)) return false;
  }
  return order.size() == n;
}

}  // namespace

TEST_CASE("every node is eliminated once") {
  std::mt19937 random(1);
  std::vector<std::pair<std::int32_t, std::int32_t>> edges;
  for (int k = 0; k < 300; ++k) {
    edges.emplace_back(static_cast<std::int32_t>(random() % 200),
                       static_cast<std::int32_t>(random() % 200));
  }
  const Graph random_graph = graph(200, edges);
  CHECK(is_permutation(elimination_order(random_graph), 200));
  CHECK(elimination_order({}).empty());
}

TEST_CASE("a tree is eliminated without fill") {
  std::mt19937 random(2);
  std::vector<std::pair<std::int32_t, std::int32_t>> edges;
  for (std::int32_t i = 1; i < 500; ++i) {
    edges.emplace_back(i, static_cast<std::int32_t>(random() % static_cast<std::uint32_t>(i)));
  }
  const Graph tree = graph(500, edges);
  CHECK(fill(tree, elimination_order(tree)) == 0);
}

TEST_CASE("a ring needs one new edge for each node but three") {
  std::vector<std::pair<std::int32_t, std::int32_t>> edges;
  for (std::int32_t i = 0; i < 60; ++i) edges.emplace_back(i, (i + 1) % 60);
  const Graph ring = graph(60, edges);
  CHECK(fill(ring, elimination_order(ring)) == 57);
}

TEST_CASE("a hub goes last, whatever its number") {
  std::vector<std::pair<std::int32_t, std::int32_t>> edges;
  for (std::int32_t i = 1; i < 10000; ++i) edges.emplace_back(0, i);
  const Graph star = graph(10000, edges);
  const std::vector<std::int32_t> order = elimination_order(star);
  CHECK(is_permutation(order, 10000));
  CHECK(std::find(order.begin(), order.end(), 0) - order.begin() >= 9998);
}

TEST_CASE("a square grid fills far less than in the order of its rows") {
  constexpr std::int32_t kSide = 30;
  std::vector<std::pair<std::int32_t, std::int32_t>> edges;
  for (std::int32_t i = 0; i < kSide; ++i) {
    for (std::int32_t j = 0; j < kSide; ++j) {
      if (i + 1 < kSide) edges.emplace_back(i * kSide + j, (i + 1) * kSide + j);
      if (j + 1 < kSide) edges.emplace_back(i * kSide + j, i * kSide + j + 1);
    }
  }
  const Graph grid = graph(kSide * kSide, edges);
  std::vector<std::int32_t> by_row;
  for (std::int32_t i = 0; i < kSide * kSide; ++i) by_row.push_back(i);
  CHECK(2 * fill(grid, elimination_order(grid)) < fill(grid, by_row));
}
