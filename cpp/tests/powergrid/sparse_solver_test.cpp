#include <doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "dense_newton.hpp"
#include "network_builder.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/error.hpp"
#include "powergrid/network.hpp"
#include "powergrid/solver.hpp"
#include "random_network.hpp"

namespace {

using powergrid::Batch;
using powergrid::LaneStart;
using powergrid::LaneStatus;
using powergrid::Method;
using powergrid::Network;
using powergrid::NetworkData;
using powergrid::SimdLevel;
using powergrid::Solver;
using powergrid::Table;
using powergrid_tests::Complex;
using powergrid_tests::DenseSolution;
using powergrid_tests::random_network;
using powergrid_tests::RandomNetwork;
using powergrid_tests::set_randomly;
using powergrid_tests::solve_densely;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr powergrid::SolveOptions kTight{.tolerance_pu = 1e-12};

std::vector<SimdLevel> levels() {
  std::vector<SimdLevel> out{SimdLevel::kBaseline};
  if (powergrid::best_simd_level() >= SimdLevel::kAvx2) out.push_back(SimdLevel::kAvx2);
  if (powergrid::best_simd_level() >= SimdLevel::kAvx512) out.push_back(SimdLevel::kAvx512);
  return out;
}

std::vector<const Table<double>*> results(const Batch& batch) {
  return {&batch.v_re_pu,         &batch.v_im_pu,           &batch.vm_pu,          &batch.va_degree,
          &batch.p_from_mw,       &batch.q_from_mvar,       &batch.p_to_mw,        &batch.q_to_mvar,
          &batch.p_controlled_mw, &batch.q_controlled_mvar, &batch.loading_percent};
}

bool is_finite(const Batch& batch) {
  for (const Table<double>* table : results(batch)) {
    for (std::size_t row = 0; row < table->n_row; ++row) {
      for (std::size_t lane = 0; lane < table->n_lane; ++lane) {
        if (!std::isfinite((*table)(row, lane))) return false;
      }
    }
  }
  return true;
}

// Whether two lanes have the same results to the last bit.
bool is_same(const Batch& a, std::size_t lane_a, const Batch& b, std::size_t lane_b) {
  const auto tables_a = results(a);
  const auto tables_b = results(b);
  for (std::size_t t = 0; t < tables_a.size(); ++t) {
    for (std::size_t row = 0; row < tables_a[t]->n_row; ++row) {
      const double x = (*tables_a[t])(row, lane_a);
      const double y = (*tables_b[t])(row, lane_b);
      if (std::memcmp(&x, &y, sizeof(double)) != 0) return false;
    }
  }
  return a.iterations[lane_a] == b.iterations[lane_b] && a.status[lane_a] == b.status[lane_b] &&
         a.mismatch_pu[lane_a] == b.mismatch_pu[lane_b];
}

void copy_inputs(const Batch& from, std::size_t lane_from, Batch& to, std::size_t lane_to) {
  const auto copy = [&](const Table<double>& a, const Table<double>& b) {
    for (std::size_t row = 0; row < a.n_row; ++row) b(row, lane_to) = a(row, lane_from);
  };
  copy(from.p_mw, to.p_mw);
  copy(from.q_mvar, to.q_mvar);
  copy(from.tap_pos, to.tap_pos);
  copy(from.shunt_step, to.shunt_step);
  copy(from.vm_set_pu, to.vm_set_pu);
}

double largest_error(const NetworkData& data, const Batch& batch, std::size_t lane,
                     const DenseSolution& expected) {
  double error = 0.0;
  const auto compare = [&](const Table<double>& re, const Table<double>& im, std::size_t row,
                           Complex value) {
    error = std::max(error, std::abs(Complex(re(row, lane), im(row, lane)) - value));
  };
  for (std::size_t i = 0; i < expected.v.size(); ++i) {
    compare(batch.v_re_pu, batch.v_im_pu, i, expected.v[i]);
    error = std::max(error, std::abs(batch.vm_pu(i, lane) - std::abs(expected.v[i])));
  }
  for (std::size_t b = 0; b < data.from_node.size(); ++b) {
    compare(batch.p_from_mw, batch.q_from_mvar, b, expected.s_from[b]);
    compare(batch.p_to_mw, batch.q_to_mvar, b, expected.s_to[b]);
  }
  for (std::size_t c = 0; c < data.controlled_node.size(); ++c) {
    compare(batch.p_controlled_mw, batch.q_controlled_mvar, c, expected.s_controlled[c]);
  }
  return error;
}

// A load behind a reactance, from a source of 1 p.u.
NetworkData two_nodes(double x_pu, double p_load_mw, double q_load_mvar) {
  NetworkData data;
  data.node_of_bus = {0, 1};
  data.p_fixed_pu = data.q_fixed_pu = data.g_shunt_pu = data.b_shunt_pu = {0.0, 0.0};
  data.start_vm_pu = {1.0, 1.0};
  data.start_va_degree = {0.0, 0.0};
  data.controlled_node = {0};
  data.is_source = {1};
  data.controlled_vm_pu = {1.0};
  data.controlled_va_degree = {0.0};
  data.from_node = {0};
  data.to_node = {1};
  data.r_pu = data.r_back_pu = {0.0};
  data.x_pu = data.x_back_pu = {x_pu};
  data.g_from_pu = data.b_from_pu = data.g_to_pu = data.b_to_pu = {0.0};
  data.ratio = {1.0};
  data.shift_degree = {0.0};
  data.loading_from = data.loading_to = {1.0};
  data.injection_node = {1};
  data.injection_scale = {-1.0};
  data.p_mw = {p_load_mw};
  data.q_mvar = {q_load_mvar};
  return data;
}

}  // namespace

