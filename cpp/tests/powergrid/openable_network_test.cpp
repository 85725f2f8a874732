#include "powergrid/openable_network.hpp"

#include <doctest.h>

#include <array>
#include <cstdint>
#include <vector>

#include "lanes.hpp"
#include "network_builder.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/error.hpp"
#include "powergrid/solver.hpp"
#include "random_network.hpp"

using heron_tests::NetworkBuilder;
using powergrid::Batch;
using powergrid::ClosedSwitch;
using powergrid::InvalidArgument;
using powergrid::LaneStatus;
using powergrid::Method;
using powergrid::Network;
using powergrid::NetworkData;
using powergrid::OpenableNetwork;
using powergrid::Solver;

namespace {

// Source - 1 - 2 - 3, with a load at each; with a ring also from 3 back to the source.
NetworkBuilder chain(bool is_ring) {
  NetworkBuilder net;
  for (int i = 0; i < 4; ++i) net.node();
  net.source(0, 1.02);
  for (int i = 0; i < 3; ++i) net.branch(i, i + 1, 0.01, 0.02);
  if (is_ring) net.branch(3, 0, 0.01, 0.03);
  for (int i = 1; i < 4; ++i) net.load(i, 0.2, 0.1);
  return net;
}

// The same nodes as a network of its own, which is solved for comparison.
std::vector<double> solved_vm(const NetworkData& data) {
  const Network network(data);
  Batch batch(network, 1);
  Solver(network).solve(batch);
  REQUIRE(batch.status[0] == LaneStatus::kConverged);
  std::vector<double> vm;
  for (std::size_t bus = 0; bus < network.n_bus(); ++bus) vm.push_back(batch.vm_pu(bus, 0));
  return vm;
}

using Numbers = std::vector<std::int32_t>;

}  // namespace

TEST_CASE("an open branch leaves what is behind it without supply") {
  const Network network(chain(false).data);
  const auto variant = OpenableNetwork(network).opened(Numbers{1}, {});
  CHECK(&variant->base() == &network);
  CHECK(variant->data().node_of_bus == Numbers{0, 1, -1, -1});
  CHECK(variant->data().from_node == Numbers{0, -1, -1});
  CHECK(variant->data().injection_node == Numbers{1, -1, -1});
  CHECK(variant->n_branch() == network.n_branch());
}

TEST_CASE("variants are solved in lanes of the base's batch, and the others stay") {
  for (const bool is_ring : {false, true}) {
    const NetworkBuilder net = chain(is_ring);
    const Network network(net.data);
    const OpenableNetwork openable(network);
    Batch batch(network, 5);
    Solver base(network);
    Solver other(network);
    base.solve(batch);
    const double untouched = batch.vm_pu(3, 0);

    const auto variant = openable.opened(Numbers{1}, {});
    CHECK(variant->method() == Method::kTree);  // the ring is one no more
    other.use(*variant);
    const std::array<std::uint8_t, 5> is_chosen{0, 1, 0, 1, 0};
    batch.is_warm[1] = batch.is_warm[3] = 0;
    other.solve(batch, {}, 0, 5, is_chosen);

    NetworkBuilder alone = is_ring ? chain(true) : NetworkBuilder();
    if (is_ring) {
      alone.data.from_node[1] = alone.data.to_node[1] = -1;
    } else {
      alone = heron_tests::two_nodes(0.01, 0.02, 0.2, 0.1);
      alone.data.controlled_vm_pu[0] = 1.02;
    }
    const std::vector<double> expected = solved_vm(alone.data);
    for (const std::size_t lane : {1U, 3U}) {
      CHECK(batch.status[lane] == LaneStatus::kConverged);
      for (std::size_t bus = 0; bus < expected.size(); ++bus) {
        CHECK(batch.vm_pu(bus, lane) == doctest::Approx(expected[bus]).epsilon(1e-9));
      }
    }
    CHECK(batch.vm_pu(3, 0) == untouched);
    CHECK(batch.vm_pu(3, 4) == untouched);

    // Back again from the voltages that the variant left.
    base.solve(batch);
    CHECK(batch.vm_pu(3, 1) == doctest::Approx(untouched).epsilon(1e-8));
  }
}

