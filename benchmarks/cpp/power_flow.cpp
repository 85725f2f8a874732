// Time of the power flow on radial networks, per lane: warm, tolerance 1e-8, one thread, every load
// changed by up to 5 % before each solve, which is not counted.
//
//     power_flow            whole solves: levels, numbers of lanes, sizes of network
//     power_flow stages     the stages of one group, for this machine's instructions
//     power_flow buses      the growth with the network and with the lanes
//     power_flow threads    one thread and two
//     power_flow solve NODES LANES N    N solves, untimed: for tools that count instructions
//
// Each figure is the least of many rounds, because what else the machine does only adds to it.
#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "feeder.hpp"
#include "power_flow_stages.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/network.hpp"
#include "powergrid/solver.hpp"

namespace {

using powergrid::Batch;
using powergrid::Network;
using powergrid::SimdLevel;
using powergrid::Solver;

class Loads {
 public:
  explicit Loads(Batch& batch) : batch_(batch) {}

  void change() {
    const powergrid::NetworkData& data = batch_.network().data();
    for (std::size_t row = 0; row < batch_.p_mw.n_row; ++row) {
      for (std::size_t lane = 0; lane < batch_.n_lane(); ++lane) {
        state_ = state_ * 6364136223846793005u + 1442695040888963407u;
        const double factor = 0.95 + 0.1 * static_cast<double>(state_ >> 11) * 0x1p-53;
        batch_.p_mw(row, lane) = factor * data.p_mw[row];
        batch_.q_mvar(row, lane) = factor * data.q_mvar[row];
      }
    }
  }

 private:
  Batch& batch_;
  std::uint64_t state_ = 1;
};

void time_solves(int n_node, std::size_t n_lane, SimdLevel level, double budget_s,
                 std::int32_t n_thread = 1) {
  const Network network(Feeder(n_node).data);
  Solver solver(network, level);
  Batch batch(network, n_lane);
  Loads loads(batch);
  loads.change();
  solver.solve(batch, {.n_thread = n_thread});
  double least_s = 1e9;
  double all_s = 0.0;
  int n_round = 0;
  const std::uint64_t n_before = batch.counters.n_iteration;
  for (; n_round < 5 || all_s < budget_s; ++n_round) {
    loads.change();
    const auto began = std::chrono::steady_clock::now();
    solver.solve(batch, {.n_thread = n_thread});
    const double s =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    least_s = std::min(least_s, s);
    all_s += s;
  }
  const double lanes = static_cast<double>(n_lane);
  const double steps = static_cast<double>(batch.counters.n_iteration - n_before);
  std::printf(
      "%-9.*s %d threads %6d nodes %6zu lanes  %9.3f us a lane  %6.2f ns a lane and node"
      "  %.2f steps  %llu failed\n",
      static_cast<int>(powergrid::name_of(level).size()), powergrid::name_of(level).data(),
      n_thread, n_node, n_lane, 1e6 * least_s / lanes, 1e9 * least_s / lanes / n_node,
      steps / (lanes * n_round), static_cast<unsigned long long>(batch.counters.n_failed));
}

// Each from a flat start, so that all take the same steps.
int solve(int n_node, std::size_t n_lane, int n_solve) {
  const Network network(Feeder(n_node).data);
  Solver solver(network);
  Batch batch(network, n_lane);
  for (int i = 0; i < n_solve; ++i) {
    for (std::size_t lane = 0; lane < n_lane; ++lane) batch.forget(lane);
    solver.solve(batch);
  }
  std::printf("%llu steps\n", static_cast<unsigned long long>(batch.counters.n_iteration));
  return batch.counters.n_failed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::string_view(argv[1]) == "solve") {
    return solve(std::atoi(argv[2]), static_cast<std::size_t>(std::atoi(argv[3])),
                 std::atoi(argv[4]));
  }
  if (argc > 1 && std::string_view(argv[1]) == "stages") {
    for (const int n_node : {75, 1000, 10000}) {
      const Network network(Feeder(n_node).data);
      Batch batch(network, 1024);
      Loads loads(batch);
      time_stages(batch, [&] { loads.change(); });
    }
    return 0;
  }
  const SimdLevel best = powergrid::best_simd_level();
  if (argc > 1 && std::string_view(argv[1]) == "buses") {
    for (const int n_node : {75, 100, 300, 1000, 3000, 10000}) time_solves(n_node, 64, best, 1.0);
    for (const std::size_t n_lane : {1u, 16u, 64u, 1024u, 16384u})
      time_solves(75, n_lane, best, 0.5);
    return 0;
  }
  if (argc > 1 && std::string_view(argv[1]) == "threads") {
    for (const std::size_t n_lane : {64u, 256u, 1024u, 16384u}) {
      for (const std::int32_t n_thread : {1, 2}) time_solves(75, n_lane, best, 0.5, n_thread);
    }
    return 0;
  }
  for (const auto level : {SimdLevel::kBaseline, SimdLevel::kAvx2, SimdLevel::kAvx512}) {
    if (level <= best) time_solves(75, 1024, level, 0.5);
  }
  for (const std::size_t n_lane : {1u, 8u, 16u, 64u, 1024u, 16384u})
    time_solves(75, n_lane, best, 0.3);
  for (const int n_node : {75, 1000, 10000}) {
    for (const std::size_t n_lane : {1u, 16u, 128u}) time_solves(n_node, n_lane, best, 0.3);
  }
}