TEST_CASE("meshed networks of all elements have the voltages and flows of a dense method") {
  std::size_t n_compared = 0;
  for (std::uint32_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    const RandomNetwork shape{.seed = seed,
                              .n_node = static_cast<std::int32_t>(4 + seed),
                              .n_loop = static_cast<std::int32_t>(seed % 9),
                              .n_source = static_cast<std::int32_t>(1 + seed % 3),
                              .n_generator = static_cast<std::int32_t>(seed % 4)};
    const Network network(random_network(shape), Method::kSparse);
    Batch batch(network, 21);
    set_randomly(network.data(), seed, batch);
    for (const SimdLevel level : levels()) {
      CAPTURE(static_cast<int>(level));
      for (std::size_t lane = 0; lane < batch.n_lane(); ++lane) batch.forget(lane);
      Solver(network, level).solve(batch, kTight);
      for (std::size_t lane = 0; lane < batch.n_lane(); ++lane) {
        CAPTURE(lane);
        const DenseSolution expected = solve_densely(network.data(), batch, lane);
        REQUIRE(expected.converged);
        REQUIRE(batch.status[lane] == LaneStatus::kConverged);
        CHECK(batch.mismatch_pu[lane] < 1e-12);
        CHECK(largest_error(network.data(), batch, lane, expected) < 1e-9);
        ++n_compared;
      }
    }
  }
  CHECK(n_compared >= 25 * 21);
}

TEST_CASE("a warm solve after new inputs has the same solution as a cold one") {
  const Network network(random_network({.seed = 3, .n_node = 30, .n_loop = 10}), Method::kSparse);
  Batch batch(network, 13);
  Solver solver(network);
  for (std::uint32_t seed = 1; seed <= 4; ++seed) {
    set_randomly(network.data(), seed, batch);
    solver.solve(batch, kTight);
  }
  CHECK(batch.counters.n_warm == 3 * 13);
  for (std::size_t lane = 0; lane < batch.n_lane(); ++lane) {
    const DenseSolution expected = solve_densely(network.data(), batch, lane);
    CHECK(largest_error(network.data(), batch, lane, expected) < 1e-9);
  }
}

