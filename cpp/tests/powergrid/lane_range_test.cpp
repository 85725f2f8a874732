#include "lane_range.hpp"

#include <doctest.h>

#include <cstddef>
#include <cstdint>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "lanes.hpp"
#include "network_builder.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/error.hpp"
#include "powergrid/network.hpp"
#include "powergrid/solver.hpp"
#include "random_network.hpp"

namespace {

using heron_tests::levels;
using heron_tests::random_radial;
using heron_tests::record;
using heron_tests::set_inputs;
using powergrid::Batch;
using powergrid::InvalidArgument;
using powergrid::LaneStatus;
using powergrid::Method;
using powergrid::Network;
using powergrid::SimdLevel;
using powergrid::SolveCounters;
using powergrid::Solver;
using powergrid_tests::random_network;

constexpr std::size_t kLaneCount = 333;  // many lists and vectors, and no multiple of either

void set_all_inputs(Batch& batch, int round) {
  for (std::size_t lane = 0; lane < batch.n_lane(); ++lane) set_inputs(batch, lane, lane, round);
}

// Ranges that together are all lanes, of any length; some are empty.
std::vector<std::pair<std::size_t, std::size_t>> partition(std::uint32_t seed, std::size_t n_lane) {
  std::mt19937 engine(seed);
  std::vector<std::pair<std::size_t, std::size_t>> ranges;
  for (std::size_t first = 0; first < n_lane;) {
    const std::size_t length = engine() % (engine() % 3 == 0 ? 100 : 12);
    const std::size_t last = first + length < n_lane ? first + length : n_lane;
    ranges.emplace_back(first, last);
    first = last;
  }
  return ranges;
}

std::vector<std::uint8_t> random_choice(std::uint32_t seed, std::size_t n) {
  std::mt19937 engine(seed);
  std::vector<std::uint8_t> is_chosen;
  for (std::size_t i = 0; i < n; ++i) is_chosen.push_back(engine() % 3 == 0 ? 0 : engine() % 256);
  return is_chosen;
}

void check_same_counters(const SolveCounters& a, const SolveCounters& b) {
  CHECK(a.n_warm == b.n_warm);
  CHECK(a.n_flat == b.n_flat);
  CHECK(a.n_damped == b.n_damped);
  CHECK(a.n_failed == b.n_failed);
  CHECK(a.n_invalid == b.n_invalid);
  CHECK(a.n_iteration == b.n_iteration);
}

void check_same(const Batch& a, const Batch& b) {
  for (std::size_t lane = 0; lane < a.n_lane(); ++lane) {
    CAPTURE(lane);
    CHECK(record(a, lane) == record(b, lane));
  }
  check_same_counters(a.counters, b.counters);
}

}  // namespace

TEST_CASE("whatever the ranges, a lane has the bits of a solve of all, on every level") {
  for (const auto method : {Method::kTree, Method::kSparse}) {
    CAPTURE(static_cast<int>(method));
    const Network network(method == Method::kTree ? random_radial(3, 30, 2).data
                                                  : random_network({.seed = 3, .n_loop = 8}));
    REQUIRE(network.method() == method);
    for (const SimdLevel level : levels()) {
      CAPTURE(static_cast<int>(level));
      Solver solver(network, level);
      Batch whole(network, kLaneCount);
      Batch parts(network, kLaneCount);
      for (int round = 0; round < 3; ++round) {
        set_all_inputs(whole, round);
        set_all_inputs(parts, round);
        solver.solve(whole);
        for (const auto& [first, last] : partition(static_cast<std::uint32_t>(round), kLaneCount)) {
          solver.solve(parts, {.n_thread = 1 + round}, first, last);
        }
        check_same(parts, whole);
      }
      CHECK(whole.counters.n_warm > 100);
      CHECK(whole.counters.n_failed > 10);
      CHECK(whole.counters.n_invalid > 10);
    }
  }
}

