#include "powergrid/tap_control.hpp"

#include <doctest.h>

#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "lanes.hpp"
#include "network_builder.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/error.hpp"
#include "powergrid/network.hpp"
#include "powergrid/solver.hpp"

namespace {

using heron_tests::NetworkBuilder;
using heron_tests::record;
using powergrid::Batch;
using powergrid::InvalidArgument;
using powergrid::LaneStatus;
using powergrid::Network;
using powergrid::Regulator;
using powergrid::Solver;
using powergrid::TapControl;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// A feeder with two regulators in a row and a third one on a lateral, loads behind each.
NetworkBuilder feeder() {
  NetworkBuilder net;
  net.data.base_mva = 5.0;
  for (int i = 0; i < 7; ++i) net.node();
  net.source(0, 1.02);
  for (const auto& [from, to] : {std::pair{0, 1}, {2, 3}, {1, 5}}) {  // regulators
    net.tap(net.branch(from, to, 0.0, 0.0005), true, 0.00625, 0.0);
  }
  net.branch(1, 2, 0.04, 0.06);
  net.branch(3, 4, 0.05, 0.05);
  net.branch(5, 6, 0.02, 0.03);
  net.load(2, 0.7, 0.3);
  net.load(4, 0.8, 0.25, 0.3, 0.2);
  net.load(6, 0.5, 0.1);
  return net;
}

std::vector<Regulator> regulators() {
  return {{.tap = 0,
           .branch = 0,
           .bus = 1,
           .vn_kv = 24.9,
           .settings = {122.0, 2.0, 2.7, 1.6, 100.0},
           .tap_min = -16.0,
           .tap_max = 16.0},
          {.tap = 1,
           .branch = 1,
           .bus = 3,
           .vn_kv = 24.9,
           .settings = {124.0, 2.0, 2.5, 1.5, 100.0},
           .tap_min = -16.0,
           .tap_max = 16.0},
          {.tap = 2,
           .branch = 2,
           .bus = 5,
           .vn_kv = 4.16,
           .settings = {121.0, 1.5, 0.5, 0.7, 200.0},
           .tap_min = -4.0,
           .tap_max = 3.0}};
}

// Inputs of a lane, a function of its number alone; some have no solution, some are invalid.
void set_lane(Batch& batch, std::size_t lane, std::size_t number) {
  std::mt19937 engine(static_cast<std::uint32_t>(number) + 1);
  const auto uniform = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(engine()) / 4294967296.0;
  };
  const powergrid::NetworkData& data = batch.network().data();
  const double scale = number % 17 == 3 ? 1e4 : uniform(0.1, 1.8);
  for (std::size_t row = 0; row < batch.p_mw.n_row; ++row) {
    batch.p_mw(row, lane) = scale * uniform(-0.4, 1.2) * data.p_mw[row];
    batch.q_mvar(row, lane) = scale * uniform(0.2, 1.2) * data.q_mvar[row];
  }
  if (number % 19 == 5) batch.q_mvar(0, lane) = kNan;
  for (std::size_t row = 0; row < batch.tap_pos.n_row; ++row) {
    const double position = uniform(-9.0, 9.0);
    batch.tap_pos(row, lane) = number % 2 == 0 ? std::nearbyint(position) : position;
  }
}

// What the relay asks for, by the phasors of the last solution.
std::int8_t step_of(const Batch& batch, const Regulator& of) {
  const auto bus = static_cast<std::size_t>(of.bus);
  const auto branch = static_cast<std::size_t>(of.branch);
  const std::complex<double> v =
      std::polar(batch.vm_pu(bus, 0), batch.va_degree(bus, 0) * std::acos(-1.0) / 180.0);
  const std::complex<double> s_mva(-batch.p_to_mw(branch, 0), -batch.q_to_mvar(branch, 0));
  const std::complex<double> i_a = 1e3 * std::conj(s_mva / (std::sqrt(3.0) * v * of.vn_kv));
  const double relay_volt =
      powergrid::relay_voltage(v.real(), v.imag(), i_a.real(), i_a.imag(), of.settings);
  return powergrid::line_drop_step(relay_volt, batch.tap_pos(static_cast<std::size_t>(of.tap), 0),
                                   of.tap_min, of.tap_max, of.settings);
}

