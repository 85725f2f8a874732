#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "powergrid/batch.hpp"
#include "powergrid/error.hpp"
#include "powergrid/network.hpp"
#include "powergrid/solver.hpp"

// Lanes that differ, and all that becomes of them.
namespace heron_tests {

// Those of this machine.
inline std::vector<powergrid::SimdLevel> levels() {
  std::vector<powergrid::SimdLevel> all;
  for (const char* name : {"baseline", "avx2", "avx512"}) {
    try {
      all.push_back(powergrid::simd_level(name));
    } catch (const powergrid::InvalidArgument&) {
    }
  }
  return all;
}

// Inputs of one lane, a function of its number alone: some too heavy, some invalid.
inline void set_inputs(powergrid::Batch& batch, std::size_t lane, std::size_t number,
                       int round = 0) {
  std::mt19937 engine(
      static_cast<std::uint32_t>(7 * number + 1000 * static_cast<std::size_t>(round)));
  const powergrid::NetworkData& data = batch.network().data();
  double scale = 0.5 + static_cast<double>(engine() % 1000) / 1000.0;
  if (number % 11 == 3) scale *= 1e4;
  for (std::size_t row = 0; row < batch.p_mw.n_row; ++row) {
    const double factor = scale * (0.8 + static_cast<double>(engine() % 1000) / 2500.0);
    batch.p_mw(row, lane) = factor * data.p_mw[row];
    batch.q_mvar(row, lane) = factor * data.q_mvar[row];
  }
  if (number % 13 == 5) batch.q_mvar(0, lane) = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t row = 0; row < batch.tap_pos.n_row; ++row) {
    batch.tap_pos(row, lane) = static_cast<double>(engine() % 17) - 8.0;
  }
}

// Everything that a solve writes of a lane.
inline std::vector<double> record(const powergrid::Batch& batch, std::size_t lane) {
  std::vector<double> all;
  for (const powergrid::Table<double>* table :
       {&batch.v_re_pu, &batch.v_im_pu, &batch.vm_pu, &batch.va_degree, &batch.p_from_mw,
        &batch.q_from_mvar, &batch.p_to_mw, &batch.q_to_mvar, &batch.loading_percent,
        &batch.p_controlled_mw, &batch.q_controlled_mvar}) {
    for (std::size_t row = 0; row < table->n_row; ++row) all.push_back((*table)(row, lane));
  }
  all.push_back(batch.mismatch_pu[lane]);
  all.push_back(batch.iterations[lane]);
  all.push_back(static_cast<double>(batch.status[lane]));
  all.push_back(static_cast<double>(batch.start[lane]));
  all.push_back(batch.is_warm[lane]);
  return all;
}

}  // namespace heron_tests
