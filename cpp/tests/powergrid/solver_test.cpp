#include "powergrid/solver.hpp"

#include <doctest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "allocations.hpp"
#include "lanes.hpp"
#include "network_builder.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/error.hpp"
#include "powergrid/network.hpp"

namespace {

using heron_tests::levels;
using heron_tests::NetworkBuilder;
using heron_tests::random_radial;
using heron_tests::record;
using heron_tests::set_inputs;
using heron_tests::two_nodes;
using powergrid::Batch;
using powergrid::InvalidArgument;
using powergrid::LaneStart;
using powergrid::LaneStatus;
using powergrid::Network;
using powergrid::simd_level;
using powergrid::SimdLevel;
using powergrid::SolveOptions;
using powergrid::Solver;
using powergrid::Table;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr std::size_t kLaneCount = 85;

// Two rounds of solves, the second warm where the first was solved.
void solve_twice(Solver& solver, Batch& batch, int n_thread) {
  for (int round = 0; round < 2; ++round) {
    for (std::size_t lane = 0; lane < batch.n_lane(); ++lane) set_inputs(batch, lane, lane, round);
    solver.solve(batch, {.n_thread = n_thread});
  }
}

}  // namespace

TEST_CASE("a lane of a batch has the bits of a lane alone, on every level") {
  const Network network(random_radial(3, 40, 2).data);
  for (const SimdLevel level : levels()) {
    CAPTURE(static_cast<int>(level));
    Solver solver(network, level);
    Batch many(network, kLaneCount);
    solve_twice(solver, many, 1);
    int n_solved = 0;
    for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
      Batch one(network, 1);
      for (int round = 0; round < 2; ++round) {
        set_inputs(one, 0, lane, round);
        solver.solve(one);
      }
      CHECK(record(one, 0) == record(many, lane));
      n_solved += one.status[0] == LaneStatus::kConverged ? 1 : 0;
    }
    CHECK(n_solved > 60);
    CHECK(many.counters.n_failed > 5);
    CHECK(many.counters.n_invalid > 5);
    CHECK(many.counters.n_warm > 50);
  }
}

TEST_CASE("a batch that is told less has the same bits of the rest") {
  const Network network(random_radial(3, 40, 2).data);
  std::vector<std::uint8_t> is_bus_told(network.n_bus(), 0);
  std::vector<std::uint8_t> is_branch_told(network.n_branch(), 0);
  is_bus_told[5] = is_branch_told[0] = is_branch_told[7] = 1;
  for (const SimdLevel level : levels()) {
    CAPTURE(static_cast<int>(level));
    Solver solver(network, level);
    Batch whole(network, kLaneCount);
    Batch part(network, kLaneCount);
    part.tell_only(is_bus_told, is_branch_told);
    const Batch copied(part);
    CHECK(std::isnan(copied.va_degree(4, 0)));
    solve_twice(solver, whole, 1);
    solve_twice(solver, part, 1);
    const auto check_rows = [&](Table<double> Batch::* table, const auto& is_told) {
      for (std::size_t row = 0; row < (whole.*table).n_row; ++row) {
        for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
          const double told = (part.*table)(row, lane);
          CHECK((is_told(row) ? told == (whole.*table)(row, lane) : std::isnan(told)));
        }
      }
    };
    const auto all = [](std::size_t) { return true; };
    const auto of_branch = [&](std::size_t row) { return is_branch_told[row] != 0; };
    check_rows(&Batch::v_re_pu, all);
    check_rows(&Batch::vm_pu, all);
    check_rows(&Batch::p_from_mw, all);
    check_rows(&Batch::loading_percent, all);
    check_rows(&Batch::p_controlled_mw, all);
    check_rows(&Batch::va_degree, [&](std::size_t row) { return is_bus_told[row] != 0; });
    check_rows(&Batch::q_from_mvar, of_branch);
    check_rows(&Batch::p_to_mw, of_branch);
    check_rows(&Batch::q_to_mvar, of_branch);
  }
  Batch batch(network, 1);
  is_bus_told.pop_back();
  CHECK_THROWS_AS(batch.tell_only(is_bus_told, is_branch_told), InvalidArgument);
}