TEST_CASE("a solution is its own solution: solving again changes no bit") {
  const Network network(random_network({.seed = 5, .n_node = 25, .n_loop = 8}), Method::kSparse);
  Batch batch(network, 9);
  set_randomly(network.data(), 1, batch);
  Solver solver(network);
  solver.solve(batch);
  const Batch before = batch;
  solver.solve(batch);
  for (std::size_t lane = 0; lane < batch.n_lane(); ++lane) {
    CHECK(batch.iterations[lane] == 0);
    for (std::size_t row = 0; row < batch.v_re_pu.n_row; ++row) {
      CHECK(batch.v_re_pu(row, lane) == before.v_re_pu(row, lane));
      CHECK(batch.v_im_pu(row, lane) == before.v_im_pu(row, lane));
    }
  }
}

TEST_CASE("held nodes have their magnitude, sources also their angle") {
  const Network network(random_network({.seed = 7, .n_source = 2}), Method::kSparse);
  const NetworkData& data = network.data();
  Batch batch(network, 5);
  set_randomly(data, 2, batch);
  Solver(network).solve(batch);
  for (std::size_t lane = 0; lane < 5; ++lane) {
    for (std::size_t c = 0; c < data.controlled_node.size(); ++c) {
      const auto node = static_cast<std::size_t>(data.controlled_node[c]);
      CHECK(std::abs(batch.vm_pu(node, lane) - batch.vm_set_pu(c, lane)) < 1e-13);
      if (data.is_source[c] != 0) {
        CHECK(std::abs(batch.va_degree(node, lane) - data.controlled_va_degree[c]) < 1e-12);
      } else {
        CHECK(std::abs(batch.p_controlled_mw(c, lane)) < 1e-7 * data.base_mva);
      }
    }
  }
}

TEST_CASE("radial networks have the solution of the tree method") {
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    const NetworkData data = random_network({.seed = seed,
                                             .n_node = 40,
                                             .n_loop = 0,
                                             .n_generator = 0,
                                             .is_plain = true,
                                             .load_mw = 1.5});
    const Network tree(data, Method::kTree);
    const Network sparse(data, Method::kSparse);
    Batch by_tree(tree, 11);
    Batch by_sparse(sparse, 11);
    set_randomly(data, seed, by_tree);
    set_randomly(data, seed, by_sparse);
    Solver(tree).solve(by_tree, kTight);
    Solver(sparse).solve(by_sparse, kTight);
    for (std::size_t lane = 0; lane < 11; ++lane) {
      REQUIRE(by_tree.status[lane] == LaneStatus::kConverged);
      REQUIRE(by_sparse.status[lane] == LaneStatus::kConverged);
    }
    const auto a = results(by_tree);
    const auto b = results(by_sparse);
    double error = 0.0;
    for (std::size_t t = 0; t < a.size(); ++t) {
      for (std::size_t row = 0; row < a[t]->n_row; ++row) {
        for (std::size_t lane = 0; lane < 11; ++lane) {
          error = std::max(error, std::abs((*a[t])(row, lane) - (*b[t])(row, lane)));
        }
      }
    }
    CHECK(error < 1e-9);
  }
}