TEST_CASE("a solver goes from variant to variant, also to larger ones") {
  const NetworkBuilder net = chain(true);
  const Network network(net.data);
  const OpenableNetwork openable(network);
  Batch batch(network, 2);
  Solver solver(network);
  const auto small = openable.opened(Numbers{0, 3}, {});
  const auto ring = openable.opened({}, {});
  const auto radial = openable.opened(Numbers{2}, {});
  CHECK(ring->method() == Method::kSparse);
  const std::vector<double> whole = solved_vm(net.data);
  for (int round = 0; round < 2; ++round) {
    solver.use(*small);
    solver.solve(batch);
    CHECK(batch.status[0] == LaneStatus::kConverged);
    CHECK(batch.vm_pu(0, 0) == doctest::Approx(1.02));
    CHECK(batch.p_controlled_mw(0, 0) == doctest::Approx(0.0));
    solver.use(*ring);
    batch.is_warm[0] = batch.is_warm[1] = 0;
    solver.solve(batch);
    CHECK(batch.vm_pu(3, 1) == doctest::Approx(whole[3]).epsilon(1e-9));
    solver.use(*radial);
    solver.solve(batch);
    CHECK(batch.status[0] == LaneStatus::kConverged);
    CHECK(batch.vm_pu(2, 0) < whole[2]);
  }
}

TEST_CASE("an open switch parts nodes, each with a row for its voltage") {
  // A ring whose third node is two, joined by a switch: open, both sides are still supplied.
  NetworkBuilder apart;
  for (int i = 0; i < 5; ++i) apart.node();
  apart.source(0, 1.02);
  apart.branch(0, 1, 0.01, 0.02);
  apart.branch(1, 2, 0.01, 0.02);
  apart.branch(4, 3, 0.01, 0.02);
  apart.branch(3, 0, 0.01, 0.03);
  for (int i = 1; i < 5; ++i) apart.load(i, 0.2, 0.1);
  NetworkData joined = apart.data;
  joined.node_of_bus = {0, 1, 2, 3, 2};
  for (auto* values : {&joined.p_fixed_pu, &joined.q_fixed_pu, &joined.g_shunt_pu,
                       &joined.b_shunt_pu, &joined.start_va_degree, &joined.start_vm_pu}) {
    values->pop_back();
  }
  joined.from_node[2] = 2;
  joined.injection_node[3] = 2;
  const Network network(joined);
  const OpenableNetwork openable(network, apart.data, {ClosedSwitch{2, 4}});
  CHECK(openable.n_spare_node() == 1);

  const auto variant = openable.opened({}, Numbers{0});
  CHECK(variant->n_voltage_row() == 5);
  Solver solver(network);
  solver.use(*variant);
  Batch narrow(network, 1);
  CHECK_THROWS_AS(solver.solve(narrow), InvalidArgument);
  Batch batch(network, 1, openable.n_spare_node());
  const std::vector<double> expected = solved_vm(apart.data);
  for (int round = 0; round < 2; ++round) {  // flat, and then warm
    solver.solve(batch);
    REQUIRE(batch.status[0] == LaneStatus::kConverged);
    for (std::size_t bus = 0; bus < 5; ++bus) {
      CHECK(batch.vm_pu(bus, 0) == doctest::Approx(expected[bus]).epsilon(1e-9));
    }
  }
  CHECK(batch.start[0] == powergrid::LaneStart::kWarm);

  // With the switch closed it is the base itself.
  const auto closed = openable.opened({}, {});
  CHECK(closed->data().node_of_bus == joined.node_of_bus);
  CHECK(closed->n_voltage_row() == 4);
}

TEST_CASE("a generator without supply holds no voltage") {
  NetworkBuilder net = chain(true);
  net.data.controlled_node.push_back(2);
  net.data.is_source.push_back(0);
  net.data.controlled_vm_pu.push_back(1.01);
  net.data.controlled_va_degree.push_back(0.0);
  const Network network(net.data);
  const auto variant = OpenableNetwork(network).opened(Numbers{1, 2}, {});
  CHECK(variant->data().controlled_node == Numbers{0, -1});
  CHECK(variant->method() == Method::kTree);
  Batch batch(network, 1);
  Solver solver(network);
  solver.use(*variant);
  solver.solve(batch);
  CHECK(batch.status[0] == LaneStatus::kConverged);
  CHECK(batch.p_controlled_mw(1, 0) == 0.0);
  CHECK(batch.q_controlled_mvar(1, 0) == 0.0);
}

TEST_CASE("what is supplied in random meshed networks is solved as a network of its own") {
  for (std::uint32_t seed = 1; seed <= 30; ++seed) {
    const NetworkData data = powergrid_tests::random_network({.seed = seed, .n_source = 2});
    const Network network(data);
    const OpenableNetwork openable(network);
    Batch batch(network, 1);
    Solver solver(network);
    for (std::int32_t branch = 0; branch < static_cast<std::int32_t>(network.n_branch());
         branch += 3) {
      const auto variant = openable.opened(Numbers{branch}, {});
      solver.use(*variant);
      batch.is_warm[0] = 0;
      solver.solve(batch);
      const Network alone(variant->data());
      Batch own(alone, 1);
      Solver(alone).solve(own);
      REQUIRE(batch.status[0] == own.status[0]);
      if (own.status[0] != LaneStatus::kConverged) continue;
      for (std::size_t bus = 0; bus < network.n_bus(); ++bus) {
        if (variant->data().node_of_bus[bus] < 0) continue;
        CHECK(batch.vm_pu(bus, 0) == own.vm_pu(bus, 0));
      }
    }
  }
}

