#include "power_flow_stages.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <vector>

#include "group_solver.hpp"

// The stages of solve_group() one by one, each over all groups of the batch, with its own memory
// for every group's inputs would be unlike a solve: so a group goes through all stages in turn, and
// the clock is read between them (about 20 ns a reading, against microseconds a stage).
namespace powergrid {
namespace {

constexpr int kVec = 2;
constexpr std::array kStages{"gather",   "linearise", "eliminate", "forward",
                             "currents", "voltages",  "flows",     "report"};

class Clock {
 public:
  void start() { last_ = std::chrono::steady_clock::now(); }
  void stop(std::size_t stage) {
    const auto now = std::chrono::steady_clock::now();
    total_s_[stage] += std::chrono::duration<double>(now - last_).count();
    last_ = now;
  }
  [[nodiscard]] const std::array<double, kStages.size()>& total_s() const { return total_s_; }

 private:
  std::chrono::steady_clock::time_point last_;
  std::array<double, kStages.size()> total_s_{};
};

int solve_timed(const SolveJob& job, const Group<kVec>& group, std::size_t lane, Clock& clock) {
  Outcome<kVec> outcome{};
  Mask active[kVec];
  clock.start();
  gather(job, lane, group, outcome.is_valid);
  prepare(job.tree, group);
  gather_voltages(job, lane, group);
  for (int k = 0; k < kVec; ++k) active[k] = outcome.is_valid[k];
  clock.stop(0);
  int n = 0;
  Vec lowest[kVec];
  Step<kVec> step;
  hold_sources(job.tree, group, active);
  for (bool is_left = true; is_left && n < job.max_iterations; ++n) {
    linearise(job.tree, group);
    clock.stop(1);
    eliminate(job.tree, group, lowest);
    clock.stop(2);
    forward(job.tree, group, active, step);
    clock.stop(3);
    for (int k = 0; k < kVec; ++k) active[k] &= ~(step.mismatch[k] < job.tolerance_pu);
    is_left = any_of<kVec>(active);
  }
  for (int k = 0; k < kVec; ++k) outcome.converged[0][k] = outcome.is_valid[k];
  clock.start();
  branch_currents(job.tree, group);
  clock.stop(4);
  scatter_voltages(job, lane, group, outcome.converged[0]);
  clock.stop(5);
  scatter_flows(job, lane, group, outcome.converged[0]);
  clock.stop(6);
  SolveCounters counters;
  report(job, lane, outcome, counters);
  clock.stop(7);
  return n;
}

}  // namespace
}  // namespace powergrid

void time_stages(powergrid::Batch& batch, const std::function<void()>& change) {
  using namespace powergrid;
  const Network& network = batch.network();
  const IoPlan io = make_io_plan(network);
  SolveJob job{};
  bind_network(job, network, io);
  bind_batch(job, batch);
  job.tolerance_pu = 1e-8;
  job.max_iterations = 20;
  struct alignas(64) Line {
    double values[8];
  };
  std::vector<Line> memory(memory_size(job) * kVec / 8 + 1);
  Group<kVec> group;
  lay_out(job.io, reinterpret_cast<Vec*>(memory.data()), group);
  fill(job.io, group);

  constexpr std::size_t kGroup = kVec * kWidth;
  std::array<double, kStages.size()> least_s;
  least_s.fill(1e9);
  double n_step = 0.0;
  double n_group = 0.0;
  for (int round = 0; round < 200000 / static_cast<int>(network.n_node()); ++round) {
    change();
    Clock clock;
    for (std::size_t lane = 0; lane < batch.n_lane(); lane += kGroup) {
      n_step += solve_timed(job, group, lane, clock);
      n_group += 1.0;
    }
    if (round == 0) continue;  // from no solution
    for (std::size_t i = 0; i < kStages.size(); ++i) {
      least_s[i] = std::min(least_s[i], clock.total_s()[i]);
    }
  }
  double sum = 0.0;
  std::printf("%zu nodes, %.2f steps a group\n", network.n_node(), n_step / n_group);
  for (std::size_t i = 0; i < kStages.size(); ++i) {
    const double ns = 1e9 * least_s[i] / static_cast<double>(batch.n_lane());
    sum += ns;
    std::printf("  %-10s %9.1f ns a lane\n", kStages[i], ns);
  }
  std::printf("  %-10s %9.1f ns a lane\n", "sum", sum);
}