TEST_CASE("a lane has the same bits whatever its place, neighbours, batch and threads") {
  const Network network(random_network({.seed = 11, .n_node = 30, .n_loop = 9}), Method::kSparse);
  Batch many(network, 67);
  set_randomly(network.data(), 5, many);
  // Neighbours that fail, and one that holds nonsense.
  for (std::size_t k = 0; k < network.n_injection(); ++k) {
    many.p_mw(k, 4) = 1e6;
    many.p_mw(k, 21) = 1e7;
    many.q_mvar(k, 33) = std::numeric_limits<double>::quiet_NaN();
  }
  Batch threaded = many;
  for (const SimdLevel level : levels()) {
    CAPTURE(static_cast<int>(level));
    for (std::size_t lane = 0; lane < many.n_lane(); ++lane) {
      many.forget(lane);
      threaded.forget(lane);
    }
    Solver solver(network, level);
    solver.solve(many);
    solver.solve(threaded, {.n_thread = 3});
    Batch alone(network, 1);
    for (const std::size_t lane : {0U, 3U, 5U, 7U, 16U, 20U, 22U, 63U, 66U}) {
      CAPTURE(lane);
      alone.forget(0);
      copy_inputs(many, lane, alone, 0);
      solver.solve(alone);
      CHECK(many.status[lane] == LaneStatus::kConverged);
      CHECK(is_same(many, lane, alone, 0));
      CHECK(is_same(many, lane, threaded, lane));
    }
    CHECK(many.status[4] == LaneStatus::kNoSolution);
    CHECK(many.status[21] == LaneStatus::kNoSolution);
    CHECK(many.status[33] == LaneStatus::kInvalidInput);
    CHECK(is_finite(many));
  }
}

TEST_CASE("loads beyond the nose of the curve have no solution, and finite results") {
  // The most that a reactance x can carry at unity power factor is 1 / (2 x).
  const Network network(two_nodes(0.1, 0.0, 0.0), Method::kSparse);
  Batch batch(network, 5);
  const double load_mw[] = {4.99, 5.01, 1e3, 1e6, 0.9e9};
  for (std::size_t lane = 0; lane < 5; ++lane) batch.p_mw(0, lane) = load_mw[lane];
  Solver solver(network);
  solver.solve(batch);
  CHECK(batch.status[0] == LaneStatus::kConverged);
  for (std::size_t lane = 1; lane < 5; ++lane) {
    CAPTURE(lane);
    CHECK(batch.status[lane] == LaneStatus::kNoSolution);
    CHECK(batch.start[lane] == LaneStart::kNone);
    CHECK_FALSE(std::isnan(batch.mismatch_pu[lane]));
  }
  CHECK(is_finite(batch));
  CHECK(batch.counters.n_failed == 4);
  for (std::size_t lane = 0; lane < 5; ++lane) batch.p_mw(0, lane) = 2.0;
  solver.solve(batch);
  for (std::size_t lane = 0; lane < 5; ++lane) {
    CHECK(batch.status[lane] == LaneStatus::kConverged);
  }
}

TEST_CASE("shortened steps find the solution from a start that long ones miss") {
  NetworkData data = two_nodes(0.3, 1.0, 0.1);
  data.start_va_degree[1] = -60.0;
  const Network network(std::move(data), Method::kSparse);
  Batch batch(network, 1);
  Solver(network).solve(batch);
  CHECK(batch.start[0] == LaneStart::kDamped);
  // V^4 + (2 q x - 1) V^2 + x^2 (p^2 + q^2) = 0, the larger root.
  const double half = 0.5 - 0.1 * 0.3;
  const double square = half + std::sqrt(half * half - 0.3 * 0.3 * (1.0 + 0.1 * 0.1));
  CHECK(batch.vm_pu(1, 0) == doctest::Approx(std::sqrt(square)).epsilon(1e-8));
}

TEST_CASE("a warm start near a solution of low voltage is given up for the flat one") {
  const Network network(two_nodes(0.1, 1.0, 0.2), Method::kSparse);
  Batch batch(network, 2);
  Solver solver(network);
  solver.solve(batch);
  const double high = batch.vm_pu(1, 0);
  CHECK(high > 0.9);
  batch.v_re_pu(1, 0) = 0.02;
  batch.v_im_pu(1, 0) = -0.1;
  solver.solve(batch);
  CHECK(batch.start[0] == LaneStart::kFlat);
  CHECK(batch.start[1] == LaneStart::kWarm);
  CHECK(batch.vm_pu(1, 0) == doctest::Approx(high).epsilon(1e-9));
}

