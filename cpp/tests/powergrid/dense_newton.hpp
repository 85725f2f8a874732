#pragma once

#include <complex>
#include <cstddef>
#include <vector>

#include "powergrid/batch.hpp"
#include "powergrid/network.hpp"

// A power flow written for reading: dense complex matrices, one lane, Gaussian elimination with
// pivots. The tests compare the solvers with it.
namespace powergrid_tests {

using Complex = std::complex<double>;

struct TwoPort {
  Complex ff, ft, tf, tt;
};

struct DenseSolution {
  bool converged = false;
  std::vector<Complex> v;             // (n_node)
  std::vector<Complex> s_from;        // into each branch at its from end [MVA], (n_branch)
  std::vector<Complex> s_to;          // (n_branch)
  std::vector<Complex> s_controlled;  // what holds each voltage injects [MVA], (n_controlled)
};

// The branch's admittances at a tap position of its changer (if it has one).
[[nodiscard]] TwoPort two_port(const powergrid::NetworkData& data, std::size_t branch,
                               const std::vector<double>& tap_pos);

// Newton's method from the network's start voltages, with the inputs of one lane of a batch.
[[nodiscard]] DenseSolution solve_densely(const powergrid::NetworkData& data,
                                          const powergrid::Batch& batch, std::size_t lane);

}  // namespace powergrid_tests
