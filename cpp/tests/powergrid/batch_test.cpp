#include "powergrid/batch.hpp"

#include <doctest.h>

#include <cstdint>

#include "powergrid/error.hpp"

using powergrid::Batch;
using powergrid::InvalidArgument;
using powergrid::LaneStart;
using powergrid::LaneStatus;
using powergrid::Network;
using powergrid::NetworkData;

namespace {

// A source and a load behind a line; the third bus is out of supply.
Network two_nodes() {
  NetworkData data;
  data.node_of_bus = {0, 1, -1};
  data.p_fixed_pu = data.q_fixed_pu = data.g_shunt_pu = data.b_shunt_pu = {0.0, 0.0};
  data.start_vm_pu = {1.02, 1.0};
  data.start_va_degree = {0.0, 90.0};
  data.controlled_node = {0};
  data.is_source = {1};
  data.controlled_vm_pu = {1.02};
  data.controlled_va_degree = {0.0};
  data.from_node = {0};
  data.to_node = {1};
  data.r_pu = data.r_back_pu = {0.01};
  data.x_pu = data.x_back_pu = {0.03};
  data.g_from_pu = data.b_from_pu = data.g_to_pu = data.b_to_pu = {0.0};
  data.ratio = {1.0};
  data.shift_degree = {0.0};
  data.loading_from = data.loading_to = {50.0};
  data.injection_node = {1};
  data.injection_scale = {-1.0};
  data.p_mw = {0.3};
  data.q_mvar = {0.1};
  return Network(std::move(data));
}

}  // namespace

TEST_CASE("every lane begins with the network's inputs and start voltages, unsolved") {
  const Network network = two_nodes();
  const Batch batch(network, 3);
  for (std::size_t lane = 0; lane < 3; ++lane) {
    CHECK(batch.p_mw(0, lane) == 0.3);
    CHECK(batch.q_mvar(0, lane) == 0.1);
    CHECK(batch.vm_set_pu(0, lane) == 1.02);
    CHECK(batch.v_re_pu(0, lane) == 1.02);
    CHECK(batch.v_im_pu(1, lane) == doctest::Approx(1.0));
    CHECK(batch.vm_pu(1, lane) == 1.0);
    CHECK(batch.va_degree(1, lane) == 90.0);
    CHECK(batch.vm_pu(2, lane) == 0.0);
    CHECK(batch.p_from_mw(0, lane) == 0.0);
    CHECK(batch.status[lane] == LaneStatus::kUnsolved);
    CHECK(batch.start[lane] == LaneStart::kNone);
    CHECK(batch.is_warm[lane] == 0);
  }
}

TEST_CASE("rows begin on cache lines and are never a multiple of 4 KiB apart") {
  const Network network = two_nodes();
  for (const std::size_t n_lane : {1U, 7U, 8U, 9U, 511U, 512U, 1024U, 4096U}) {
    const Batch batch(network, n_lane);
    CAPTURE(n_lane);
    CHECK(batch.vm_pu.n_lane == n_lane);
    CHECK(batch.vm_pu.stride >= n_lane);
    CHECK(batch.vm_pu.stride % 8 == 0);
    CHECK(batch.vm_pu.stride % 512 != 0);
    CHECK(reinterpret_cast<std::uintptr_t>(&batch.vm_pu(1, 0)) % 64 == 0);
  }
}

TEST_CASE("a copy is equal and independent") {
  const Network network = two_nodes();
  Batch first(network, 2);
  first.p_mw(0, 1) = 0.7;
  first.counters.n_warm = 5;
  Batch second(first);
  CHECK(second.p_mw(0, 1) == 0.7);
  CHECK(second.counters.n_warm == 5);
  second.p_mw(0, 1) = 0.9;
  second.is_warm[0] = 1;
  CHECK(first.p_mw(0, 1) == 0.7);
  CHECK(first.is_warm[0] == 0);
}

TEST_CASE("a lane that is forgotten starts flat, the others stay warm") {
  const Network network = two_nodes();
  Batch batch(network, 2);
  batch.is_warm[0] = batch.is_warm[1] = 1;
  batch.forget(1);
  CHECK(batch.is_warm[0] == 1);
  CHECK(batch.is_warm[1] == 0);
}

TEST_CASE("a batch has lanes") {
  const Network network = two_nodes();
  CHECK_THROWS_AS(Batch(network, 0), InvalidArgument);
}

TEST_CASE("more lanes than any memory holds are refused") {
  const Network network = two_nodes();
  CHECK_THROWS_AS(Batch(network, SIZE_MAX), InvalidArgument);
  CHECK_THROWS_AS(Batch(network, std::size_t{1} << 61), InvalidArgument);
}