TEST_CASE("where negative reactances turn the determinant's sign, a lane still starts warm") {
  NetworkData data = random_network({.n_node = 4, .n_loop = 0, .n_generator = 1});
  REQUIRE(data.to_node[2] == 3);
  data.r_pu[2] = data.r_back_pu[2] = 0.001;
  data.x_pu[2] = data.x_back_pu[2] = -0.2;
  const Network network(std::move(data), Method::kSparse);
  Batch batch(network, 1);
  Solver solver(network);
  solver.solve(batch);
  REQUIRE(batch.start[0] == LaneStart::kFlat);
  for (std::size_t k = 0; k < network.n_injection(); ++k) batch.p_mw(k, 0) *= 1.1;
  solver.solve(batch);
  CHECK(batch.start[0] == LaneStart::kWarm);
  CHECK(batch.iterations[0] > 0);
}

TEST_CASE("a start whose Jacobian is singular ends the lane") {
  // Without load the voltage of half the source's is the nose itself.
  NetworkData data = two_nodes(0.5, 0.0, 0.0);
  data.start_vm_pu[1] = 0.5;
  const Network network(std::move(data), Method::kSparse);
  Batch batch(network, 3);
  Solver(network).solve(batch);
  for (std::size_t lane = 0; lane < 3; ++lane) {
    CHECK(batch.status[lane] == LaneStatus::kNoSolution);
    CHECK(std::isfinite(batch.mismatch_pu[lane]));
  }
  CHECK(is_finite(batch));
}

TEST_CASE("a network of sources alone is solved without unknowns") {
  NetworkData data = two_nodes(0.2, 0.0, 0.0);
  data.controlled_node.push_back(1);
  data.is_source.push_back(1);
  data.controlled_vm_pu.push_back(0.95);
  data.controlled_va_degree.push_back(-3.0);
  const Network network(std::move(data), Method::kSparse);
  Batch batch(network, 2);
  Solver(network).solve(batch);
  const DenseSolution expected = solve_densely(network.data(), batch, 0);
  CHECK(batch.status[0] == LaneStatus::kConverged);
  CHECK(largest_error(network.data(), batch, 0, expected) < 1e-13);
}

TEST_CASE("the value of a row without a tap changer is ignored") {
  const Network network(random_network({.seed = 13}), Method::kSparse);
  REQUIRE(network.data().tap_branch.back() == -1);
  Batch batch(network, 1);
  batch.tap_pos(network.n_tap() - 1, 0) = kInfinity;
  Solver(network).solve(batch);
  CHECK(batch.status[0] == LaneStatus::kConverged);
}

TEST_CASE("solving a meshed network allocates nothing") {
  const Network network(random_network({.seed = 17, .n_node = 30, .n_loop = 9}), Method::kSparse);
  Batch batch(network, 40);
  Solver solver(network);
  set_randomly(network.data(), 1, batch);
  batch.p_mw(12, 7) = 1e9;
  const std::uint64_t before = heron_tests::n_allocation();
  solver.solve(batch);
  CHECK(heron_tests::n_allocation() == before);
  CHECK(batch.counters.n_failed == 1);
}

TEST_CASE("a meshed network of ten thousand nodes is prepared and solved") {
  NetworkData data =
      random_network({.seed = 19, .n_node = 10000, .n_loop = 500, .n_generator = 900});
  // One source for all asks for strong branches.
  for (std::vector<double>* z : {&data.r_pu, &data.x_pu, &data.r_back_pu, &data.x_back_pu}) {
    for (double& value : *z) value *= 1e-3;
  }
  const Network network(std::move(data), Method::kSparse);
  Batch batch(network, 3);
  Solver(network).solve(batch);
  for (std::size_t lane = 0; lane < 3; ++lane) {
    CHECK(batch.status[lane] == LaneStatus::kConverged);
  }
}