TEST_CASE("a lane has the same bits at any place") {
  const Network network(random_radial(4, 30, 1).data);
  Solver solver(network);
  Batch there(network, kLaneCount);
  Batch back(network, kLaneCount);
  for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
    set_inputs(there, lane, lane);
    set_inputs(back, lane, kLaneCount - 1 - lane);
  }
  solver.solve(there);
  solver.solve(back);
  for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
    CHECK(record(there, lane) == record(back, kLaneCount - 1 - lane));
  }
}

TEST_CASE("any number of threads gives the same bits and counters") {
  const Network network(random_radial(5, 50, 2).data);
  Batch one(network, kLaneCount);
  Solver of_one(network);
  solve_twice(of_one, one, 1);
  for (const int n_thread : {2, 8, 100}) {
    CAPTURE(n_thread);
    Solver solver(network);
    Batch many(network, kLaneCount);
    solve_twice(solver, many, n_thread);
    for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
      CHECK(record(one, lane) == record(many, lane));
    }
    CHECK(many.counters.n_iteration == one.counters.n_iteration);
    CHECK(many.counters.n_warm == one.counters.n_warm);
    CHECK(many.counters.n_failed == one.counters.n_failed);
  }
}

TEST_CASE("a batch larger than the caches has the bits of a small one") {
  const Network network(random_radial(8, 300, 2).data);
  // Whether results go past the caches is decided for groups together: one of them has a lane that
  // fails, and one a lane that is invalid.
  const auto set = [](Batch& batch, std::size_t lane, std::size_t number) {
    set_inputs(batch, lane, 0);
    for (std::size_t row = 0; row < batch.p_mw.n_row; ++row) {
      batch.p_mw(row, lane) *= 1.0 + 1e-4 * static_cast<double>(number);
    }
    if (number == 200) batch.p_mw(0, lane) = 1e6;
    if (number == 600) batch.p_mw(0, lane) = kNan;
  };
  for (const SimdLevel level : levels()) {
    CAPTURE(static_cast<int>(level));
    Solver solver(network, level);
    Batch large(network, 900);
    REQUIRE(large.n_byte() > std::size_t{16} << 20);
    for (int round = 0; round < 2; ++round) {
      for (std::size_t lane = 0; lane < large.n_lane(); ++lane) set(large, lane, lane);
      solver.solve(large, {.n_thread = 2});
    }
    CHECK(large.counters.n_failed == 2);
    CHECK(large.counters.n_invalid == 2);
    for (std::size_t lane = 0; lane < large.n_lane(); lane += 20) {
      Batch one(network, 1);
      for (int round = 0; round < 2; ++round) {
        set(one, 0, lane);
        solver.solve(one);
      }
      CHECK(record(one, 0) == record(large, lane));
    }
  }
}

TEST_CASE("levels agree to the last digits") {
  const Network network(random_radial(6, 60, 1).data);
  std::vector<std::vector<double>> records;
  for (const SimdLevel level : levels()) {
    Batch batch(network, 1);
    Solver solver(network, level);
    solver.solve(batch, {.tolerance_pu = 1e-11});
    REQUIRE(batch.status[0] == LaneStatus::kConverged);
    batch.mismatch_pu[0] = 0.0;  // what rounding leaves of it differs
    records.push_back(record(batch, 0));
  }
  for (const std::vector<double>& other : records) {
    REQUIRE(other.size() == records[0].size());
    for (std::size_t i = 0; i < other.size(); ++i) {
      CHECK(std::abs(other[i] - records[0][i]) <= 1e-12 * (1.0 + std::abs(records[0][i])));
    }
  }
}

TEST_CASE("a solve does not allocate") {
  const Network network(random_radial(7, 30, 1).data);
  Solver solver(network);
  Batch batch(network, kLaneCount);
  for (int round = 0; round < 3; ++round) {
    for (std::size_t lane = 0; lane < kLaneCount; ++lane) set_inputs(batch, lane, lane, round);
    const std::uint64_t before = heron_tests::n_allocation();
    solver.solve(batch);
    CHECK(heron_tests::n_allocation() == before);
  }
  for (int round = 0; round < 3; ++round) {
    const std::uint64_t before = heron_tests::n_allocation();
    solver.solve(batch, {.n_thread = 3});
    if (round > 0) CHECK(heron_tests::n_allocation() == before);  // then there are threads
  }
}

