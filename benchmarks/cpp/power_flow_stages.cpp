#include "power_flow_stages.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <vector>

#include "group_solver.hpp"

// The stages of solve_groups() one by one, the clock read between them: about 20 ns a reading, for
// microseconds a stage.
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

double solve_timed(const SolveJob& job, const Groups<kVec, AdjacentLanes>& groups, Clock& clock) {
  Masks<kVec> is_valid{};
  Outcome<kVec> outcome{};
  Vec lowest[kVec]{};
  Step<kVec> step;
  SolveCounters counters;
  double n_step = 0.0;
  clock.start();
  gather(job, groups, is_valid);
  gather_voltages(job, groups);
  clock.stop(0);
  for (std::size_t n = 0; n < groups.n; ++n) {
    const Group<kVec>& group = groups.group[n];
    Mask active[kVec];
    for (int k = 0; k < kVec; ++k) active[k] = outcome.converged[0][k] = is_valid[n][k];
    prepare(job.tree, group);
    hold_sources(job.tree, group, active);
    clock.stop(0);
    for (bool is_left = true; is_left; n_step += 1.0) {
      each_block(
          job.tree, [&](int i) { linearise(group, tree_scratch(job.tree, group).rows[i], i); },
          [&](int first, int last) {
            clock.stop(1);
            eliminate(job.tree, group, first, last, lowest);
            clock.stop(2);
          });
      forward(job.tree, group, active, step);
      clock.stop(3);
      for (int k = 0; k < kVec; ++k) active[k] &= ~(step.mismatch[k] < job.tolerance_pu);
      is_left = any_of<kVec>(active);
    }
    branch_currents(job.tree, group);
    clock.stop(4);
    report(job, groups.lanes, index_of(groups, n, 0), is_valid[n], outcome, counters);
    clock.stop(7);
  }
  clock.start();
  scatter_voltages(job, groups, is_valid);
  clock.stop(5);
  scatter_flows(job, groups, is_valid);
  clock.stop(6);
  return n_step;
}

}  // namespace
}  // namespace powergrid

void time_stages(powergrid::Batch& batch, const std::function<void()>& change) {
  using namespace powergrid;
  const Network& network = batch.network();
  SolveJob job{};
  bind_network(job, network);
  bind_batch(job, batch);
  job.tolerance_pu = 1e-8;
  job.max_iterations = 20;
  struct alignas(64) Line {
    double values[8];
  };
  std::vector<Line> memory(memory_size(job, kVec) / 8 + 1);
  Groups<kVec, AdjacentLanes> groups;
  groups.lanes = {batch.n_lane()};
  lay_out(job.io, tree_scratch_size(job.tree), reinterpret_cast<Vec*>(memory.data()),
          most_groups<kVec>(job.io), groups.group);
  groups.n = most_groups<kVec>(job.io);
  for (std::size_t n = 0; n < groups.n; ++n) fill(job.io, groups.group[n]);

  const std::size_t n_together = groups.n * kVec * kWidth;
  std::array<double, kStages.size()> least_s;
  least_s.fill(1e9);
  double n_step = 0.0;
  double n_group = 0.0;
  for (int round = 0; round < 200000 / static_cast<int>(network.n_node()); ++round) {
    change();
    Clock clock;
    for (std::size_t lane = 0; lane + n_together <= batch.n_lane(); lane += n_together) {
      groups.first = lane;
      n_step += solve_timed(job, groups, clock);
      n_group += static_cast<double>(groups.n);
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