TEST_CASE("a regulator nearly without impedance is solved at every position") {
  // A feeder, a regulator of 0.625 % a step, and a loop behind it.
  const auto regulated = [](double z, bool is_to, bool is_turned, double position) {
    heron_tests::NetworkBuilder net;
    for (int i = 0; i < 5; ++i) net.node();
    net.source(0);
    net.branch(0, 1, 0.02, 0.04);
    const std::size_t regulator = is_turned ? net.branch(2, 1, 0.0, z) : net.branch(1, 2, 0.0, z);
    net.branch(2, 3, 0.02, 0.04);
    net.branch(3, 4, 0.02, 0.04);
    net.branch(2, 4, 0.02, 0.04);
    net.load(3, 0.3, 0.1);
    net.load(4, 0.3, 0.1);
    net.tap(regulator, is_to, 0.00625, position);
    return net.data;
  };
  const double positions[] = {0.0, 1.0, 2.0, 4.0, 8.0, 16.0, -1.0, -8.0, -16.0};
  for (const double z : {1e-3, 1e-4, 1e-5, 1e-6, 1e-7}) {
    for (const int side : {0, 1, 2, 3}) {
      CAPTURE(z);
      CAPTURE(side);
      const bool is_to = side % 2 == 1;
      const bool is_turned = side / 2 == 1;
      const Network network(regulated(z, is_to, is_turned, 0.0));
      REQUIRE(network.method() == Method::kSparse);
      Batch cold(network, 9);
      Batch warm(network, 9);
      Solver solver(network);
      solver.solve(warm);
      for (std::size_t lane = 0; lane < 9; ++lane) {
        cold.tap_pos(0, lane) = warm.tap_pos(0, lane) = positions[lane];
      }
      solver.solve(cold);
      solver.solve(warm);
      for (std::size_t lane = 0; lane < 9; ++lane) {
        CAPTURE(positions[lane]);
        NetworkData compiled = regulated(z, is_to, is_turned, positions[lane]);
        const double m = 1.0 + 0.00625 * positions[lane];
        for (std::size_t i = 2; i < 5; ++i) {
          compiled.start_vm_pu[i] = is_to == is_turned ? 1.0 / m : m;
        }
        const Network moved(std::move(compiled));
        Batch expected(moved, 1);
        Solver(moved).solve(expected);
        REQUIRE(expected.status[0] == LaneStatus::kConverged);
        CHECK(cold.status[lane] == LaneStatus::kConverged);
        CHECK(cold.start[lane] == LaneStart::kFlat);
        CHECK(warm.status[lane] == LaneStatus::kConverged);
        for (std::size_t i = 0; i < 5; ++i) {
          CHECK(cold.vm_pu(i, lane) == doctest::Approx(expected.vm_pu(i, 0)).epsilon(1e-7));
          CHECK(warm.vm_pu(i, lane) == doctest::Approx(expected.vm_pu(i, 0)).epsilon(1e-7));
        }
      }
    }
  }
}

TEST_CASE("a start follows a generator's set-point and a shifter before it") {
  heron_tests::NetworkBuilder net;
  for (int i = 0; i < 4; ++i) net.node();
  net.source(0);
  net.branch(0, 1, 0.02, 0.04);
  const std::size_t shifter = net.branch(1, 2, 0.0, 1e-4);
  net.branch(2, 3, 0.0, 1e-5);  // a short line to the generator
  net.load(1, 0.2, 0.1);
  net.load(2, 0.2, 0.1);
  net.tap(shifter, false, 0.0, 0.0, 0.0, 10.0);
  net.data.tap_kind[0] = powergrid::TapKind::kShifter;
  net.data.controlled_node.push_back(3);
  net.data.is_source.push_back(0);
  net.data.controlled_vm_pu.push_back(1.0);
  net.data.controlled_va_degree.push_back(0.0);
  const Network network(net.data);
  Batch batch(network, 36);
  for (std::size_t lane = 0; lane < 36; ++lane) {
    batch.tap_pos(0, lane) = static_cast<double>(lane);
    batch.vm_set_pu(1, lane) = lane % 2 == 0 ? 1.1 : 0.9;
  }
  Solver(network).solve(batch);
  for (std::size_t lane = 0; lane < 36; ++lane) {
    CAPTURE(lane);
    CHECK(batch.start[lane] == LaneStart::kFlat);
    CHECK(batch.vm_pu(2, lane) == doctest::Approx(lane % 2 == 0 ? 1.1 : 0.9).epsilon(1e-3));
    // No tap changes what the source gives.
    CHECK(batch.p_controlled_mw(0, lane) ==
          doctest::Approx(batch.p_controlled_mw(0, lane % 2)).epsilon(1e-7));
  }
}