TEST_CASE("an input that is not a number makes its lane invalid and no other") {
  NetworkBuilder net = two_nodes(0.01, 0.02, 0.5, 0.1);
  net.tap(0, false, 0.0125, 0.0);
  net.shunt(1, 0.0, 0.1, 1.0);
  net.tap(0, false, 0.0125, 0.0);
  net.data.tap_branch.back() = -1;  // ignored, whatever its value
  const Network network(net.data);
  Batch batch(network, 20);
  Batch clean(network, 20);
  const std::size_t n_invalid = 10;
  batch.p_mw(0, 0) = kNan;
  batch.q_mvar(0, 1) = kInfinity;
  batch.p_mw(0, 2) = -kInfinity;
  batch.tap_pos(0, 3) = kNan;
  batch.tap_pos(0, 4) = -80.0;  // leaves no voltage
  batch.tap_pos(0, 5) = -200.0;
  batch.shunt_step(0, 6) = kNan;
  batch.vm_set_pu(0, 7) = kNan;
  batch.vm_set_pu(0, 8) = 0.0;
  batch.vm_set_pu(0, 9) = kInfinity;
  batch.tap_pos(1, 10) = kNan;
  Solver solver(network);
  solver.solve(batch);
  solver.solve(clean);
  for (std::size_t lane = 0; lane < 20; ++lane) {
    CAPTURE(lane);
    if (lane >= n_invalid) {
      CHECK(record(batch, lane) == record(clean, lane));
      continue;
    }
    CHECK(batch.status[lane] == LaneStatus::kInvalidInput);
    CHECK(batch.start[lane] == LaneStart::kNone);
    CHECK(batch.iterations[lane] == 0);
    CHECK(batch.is_warm[lane] == 0);
    CHECK(batch.vm_pu(1, lane) == 1.0);  // as the batch began
    for (const double value : record(batch, lane)) CHECK(!std::isnan(value));
  }
  CHECK(batch.counters.n_invalid == n_invalid);
  CHECK(batch.counters.n_flat == 20 - n_invalid);
}

TEST_CASE("inputs beyond the limits make their lane invalid, those at them do not") {
  NetworkBuilder net = two_nodes(0.0, 0.0, 0.5, 0.1);
  net.tap(0, false, 0.0125, 0.0);
  net.shunt(1, 1.0, 0.0, 0.0);
  const Network network(net.data);
  struct Case {
    LaneStatus expected;
    double p_mw, q_mvar, position, step, vm;
  };
  constexpr LaneStatus kGood = LaneStatus::kConverged;
  constexpr LaneStatus kBad = LaneStatus::kInvalidInput;
  const std::vector<Case> cases{
      {kGood, 0.9e9, 0.1e9, 0.0, 0.0, 1.0}, {kBad, 1.1e9, 0.0, 0.0, 0.0, 1.0},
      {kBad, 0.0, -1.1e9, 0.0, 0.0, 1.0},   {kBad, 1e200, 0.0, 0.0, 0.0, 1.0},
      {kBad, 1e308, 0.0, 0.0, 0.0, 0.5},    {kGood, 0.0, 0.0, 0.0, 0.9e9, 1.0},
      {kBad, 0.0, 0.0, 0.0, 1.1e9, 1.0},    {kBad, 0.0, 0.0, 0.0, -1e200, 1.0},
      {kGood, 0.0, 0.0, 0.0, 0.0, 1e-3},    {kBad, 0.0, 0.0, 0.0, 0.0, 0.99e-3},
      {kBad, 0.0, 0.0, 0.0, 0.0, 1e-200},   {kGood, 0.0, 0.0, 0.0, 0.0, 1e3},
      {kBad, 0.0, 0.0, 0.0, 0.0, 1.01e3},   {kBad, 0.0, 0.0, 0.0, 0.0, 1e155},
      {kBad, 0.0, 0.0, 0.0, 0.0, 1e200},    {kGood, 0.0, 0.0, 79900.0, 0.0, 1.0},
      {kBad, 0.0, 0.0, 80000.0, 0.0, 1.0},  {kGood, 0.0, 0.0, -79.9, 0.0, 1.0},
      {kBad, 0.0, 0.0, -79.93, 0.0, 1.0},   {kBad, 0.0, 0.0, 1e200, 0.0, 1.0},
  };
  Batch batch(network, cases.size());
  for (std::size_t lane = 0; lane < cases.size(); ++lane) {
    batch.p_mw(0, lane) = cases[lane].p_mw;
    batch.q_mvar(0, lane) = cases[lane].q_mvar;
    batch.tap_pos(0, lane) = cases[lane].position;
    batch.shunt_step(0, lane) = cases[lane].step;
    batch.vm_set_pu(0, lane) = cases[lane].vm;
  }
  Solver(network).solve(batch);
  for (std::size_t lane = 0; lane < cases.size(); ++lane) {
    CAPTURE(lane);
    CHECK(batch.status[lane] == cases[lane].expected);
    for (const double value : record(batch, lane)) CHECK(!std::isnan(value));
  }
}