// The rounds of one lane, step by step; returns the solves.
std::size_t settle_alone(const std::vector<Regulator>& all, Solver& solver, Batch& one) {
  solver.solve(one);
  std::size_t n_solve = 1;
  for (int round = 0; round < TapControl::kMostRounds; ++round) {
    if (one.status[0] != LaneStatus::kConverged) break;
    std::vector<std::int8_t> steps;
    bool is_any = false;
    for (const Regulator& of : all) {
      steps.push_back(step_of(one, of));
      is_any |= steps.back() != 0;
    }
    if (!is_any) break;
    for (std::size_t i = 0; i < all.size(); ++i) {
      double& position = one.tap_pos(static_cast<std::size_t>(all[i].tap), 0);
      position = std::nearbyint(position) + steps[i];
    }
    solver.solve(one);
    ++n_solve;
  }
  return n_solve;
}

std::vector<double> positions(const Batch& batch, std::size_t lane) {
  std::vector<double> all;
  for (std::size_t row = 0; row < batch.tap_pos.n_row; ++row) {
    all.push_back(batch.tap_pos(row, lane));
  }
  return all;
}

void check_same_lane(const Batch& a, std::size_t lane, const Batch& b, std::size_t other) {
  CAPTURE(lane);
  CHECK(record(a, lane) == record(b, other));
  CHECK(positions(a, lane) == positions(b, other));
}

}  // namespace

TEST_CASE("every lane settles as it would alone, step by step") {
  const Network network(feeder().data);
  const TapControl control(regulators());
  constexpr std::size_t kLanes = 1100;  // more than are settled together
  Solver solver(network);
  Batch batch(network, kLanes);
  for (std::size_t lane = 0; lane < kLanes; ++lane) set_lane(batch, lane, lane);
  const std::size_t n_solve = control.settle(solver, batch, {}, 0, kLanes);
  std::size_t n_alone = 0;
  std::size_t n_moved = 0;
  std::size_t n_converged = 0;
  std::size_t most = 0;
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    Batch one(network, 1);
    set_lane(one, 0, lane);
    const std::size_t n = settle_alone(regulators(), solver, one);
    n_alone += n;
    n_moved += n > 1 ? 1 : 0;
    most = n > most ? n : most;
    if (one.status[0] == LaneStatus::kConverged) ++n_converged;
    check_same_lane(batch, lane, one, 0);
  }
  CHECK(n_solve == n_alone);
  CHECK(n_moved > kLanes / 2);
  CHECK(n_moved < n_converged);  // some are at rest at once
  CHECK(n_converged < kLanes - kLanes / 12);
  CHECK(most > 10);
  const powergrid::SolveCounters& n = batch.counters;
  CHECK(n.n_warm + n.n_flat + n.n_damped + n.n_failed + n.n_invalid == n_solve);
}

TEST_CASE("lanes of a meshed network settle as they would alone") {
  NetworkBuilder builder = feeder();
  builder.branch(4, 6, 0.08, 0.09);
  const Network network(builder.data);
  const TapControl control(regulators());
  constexpr std::size_t kLanes = 300;
  for (const powergrid::SimdLevel level : heron_tests::levels()) {
    Solver solver(network, level);
    Batch batch(network, kLanes);
    for (std::size_t lane = 0; lane < kLanes; ++lane) set_lane(batch, lane, lane);
    const std::size_t n_solve = control.settle(solver, batch, {}, 0, kLanes);
    std::size_t n_alone = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      Batch one(network, 1);
      set_lane(one, 0, lane);
      n_alone += settle_alone(regulators(), solver, one);
      check_same_lane(batch, lane, one, 0);
    }
    CHECK(n_solve == n_alone);
    CHECK(n_solve > 2 * kLanes);
  }
}