TEST_CASE("no start ends at a solution of low voltage while another finds a higher one") {
  heron_tests::NetworkBuilder net = heron_tests::two_nodes(0.01, 0.02, 1.0, 0.3);
  const double expected = [&] {
    const Network network(net.data, Method::kSparse);
    Batch batch(network, 1);
    Solver(network).solve(batch);
    return batch.vm_pu(1, 0);
  }();
  CHECK(expected == doctest::Approx(0.9836).epsilon(1e-4));
  SUBCASE("from a start turned away by 50 degree") {
    net.data.start_va_degree[1] = 50.0;
    const Network network(net.data, Method::kSparse);
    Batch batch(network, 1);
    Solver(network).solve(batch);
    CHECK(batch.start[0] == LaneStart::kDamped);
    CHECK(batch.vm_pu(1, 0) == doctest::Approx(expected).epsilon(1e-8));
  }
  SUBCASE("behind a shifter in steps of 10 degree") {
    net.tap(0, false, 0.0, 0.0, 0.0, 10.0);
    net.data.tap_kind[0] = powergrid::TapKind::kShifter;
    const Network network(net.data);
    Batch batch(network, 36);
    for (std::size_t lane = 0; lane < 36; ++lane) {
      batch.tap_pos(0, lane) = static_cast<double>(lane);
    }
    Solver(network).solve(batch);
    for (std::size_t lane = 0; lane < 36; ++lane) {
      CAPTURE(lane);
      CHECK(batch.start[lane] == LaneStart::kFlat);
      CHECK(batch.vm_pu(1, lane) == doctest::Approx(expected).epsilon(1e-8));
      CHECK(std::abs(std::remainder(
                batch.va_degree(1, lane) - batch.va_degree(1, 0) + 10.0 * static_cast<double>(lane),
                360.0)) < 1e-6);
    }
  }
  SUBCASE("far up a tap changer") {
    net.tap(0, true, 0.01, 0.0);
    const Network tree(net.data, Method::kTree);
    const Network sparse(net.data, Method::kSparse);
    Batch by_tree(tree, 1);
    Batch by_sparse(sparse, 1);
    by_tree.tap_pos(0, 0) = by_sparse.tap_pos(0, 0) = 1000.0;
    Solver(tree).solve(by_tree);
    Solver(sparse).solve(by_sparse);
    CHECK(by_sparse.vm_pu(1, 0) > 10.0);
    CHECK(by_sparse.vm_pu(1, 0) == doctest::Approx(by_tree.vm_pu(1, 0)).epsilon(1e-8));
  }
}

TEST_CASE("a branch without impedance from a node to itself is its shunts") {
  heron_tests::NetworkBuilder net = heron_tests::two_nodes(0.01, 0.02, 1.0, 0.3);
  net.data.b_shunt_pu[1] = 0.3;
  const Network plain(net.data, Method::kSparse);
  net.data.b_shunt_pu[1] = 0.0;
  const std::size_t loop = net.branch(1, 1, 0.0, 0.0);
  net.data.b_from_pu[loop] = 0.1;
  net.data.b_to_pu[loop] = 0.2;
  const Network network(net.data);
  Batch expected(plain, 1);
  Batch batch(network, 1);
  Solver(plain).solve(expected, kTight);
  Solver(network).solve(batch, kTight);
  REQUIRE(batch.status[0] == LaneStatus::kConverged);
  const double square = batch.vm_pu(1, 0) * batch.vm_pu(1, 0);
  CHECK(batch.vm_pu(1, 0) == doctest::Approx(expected.vm_pu(1, 0)).epsilon(1e-12));
  CHECK(batch.q_from_mvar(loop, 0) == doctest::Approx(-0.1 * square).epsilon(1e-12));
  CHECK(batch.q_to_mvar(loop, 0) == doctest::Approx(-0.2 * square).epsilon(1e-12));

  net.data.ratio[loop] = 1.1;
  CHECK_THROWS_AS(Network{net.data}, powergrid::InvalidArgument);
}

