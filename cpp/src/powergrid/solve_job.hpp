#pragma once

#include <cstddef>
#include <cstdint>

#include "io_plan.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/tap_control.hpp"
#include "tree_plan.hpp"

namespace powergrid {

// What a relay reads of a lane; 0 out of supply.
struct RelayReading {
  double vm_pu, p_to_mw, q_to_mvar;
};

// Moves the taps of lanes between two of their solves, one relay after the other.
struct TapMover {
  const RelayPoint* points;
  std::size_t n_point;
  // Let relay `point` read. `is_moved` says whether one before it moved any tap of the lane;
  // returns whether one has by now.
  bool (*move)(const void* context, std::size_t point, std::size_t lane,
               const RelayReading& reading, bool is_moved) noexcept;
  const void* context;
  int most_rounds;  // solves of a lane after the first
};

// Everything that the kernels of one SIMD level need to solve a batch, in plain members: kernels
// call no inline function that another level might have compiled as well.
struct SolveJob {
  const SparsePlan* sparse;  // null: the tree method
  TreeView tree;
  IoView io;

  Table<double> p_mw, q_mvar, tap_pos, shunt_step, vm_set_pu;
  Table<double> v_re_pu, v_im_pu;
  Table<double> vm_pu, va_degree;
  Table<double> p_from_mw, q_from_mvar, p_to_mw, q_to_mvar, loading_percent;
  Table<double> p_controlled_mw, q_controlled_mvar;
  double* mismatch_pu;
  std::int32_t* iterations;
  LaneStatus* status;
  LaneStart* start;
  std::uint8_t* is_warm;
  const std::uint8_t* is_bus_told;
  const std::uint8_t* is_branch_told;
  bool is_large;  // the batch is beyond what caches hold from one solve to the next

  double tolerance_pu;
  int max_iterations;
  const TapMover* mover;  // null: the taps stay
};

// The parts of a job that belong to a network, which must outlive it, and to a batch.
void bind_network(SolveJob& job, const Network& network);
void bind_batch(SolveJob& job, Batch& batch);

// Scratch memory of one thread.
struct GroupMemory {
  double* data[2];          // for groups of one vector and of two, on cache lines
  std::size_t n_filled[2];  // groups that have what no lane changes
  bool is_spare_filled[2];  // and whether the group behind them has
};

// Lanes of a batch to solve.
struct LaneSet {
  // Without a list lanes of the batch: from a multiple of the width on, to one or the batch's end.
  // With one its entries.
  std::size_t first;
  std::size_t last;
  const std::int32_t* list;  // its last entry repeated to a multiple of the width
};

// What kernels_*.cpp give, each for its own instructions.
struct Kernels {
  std::size_t width;  // lanes of a vector
  // Doubles that one thread needs for groups of `n_vec` vectors, 1 or 2.
  std::size_t (*memory_size)(const SolveJob& job, int n_vec);
  // Solve, with the taps moved until none moves any more, and add to the counters.
  void (*solve)(const SolveJob& job, GroupMemory& memory, const LaneSet& lanes,
                SolveCounters& counters);
};

[[nodiscard]] const Kernels& kernels_baseline() noexcept;
[[nodiscard]] const Kernels& kernels_avx2() noexcept;
[[nodiscard]] const Kernels& kernels_avx512() noexcept;

}  // namespace powergrid