TEST_CASE("lanes outside the range or not chosen keep every bit") {
  const Network network(random_radial(4, 30, 1).data);
  for (const SimdLevel level : levels()) {
    CAPTURE(static_cast<int>(level));
    Solver solver(network, level);
    Batch batch(network, kLaneCount);
    set_all_inputs(batch, 0);
    solver.solve(batch);
    set_all_inputs(batch, 1);
    for (const std::uint32_t seed : {1u, 2u, 3u, 4u, 5u, 6u}) {
      const std::size_t first = seed * 17;
      const std::size_t last = kLaneCount - seed * seed;
      const bool is_masked = seed % 2 == 0;
      const std::vector<std::uint8_t> is_chosen =
          is_masked ? random_choice(seed, last - first) : std::vector<std::uint8_t>();
      Batch before(batch);
      Batch part(batch);
      Batch whole(batch);
      part.counters = {};
      solver.solve(part, {.n_thread = seed > 4 ? 3 : 1}, first, last, is_chosen);
      solver.solve(whole);
      std::size_t n_solved = 0;
      for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
        CAPTURE(lane);
        const bool is_solved =
            lane >= first && lane < last && (!is_masked || is_chosen[lane - first] != 0);
        CHECK(record(part, lane) == record(is_solved ? whole : before, lane));
        n_solved += is_solved ? 1 : 0;
      }
      const SolveCounters& n = part.counters;
      CHECK(n.n_warm + n.n_flat + n.n_damped + n.n_failed + n.n_invalid == n_solved);
    }
  }
}

TEST_CASE("solvers work on lanes of one batch at once, even on lanes of one vector") {
  constexpr std::size_t kWorkers = 4;
  constexpr std::size_t kRounds = 5;
  const Network network(random_radial(5, 20, 1).data);
  for (const SimdLevel level : levels()) {  // the thread sanitizer watches the baseline
    CAPTURE(static_cast<int>(level));
    for (const bool is_interleaved : {false, true}) {
      Batch shared(network, kLaneCount);
      Batch alone(network, kLaneCount);
      std::vector<Solver> solvers;
      for (std::size_t i = 0; i < kWorkers; ++i) solvers.emplace_back(network, level);
      const auto work = [&](std::size_t worker) {
        std::vector<std::uint8_t> is_chosen(kLaneCount);
        std::size_t first = worker * kLaneCount / kWorkers;
        std::size_t last = (worker + 1) * kLaneCount / kWorkers;
        for (std::size_t lane = worker; lane < kLaneCount; lane += kWorkers) is_chosen[lane] = 1;
        for (std::size_t round = 0; round < kRounds; ++round) {
          for (std::size_t lane = 0; lane < kLaneCount; ++lane) {
            const bool is_mine =
                is_interleaved ? is_chosen[lane] != 0 : lane >= first && lane < last;
            if (is_mine) set_inputs(shared, lane, lane, static_cast<int>(round));
          }
          if (is_interleaved) {
            solvers[worker].solve(shared, {}, 0, kLaneCount, is_chosen);
          } else {
            solvers[worker].solve(shared, {}, first, last);
          }
        }
      };
      {
        std::vector<std::jthread> threads;
        for (std::size_t worker = 0; worker < kWorkers; ++worker)
          threads.emplace_back(work, worker);
      }
      Solver solver(network, level);
      for (std::size_t round = 0; round < kRounds; ++round) {
        set_all_inputs(alone, static_cast<int>(round));
        solver.solve(alone);
      }
      check_same(shared, alone);
    }
  }
}

TEST_CASE("a solve of some lanes does not allocate") {
  const Network network(random_radial(6, 30, 1).data);
  Solver solver(network);
  Batch batch(network, kLaneCount);
  const std::vector<std::uint8_t> is_chosen = random_choice(1, kLaneCount - 10);
  for (int round = 0; round < 3; ++round) {
    set_all_inputs(batch, round);
    const std::uint64_t before = heron_tests::n_allocation();
    solver.solve(batch, {}, 3, kLaneCount - 1);
    solver.solve(batch, {}, 3, kLaneCount - 7, is_chosen);
    CHECK(heron_tests::n_allocation() == before);
  }
}

TEST_CASE("ranges and choices that do not fit are refused before anything is solved") {
  const Network network(random_radial(7, 10, 1).data);
  Solver solver(network);
  Batch batch(network, 20);
  CHECK_THROWS_WITH_AS(solver.solve(batch, {}, 3, 21),
                       "the lanes are 3 to 21 exclusive, expected a range within 0 to 20",
                       InvalidArgument);
  CHECK_THROWS_AS(solver.solve(batch, {}, 4, 3), InvalidArgument);
  CHECK_THROWS_WITH_AS(solver.solve(batch, {}, 3, 8, std::vector<std::uint8_t>(6)),
                       "is_chosen has 6 values, expected 5: one value per lane", InvalidArgument);
  solver.solve(batch, {}, 20, 20);
  solver.solve(batch, {}, 7, 7);
  solver.solve(batch, {}, 3, 8, std::vector<std::uint8_t>(5));
  for (const LaneStatus status : batch.status) CHECK(status == LaneStatus::kUnsolved);
  check_same_counters(batch.counters, {});
}
