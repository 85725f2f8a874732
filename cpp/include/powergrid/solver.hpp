#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "powergrid/batch.hpp"
#include "powergrid/network.hpp"

namespace powergrid {

class TapControl;
struct TapMover;

// Instructions that the vectorised solvers use.
enum class SimdLevel : std::uint8_t { kBaseline, kAvx2, kAvx512 };

// The best one of this machine.
[[nodiscard]] SimdLevel best_simd_level() noexcept;
// By name ("baseline", "avx2", "avx512"); InvalidArgument if unknown or not of this machine.
[[nodiscard]] SimdLevel simd_level(std::string_view name);
[[nodiscard]] std::string_view name_of(SimdLevel level) noexcept;

struct SolveOptions {
  double tolerance_pu = 1e-8;        // largest power mismatch of a solution, in base_mva
  std::int32_t max_iterations = 20;  // Newton steps from each start
  std::int32_t n_thread = 1;
};

// Solves batches of one network. It owns its threads, which sleep between solves, and their scratch
// memory, so that solving allocates nothing; only more threads than ever before are made first. One
// solver serves one caller at a time. The results of a lane depend on its inputs, its last solution
// and the SIMD level only: not on its neighbours, its place, the number of lanes or threads.
class Solver {
 public:
  explicit Solver(const Network& network, SimdLevel level = best_simd_level());
  Solver(Solver&&) noexcept;
  Solver& operator=(Solver&&) noexcept;
  ~Solver();

  [[nodiscard]] SimdLevel level() const noexcept { return level_; }

  // Solve another network from now on, with the same threads and, if there is enough, the same
  // memory: a solver for many variants. It must outlive its solves.
  void use(const Network& network);

  // Solve all lanes. A lane that has no solution is a result (Batch::status), never an error.
  // Throws InvalidArgument if the batch is of another network than the solver's or that one's base,
  // has no room for its voltages, or an option is out of range.
  void solve(Batch& batch, const SolveOptions& options = {});
  // Solve the lanes from `first` to `last`, exclusive; with `is_chosen`, (last - first), only those
  // where it is not 0. Nothing of other lanes is read or written, so that other solvers may be at
  // work on them. Ranges that begin and end on a multiple of 16 go fastest.
  void solve(Batch& batch, const SolveOptions& options, std::size_t first, std::size_t last,
             std::span<const std::uint8_t> is_chosen = {});

 private:
  friend class TapControl;
  struct Workspaces;

  // Solve lanes until the mover, if any, moves no more taps. Returns the solves of a lane it took.
  std::size_t solve(Batch& batch, const SolveOptions& options, std::size_t first, std::size_t last,
                    std::span<const std::uint8_t> is_chosen, const TapMover* mover);

  const Network* network_;
  SimdLevel level_;
  std::unique_ptr<Workspaces> workspaces_;
};

}  // namespace powergrid
