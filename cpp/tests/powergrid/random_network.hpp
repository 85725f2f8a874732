#pragma once

#include <cstdint>

#include "powergrid/batch.hpp"
#include "powergrid/network.hpp"

// Networks and inputs at random, from a seed.
namespace powergrid_tests {

struct RandomNetwork {
  std::uint32_t seed = 1;
  std::int32_t n_node = 20;
  std::int32_t n_loop = 6;  // branches beyond a tree
  std::int32_t n_source = 1;
  std::int32_t n_generator = 3;  // nodes whose magnitude is held
  bool is_plain = false;         // nothing that the tree method does not know
  double load_mw = 4.0;          // of a node, at most
};

// With tap changers of both kinds on both windings, phase shifts, asymmetric impedances, parallel
// branches, a branch from a node to itself, rows out of service, shunts in steps, and loads of all
// three kinds.
[[nodiscard]] powergrid::NetworkData random_network(const RandomNetwork& shape);

// Other loads, tap positions, set-points and shunts for every lane.
void set_randomly(const powergrid::NetworkData& data, std::uint32_t seed, powergrid::Batch& batch);

}  // namespace powergrid_tests