TEST_CASE("ranges, levels of one machine and workers at once change no bit") {
  const Network network(feeder().data);
  const TapControl control(regulators());
  constexpr std::size_t kLanes = 150;
  constexpr std::size_t kWorkers = 3;
  for (const powergrid::SimdLevel level : heron_tests::levels()) {
    CAPTURE(static_cast<int>(level));
    Batch whole(network, kLanes);
    Batch shared(network, kLanes);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      set_lane(whole, lane, lane);
      set_lane(shared, lane, lane);
    }
    Solver solver(network, level);
    const std::size_t n_solve = control.settle(solver, whole, {.n_thread = 2}, 0, kLanes);
    std::vector<Solver> solvers;
    for (std::size_t i = 0; i < kWorkers; ++i) solvers.emplace_back(network, level);
    std::vector<std::size_t> n_solves(kWorkers);
    {
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < kWorkers; ++i) {
        threads.emplace_back([&, i] {
          const std::size_t first = i * kLanes / kWorkers;
          const std::size_t last = (i + 1) * kLanes / kWorkers;
          const std::size_t middle = first + 7;
          n_solves[i] = control.settle(solvers[i], shared, {}, first, middle);
          n_solves[i] += control.settle(solvers[i], shared, {}, middle, last);
        });
      }
    }
    for (std::size_t lane = 0; lane < kLanes; ++lane) check_same_lane(shared, lane, whole, lane);
    CHECK(n_solves[0] + n_solves[1] + n_solves[2] == n_solve);
    CHECK(shared.counters.n_iteration == whole.counters.n_iteration);
  }
}

TEST_CASE("lanes outside the range stay as they are") {
  const Network network(feeder().data);
  const TapControl control(regulators());
  Solver solver(network);
  Batch batch(network, 40);
  for (std::size_t lane = 0; lane < 40; ++lane) set_lane(batch, lane, lane + 100);
  const Batch before(batch);
  control.settle(solver, batch, {}, 5, 21);
  for (std::size_t lane = 0; lane < 40; ++lane) {
    if (lane < 5 || lane >= 21) check_same_lane(batch, lane, before, lane);
    CHECK((batch.status[lane] != LaneStatus::kUnsolved) == (lane >= 5 && lane < 21));
  }
  CHECK(control.settle(solver, batch, {}, 9, 9) == 0);
}

TEST_CASE("chosen lanes settle as all of them do, and the others stay") {
  const Network network(feeder().data);
  const TapControl control(regulators());
  Solver solver(network);
  constexpr std::size_t kLanes = 1100;  // more than are kept track of together
  Batch all(network, kLanes);
  for (std::size_t lane = 0; lane < kLanes; ++lane) set_lane(all, lane, lane);
  Batch some(all);
  const Batch before(all);
  control.settle(solver, all, {}, 0, kLanes);
  std::vector<std::uint8_t> is_chosen(kLanes - 3);
  std::size_t n_chosen = 0;
  for (std::size_t i = 0; i < is_chosen.size(); ++i) {
    is_chosen[i] = i < 1024 && (i / 7) % 3 == 0 ? 1 : 0;  // none of the last block
    n_chosen += is_chosen[i];
  }
  CHECK(control.settle(solver, some, {}, 3, kLanes, is_chosen) > n_chosen);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    const bool is_one = lane >= 3 && is_chosen[lane - 3] != 0;
    check_same_lane(some, lane, is_one ? all : before, lane);
  }
  is_chosen.pop_back();
  CHECK_THROWS_AS(control.settle(solver, some, {}, 3, kLanes, is_chosen), InvalidArgument);
}

TEST_CASE("a stuck regulator stays where it is, and the others settle around it") {
  const Network network(feeder().data);
  Solver solver(network);
  constexpr std::size_t kLanes = 60;
  Batch batch(network, kLanes);
  for (std::size_t lane = 0; lane < kLanes; ++lane) set_lane(batch, lane, lane);
  const Batch before(batch);
  std::vector<std::uint8_t> mask(3 * (kLanes + 4), 0);  // rows may be longer
  const powergrid::Table<const std::uint8_t> is_stuck{mask.data(), 3, kLanes + 4, kLanes + 4};
  for (std::size_t lane = 0; lane < kLanes; lane += 2) mask[lane % 3 * (kLanes + 4) + lane] = 1;
  TapControl(regulators()).settle(solver, batch, {}, 0, kLanes, {}, is_stuck);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    CAPTURE(lane);
    Batch one(network, 1);
    set_lane(one, 0, lane);
    std::vector<Regulator> free = regulators();
    if (lane % 2 == 0) {
      free.erase(free.begin() + static_cast<std::ptrdiff_t>(lane % 3));
      CHECK(batch.tap_pos(lane % 3, lane) == before.tap_pos(lane % 3, lane));
    }
    settle_alone(free, solver, one);
    check_same_lane(batch, lane, one, 0);
  }
  const powergrid::Table<const std::uint8_t> too_short{mask.data(), 2, kLanes, kLanes};
  CHECK_THROWS_AS(TapControl(regulators()).settle(solver, batch, {}, 0, kLanes, {}, too_short),
                  InvalidArgument);
}

