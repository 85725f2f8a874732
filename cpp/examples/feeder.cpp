// How much load can a feeder carry? One network, 128 lanes that differ in their load, one call.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <powergrid/batch.hpp>
#include <powergrid/network.hpp>
#include <powergrid/solver.hpp>
#include <utility>
#include <vector>

namespace {

using powergrid::Batch;
using powergrid::LaneStatus;
using powergrid::Network;
using powergrid::NetworkData;

constexpr std::size_t kBuses = 20;
constexpr std::size_t kLines = kBuses - 1;
constexpr std::size_t kLanes = 128;
constexpr double kLargestLoad = 1.0;  // of a bus [MW]
constexpr double kRatedPu = 6.0;      // current of a line at 100 %

// A line of 19 sections with a load behind each. Balanced, in per unit of 1 MVA.
Network make_feeder() {
  NetworkData data;
  const std::vector<double> zeros(kBuses, 0.0);
  const std::vector<double> ones(kBuses, 1.0);
  data.p_fixed_pu = data.q_fixed_pu = data.g_shunt_pu = data.b_shunt_pu = zeros;
  data.start_vm_pu = ones;
  data.start_va_degree = zeros;
  data.controlled_node = {0};
  data.is_source = {1};
  data.controlled_vm_pu = {1.03};
  data.controlled_va_degree = {0.0};
  for (std::size_t bus = 0; bus < kBuses; ++bus) {
    const auto node = static_cast<std::int32_t>(bus);
    data.node_of_bus.push_back(node);
    if (bus == 0) continue;
    data.from_node.push_back(node - 1);
    data.to_node.push_back(node);
    data.injection_node.push_back(node);
  }
  const std::vector<double> none(kLines, 0.0);
  data.r_pu = data.r_back_pu = std::vector<double>(kLines, 0.002);
  data.x_pu = data.x_back_pu = std::vector<double>(kLines, 0.003);
  data.g_from_pu = data.b_from_pu = data.g_to_pu = data.b_to_pu = none;
  data.ratio = std::vector<double>(kLines, 1.0);
  data.shift_degree = none;
  data.loading_from = data.loading_to = std::vector<double>(kLines, 100.0 / kRatedPu);
  data.injection_scale = std::vector<double>(kLines, -1.0);  // 1 MW consumed is -1 p.u. injected
  data.p_mw = data.q_mvar = none;
  return Network(std::move(data));
}

}  // namespace

int main() {
  const Network network = make_feeder();
  Batch batch(network, kLanes);
  powergrid::Solver solver(network);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const double p_mw = kLargestLoad * static_cast<double>(lane) / static_cast<double>(kLanes - 1);
    for (std::size_t load = 0; load < network.n_injection(); ++load) {
      batch.p_mw(load, lane) = p_mw;
      batch.q_mvar(load, lane) = 0.3 * p_mw;
    }
  }
  solver.solve(batch);

  std::printf("load [MW]  lowest voltage [p.u.]  highest loading [%%]\n");
  std::size_t n_solved = 0;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    // Without a solution the tables keep what they held, so ask first.
    if (batch.status[lane] != LaneStatus::kConverged) continue;
    ++n_solved;
    if (lane % 16 != 0) continue;
    std::printf("%9.2f  %21.4f  %19.1f\n", batch.p_mw(0, lane) * kLines,
                batch.vm_pu(kBuses - 1, lane), batch.loading_percent(0, lane));
  }
  const double most_mw = batch.p_mw(0, n_solved - 1) * kLines;
  std::printf("%zu of %zu lanes have a solution: the feeder carries %.1f MW\n", n_solved, kLanes,
              most_mw);
  return n_solved > 1 && n_solved < kLanes ? 0 : 1;
}