TEST_CASE("a shifter keeps its angle over many steps, and refuses positions beyond any") {
  heron_tests::NetworkBuilder net = heron_tests::two_nodes(0.01, 0.02, 1.0, 0.3);
  net.tap(0, false, 0.0, 0.0, 0.0, 7.0);
  net.data.tap_kind[0] = powergrid::TapKind::kShifter;
  const Network network(net.data);
  Batch batch(network, 5);
  const double positions[] = {0.0, 1.0, 360e6 + 1.0, 1e10, -1e20};
  for (std::size_t lane = 0; lane < 5; ++lane) batch.tap_pos(0, lane) = positions[lane];
  Solver(network).solve(batch, kTight);
  CHECK(batch.va_degree(1, 0) - batch.va_degree(1, 1) == doctest::Approx(7.0).epsilon(1e-11));
  CHECK(batch.va_degree(1, 2) == doctest::Approx(batch.va_degree(1, 1)).epsilon(1e-11));
  CHECK(batch.status[2] == LaneStatus::kConverged);
  CHECK(batch.status[3] == LaneStatus::kInvalidInput);
  CHECK(batch.status[4] == LaneStatus::kInvalidInput);
}

TEST_CASE("a shifter of whole turns stands between them at a fractional position") {
  heron_tests::NetworkBuilder net = heron_tests::two_nodes(0.01, 0.02, 1.0, 0.3);
  net.tap(0, false, 0.0, 0.25, 0.0, 360.0);
  net.data.tap_kind[0] = powergrid::TapKind::kShifter;
  net.data.start_va_degree[1] = -90.0;
  const Network network(net.data);
  CHECK(network.method() == Method::kSparse);
  Batch batch(network, 2);
  batch.tap_pos(0, 1) = 1.0;
  Solver(network).solve(batch, kTight);
  CHECK(batch.va_degree(1, 1) - batch.va_degree(1, 0) == doctest::Approx(90.0).epsilon(1e-11));
}

TEST_CASE("resistances and negative reactances together leave flat starts their solutions") {
  int n_flat = 0;
  int n_damped = 0;
  int n_warm = 0;
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    NetworkData data =
        random_network({.seed = seed, .n_node = 30, .n_loop = 8, .n_generator = 8, .load_mw = 1.0});
    for (std::size_t b = 0; b < data.x_pu.size(); b += 5) {
      data.x_pu[b] *= -0.3;
      data.x_back_pu[b] *= -0.3;
    }
    const Network network(std::move(data), Method::kSparse);
    Batch batch(network, 8);
    set_randomly(network.data(), seed, batch);
    Solver solver(network);
    solver.solve(batch);
    for (std::size_t lane = 0; lane < 8; ++lane) {
      n_flat += batch.start[lane] == LaneStart::kFlat ? 1 : 0;
      n_damped += batch.start[lane] == LaneStart::kDamped ? 1 : 0;
      for (std::size_t k = 0; k < network.n_injection(); ++k) batch.p_mw(k, lane) *= 1.01;
    }
    solver.solve(batch);
    for (std::size_t lane = 0; lane < 8; ++lane) {
      n_warm += batch.start[lane] == LaneStart::kWarm ? 1 : 0;
    }
  }
  CHECK(n_flat > 50);
  CHECK(10 * n_damped < n_flat);
  CHECK(10 * n_warm > 9 * n_flat);
}
