#pragma once

#include <pybind11/pybind11.h>

#include <mutex>
#include <string_view>

#include "powergrid/solver.hpp"

namespace heron_bindings {

// A solver serves one caller at a time, and solving releases the GIL: who comes second waits.
struct SharedSolver {
  SharedSolver(const powergrid::Network& network, std::string_view simd)
      : solver(network, simd.empty() ? powergrid::best_simd_level() : powergrid::simd_level(simd)) {
  }

  powergrid::Solver solver;
  std::mutex mutex;
  pybind11::object used;  // the network that `use` gave, kept alive
};

}  // namespace heron_bindings