TEST_CASE("lanes solved apart are as if they had been solved in place") {
  const NetworkBuilder net = chain(true);
  const Network network(net.data);
  const auto variant = OpenableNetwork(network).opened(Numbers{1}, {});
  constexpr std::size_t kLanes = 9;
  Batch whole(network, kLanes);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    for (std::size_t row = 0; row < 3; ++row) whole.p_mw(row, lane) *= 0.1 * double(lane + 1);
  }
  whole.p_mw(2, 7) = 1e5;  // without a solution
  Solver base(network);
  base.solve(whole);
  Batch in_place(whole);
  Solver solver(network);
  solver.use(*variant);
  const std::vector<std::uint8_t> is_chosen{0, 0, 1, 0, 0, 1, 0, 1, 0};
  for (const std::size_t lane : {2U, 5U, 7U}) in_place.clear_unsupplied(*variant, lane);
  solver.solve(in_place, {}, 0, kLanes, is_chosen);

  Batch apart(network, 4);
  const Numbers lanes{7, 2, 5};
  const Numbers here{0, 1, 3};
  apart.copy_inputs(whole, lanes, here);
  for (const std::size_t lane : {0U, 1U, 3U}) apart.clear_unsupplied(*variant, lane);
  solver.solve(apart, {}, 0, 2);
  solver.solve(apart, {}, 3, 4);
  CHECK(apart.status[0] == LaneStatus::kNoSolution);
  for (const std::int32_t lane : lanes) {
    whole.clear_unsupplied(*variant, static_cast<std::size_t>(lane));
  }
  whole.copy_results(apart, here, lanes);
  whole.take_counters(apart);
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    CAPTURE(lane);
    CHECK(heron_tests::record(whole, lane) == heron_tests::record(in_place, lane));
    CHECK(whole.vm_pu(2, lane) == in_place.vm_pu(2, lane));
    CHECK(whole.p_from_mw(1, lane) == in_place.p_from_mw(1, lane));
    CHECK(whole.is_warm[lane] == in_place.is_warm[lane]);
  }
  CHECK(whole.counters.n_iteration == in_place.counters.n_iteration);
  CHECK(whole.counters.n_failed == in_place.counters.n_failed);
  CHECK(apart.counters.n_iteration == 0);

  CHECK_THROWS_AS(apart.copy_inputs(whole, Numbers{0}, Numbers{4}), InvalidArgument);
  CHECK_THROWS_AS(apart.copy_inputs(whole, Numbers{9}, Numbers{0}), InvalidArgument);
  CHECK_THROWS_AS(apart.copy_results(whole, Numbers{-1}, Numbers{0}), InvalidArgument);
  CHECK_THROWS_AS(apart.copy_inputs(whole, Numbers{0, 1}, Numbers{0}), InvalidArgument);
  const Network other(net.data);
  Batch of_other(other, 4);
  CHECK_THROWS_AS(apart.copy_inputs(of_other, Numbers{0}, Numbers{0}), InvalidArgument);
  CHECK_THROWS_AS(of_other.clear_unsupplied(*variant, 0), InvalidArgument);
  CHECK_THROWS_AS(apart.clear_unsupplied(*variant, 4), InvalidArgument);
}

TEST_CASE("what cannot be opened, or is no variant, is refused") {
  const NetworkBuilder net = chain(false);
  const Network network(net.data);
  const OpenableNetwork openable(network);
  CHECK_THROWS_AS(static_cast<void>(openable.opened(Numbers{3}, {})), InvalidArgument);
  CHECK_THROWS_AS(static_cast<void>(openable.opened(Numbers{-1}, {})), InvalidArgument);
  CHECK_THROWS_AS(static_cast<void>(openable.opened({}, Numbers{0})), InvalidArgument);
  CHECK_THROWS_AS(OpenableNetwork(network, net.data, {ClosedSwitch{1, 9}}), InvalidArgument);
  CHECK_THROWS_AS(OpenableNetwork(network, net.data, {ClosedSwitch{1, 2}}), InvalidArgument);

  const auto variant = openable.opened(Numbers{1}, {});
  CHECK_THROWS_AS(Batch(*variant, 1), InvalidArgument);
  CHECK_THROWS_AS(Network(net.data, *variant, {0, 1, 2, 3}), InvalidArgument);
  CHECK_THROWS_AS(Network(net.data, network, {0, 1, 1, 3}), InvalidArgument);
  CHECK_THROWS_AS(Network(net.data, network, {0, 1, 2}), InvalidArgument);
  CHECK_THROWS_AS(Network(chain(true).data, network, {0, 1, 2, 3}), InvalidArgument);
}