TEST_CASE("settling does not allocate") {
  const Network network(feeder().data);
  const TapControl control(regulators());
  Solver solver(network);
  Batch batch(network, 77);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t lane = 0; lane < 77; ++lane) {
      set_lane(batch, lane, lane + 100 * static_cast<std::size_t>(round));
    }
    const std::uint64_t before = heron_tests::n_allocation();
    CHECK(control.settle(solver, batch, {}, 2, 77) > 75);
    CHECK(heron_tests::n_allocation() == before);
  }
}

TEST_CASE("a band narrower than a step ends after the most rounds") {
  std::vector<Regulator> one{regulators()[0]};
  one[0].settings.bandwidth_volt = 0.0;
  const Network network(feeder().data);
  Solver solver(network);
  Batch batch(network, 3);
  CHECK(TapControl(one).settle(solver, batch, {}, 0, 3) == 3 * (TapControl::kMostRounds + 1));
  CHECK(batch.status[1] == LaneStatus::kConverged);
}

TEST_CASE("a regulator without a relay never moves, but stands on a whole step after others did") {
  std::vector<Regulator> all = regulators();
  all[1].settings.r_volt = kNan;
  const Network network(feeder().data);
  Solver solver(network);
  Batch batch(network, 2);
  for (std::size_t lane = 0; lane < 2; ++lane) {
    batch.tap_pos(0, lane) = lane == 0 ? 0.0 : -9.0;
    batch.tap_pos(1, lane) = 1.7;
  }
  all[0].settings.v_set_volt = 122.4;  // what the source gives, without a drop
  all[0].settings.r_volt = all[0].settings.x_volt = 0.0;
  all[0].settings.bandwidth_volt = 4.0;
  all.pop_back();
  const std::size_t n_solve = TapControl(all).settle(solver, batch, {}, 0, 2);
  CHECK(n_solve > 3);
  CHECK(batch.tap_pos(1, 0) == 1.7);
  CHECK(batch.tap_pos(1, 1) == 2.0);
  CHECK(batch.tap_pos(0, 1) > -9.0);
}

TEST_CASE("regulators that cannot be are refused") {
  const auto changed = [](auto change) {
    std::vector<Regulator> all = regulators();
    change(all);
    return all;
  };
  CHECK_THROWS_WITH_AS(TapControl(changed([](auto& all) { all[1].branch = -1; })),
                       "regulator 1 has a negative row", InvalidArgument);
  CHECK_THROWS_WITH_AS(TapControl(changed([](auto& all) { all[2].tap = 0; })),
                       "regulators 0 and 2 both move tap row 0", InvalidArgument);
  CHECK_THROWS_AS(TapControl(changed([](auto& all) { all[0].vn_kv = 0.0; })), InvalidArgument);
  CHECK_THROWS_AS(TapControl(changed([](auto& all) { all[0].vn_kv = kNan; })), InvalidArgument);

  const Network network(feeder().data);
  Solver solver(network);
  Batch batch(network, 4);
  for (const auto row : {&Regulator::tap, &Regulator::branch, &Regulator::bus}) {
    const TapControl other(changed([&](auto& all) { all[1].*row = 7; }));
    CHECK_THROWS_WITH_AS(other.settle(solver, batch, {}, 0, 4), doctest::Contains("regulator 1"),
                         InvalidArgument);
  }
  CHECK_THROWS_AS(TapControl(regulators()).settle(solver, batch, {}, 0, 5), InvalidArgument);
  CHECK(batch.status[0] == LaneStatus::kUnsolved);
}