TEST_CASE("a power that no number can hold is no solution") {
  // The branch's own shunt is no input of a lane.
  for (const auto method : {powergrid::Method::kTree, powergrid::Method::kSparse}) {
    CAPTURE(static_cast<int>(method));
    NetworkBuilder net = two_nodes(0.01, 0.02, 0.5, 0.1);
    net.data.g_from_pu[0] = 1e308;
    const Network network(net.data, method);
    Batch batch(network, 1);
    batch.vm_set_pu(0, 0) = 10.0;
    Solver(network).solve(batch);
    CHECK(batch.status[0] == LaneStatus::kNoSolution);
    CHECK(batch.mismatch_pu[0] > 1e-8);
    for (const double value : record(batch, 0)) CHECK(!std::isnan(value));
    CHECK(std::isfinite(batch.p_from_mw(0, 0)));
  }
}

TEST_CASE("a second solve starts warm, a forgotten lane flat with the bits of the first") {
  const Network network(random_radial(8, 25, 1).data);
  Solver solver(network);
  Batch batch(network, 3);
  solver.solve(batch);
  const std::vector<double> first = record(batch, 1);
  const std::int32_t n_flat = batch.iterations[0];
  batch.forget(1);
  solver.solve(batch);
  CHECK(batch.start[0] == LaneStart::kWarm);
  CHECK(batch.iterations[0] < n_flat);
  CHECK(batch.start[1] == LaneStart::kFlat);
  CHECK(record(batch, 1) == first);
  CHECK(batch.counters.n_warm == 2);
  CHECK(batch.counters.n_flat == 4);
  CHECK(batch.counters.n_iteration ==
        static_cast<std::uint64_t>(4 * n_flat + 2 * batch.iterations[0]));
}

TEST_CASE("a copy of a batch is solved as the batch itself") {
  const Network network(random_radial(9, 25, 1).data);
  Solver solver(network);
  Batch batch(network, 9);
  for (std::size_t lane = 0; lane < 9; ++lane) set_inputs(batch, lane, lane);
  solver.solve(batch);
  Batch copy(batch);
  solver.solve(batch);
  solver.solve(copy);
  for (std::size_t lane = 0; lane < 9; ++lane) CHECK(record(batch, lane) == record(copy, lane));
}

TEST_CASE("options out of range and batches of others are refused") {
  const Network network(two_nodes(0.01, 0.02, 0.5, 0.1).data);
  const Network other(two_nodes(0.01, 0.02, 0.5, 0.1).data);
  Solver solver(network);
  Batch batch(network, 1);
  Batch of_other(other, 1);
  CHECK_THROWS_WITH_AS(solver.solve(of_other), "the batch is of another network than the solver",
                       InvalidArgument);
  for (const double tolerance : {0.0, -1.0, kNan, kInfinity}) {
    CHECK_THROWS_AS(solver.solve(batch, {.tolerance_pu = tolerance}), InvalidArgument);
  }
  CHECK_THROWS_WITH_AS(solver.solve(batch, {.max_iterations = 0}),
                       "max_iterations is 0, expected at least 1", InvalidArgument);
  CHECK_THROWS_WITH_AS(solver.solve(batch, {.n_thread = 0}), "n_thread is 0, expected at least 1",
                       InvalidArgument);
  CHECK_THROWS_AS(static_cast<void>(simd_level("sse9")), InvalidArgument);
  CHECK(simd_level("baseline") == SimdLevel::kBaseline);
  CHECK(batch.status[0] == LaneStatus::kUnsolved);
}
