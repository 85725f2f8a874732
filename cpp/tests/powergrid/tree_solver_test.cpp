#include <doctest.h>

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <limits>
#include <numbers>
#include <vector>

#include "network_builder.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/network.hpp"
#include "powergrid/solver.hpp"
#include "sweep_oracle.hpp"

namespace {

using heron_tests::Complex;
using heron_tests::NetworkBuilder;
using heron_tests::OracleFlow;
using heron_tests::random_radial;
using heron_tests::sweep;
using heron_tests::two_nodes;
using powergrid::Batch;
using powergrid::LaneStart;
using powergrid::LaneStatus;
using powergrid::Network;
using powergrid::Solver;

Complex voltage(const Batch& batch, std::size_t node, std::size_t lane = 0) {
  return {batch.v_re_pu(node, lane), batch.v_im_pu(node, lane)};
}

// Solved by the closed form: |V|^2 is the larger root of w^2 + (2 Re(z conj S) - 1) w + |z S|^2,
// for a source of 1 p.u. and S drawn behind z.
double two_node_vm(Complex z, Complex s) {
  const double b = 2.0 * (z * std::conj(s)).real() - 1.0;
  return std::sqrt((-b + std::sqrt(b * b - 4.0 * std::norm(z * s))) / 2.0);
}

// How far lane 0 is from the oracle: voltages [p.u.], flows and exchange [MVA].
void check_against(const OracleFlow& flow, const Network& network, const Batch& batch) {
  REQUIRE(flow.is_solved);
  REQUIRE(batch.status[0] == LaneStatus::kConverged);
  const double base = network.data().base_mva;
  const auto node_at = [](std::int32_t i) { return static_cast<std::size_t>(i); };
  double dv = 0.0, da = 0.0, ds = 0.0, dloading = 0.0;
  for (std::size_t i = 0; i < network.n_node(); ++i) {
    dv = std::max(dv, std::abs(voltage(batch, i) - flow.v[i]));
    dv = std::max(dv, std::abs(batch.vm_pu(i, 0) - std::abs(flow.v[i])));
    const double degree = std::arg(flow.v[i]) * 180.0 / std::numbers::pi;
    da = std::max(da, std::abs(batch.va_degree(i, 0) - degree));
  }
  for (std::size_t b = 0; b < network.n_branch(); ++b) {
    const Complex v_from = flow.v[node_at(network.data().from_node[b])];
    const Complex v_to = flow.v[node_at(network.data().to_node[b])];
    const Complex from{batch.p_from_mw(b, 0), batch.q_from_mvar(b, 0)};
    const Complex to{batch.p_to_mw(b, 0), batch.q_to_mvar(b, 0)};
    ds = std::max(ds, std::abs(from - base * v_from * std::conj(flow.i_from[b])));
    ds = std::max(ds, std::abs(to - base * v_to * std::conj(flow.i_to[b])));
    const double loading = std::max(std::abs(flow.i_from[b]) * network.data().loading_from[b],
                                    std::abs(flow.i_to[b]) * network.data().loading_to[b]);
    dloading = std::max(dloading, std::abs(batch.loading_percent(b, 0) - loading));
  }
  for (std::size_t row = 0; row < network.n_controlled(); ++row) {
    const Complex s{batch.p_controlled_mw(row, 0), batch.q_controlled_mvar(row, 0)};
    ds = std::max(ds, std::abs(s - base * flow.s_source[row]));
  }
  CHECK(dv < 1e-11);
  CHECK(da < 1e-9);
  CHECK(ds < 1e-10);
  CHECK(dloading < 1e-9);
}

}  // namespace

TEST_CASE("two nodes have the voltage of the closed form up to the nose") {
  const Complex z{0.02, 0.06};
  // Along this direction of S the nose lies where the root's discriminant is 0.
  const Complex direction{0.9, 0.3};
  const double real = 2.0 * (z * std::conj(direction)).real();
  const double size = 2.0 * std::abs(z * direction);
  const double nose = 1.0 / (real + size);
  for (const double part : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 0.9999}) {
    CAPTURE(part);
    const Complex s = part * nose * direction;
    const Network network(two_nodes(z.real(), z.imag(), s.real(), s.imag()).data);
    Batch batch(network, 1);
    Solver(network).solve(batch, {.tolerance_pu = 1e-13, .max_iterations = 30});
    REQUIRE(batch.status[0] == LaneStatus::kConverged);
    CHECK(batch.start[0] == LaneStart::kFlat);
    // Near the nose a voltage is only as exact as the root of the mismatch.
    const double tolerance = part > 0.995 ? 1e-8 : 1e-11;
    CHECK(std::abs(batch.vm_pu(1, 0) - two_node_vm(z, s)) < tolerance);
    CHECK(batch.mismatch_pu[0] < 1e-13);
  }
}

TEST_CASE("past the nose there is no solution, and the last results stay") {
  const Network network(two_nodes(0.02, 0.06, 1.0, 0.3).data);
  Batch batch(network, 1);
  Solver solver(network);
  solver.solve(batch);
  REQUIRE(batch.status[0] == LaneStatus::kConverged);
  const double vm = batch.vm_pu(1, 0);
  const Complex v = voltage(batch, 1);
  for (const double p_mw : {20.0, 1e6, 9e8, -9e8}) {
    CAPTURE(p_mw);
    batch.p_mw(0, 0) = p_mw;
    solver.solve(batch);
    CHECK(batch.status[0] == LaneStatus::kNoSolution);
    CHECK(batch.start[0] == LaneStart::kNone);
    CHECK(batch.is_warm[0] == 0);
    CHECK(!std::isnan(batch.mismatch_pu[0]));
    CHECK(batch.vm_pu(1, 0) == vm);
    CHECK(voltage(batch, 1) == v);
    CHECK(std::isfinite(batch.loading_percent(0, 0)));
  }
  batch.p_mw(0, 0) = 1.0;
  solver.solve(batch);
  CHECK(batch.start[0] == LaneStart::kFlat);
  CHECK(batch.vm_pu(1, 0) == doctest::Approx(vm).epsilon(1e-12));
}

TEST_CASE("a warm start never ends on the solution of low voltage") {
  const Complex z{0.0, 0.1};
  const Complex s{1.0, 0.0};
  const Network network(two_nodes(z.real(), z.imag(), s.real(), s.imag()).data);
  Batch batch(network, 1);
  Solver solver(network);
  solver.solve(batch);
  const double vm = batch.vm_pu(1, 0);
  CHECK(std::abs(vm - two_node_vm(z, s)) < 1e-9);
  // Of the other root of the closed form, |V| |V_low| = |z S| and V_low = |V_low|^2 + conj(z) S.
  const double low = std::abs(z * s) / vm;
  const Complex v_low = low * low + std::conj(z) * s;
  REQUIRE(std::abs(std::abs(v_low) - low) < 1e-9);
  batch.v_re_pu(1, 0) = v_low.real();
  batch.v_im_pu(1, 0) = v_low.imag();
  batch.is_warm[0] = 1;
  solver.solve(batch);
  CHECK(batch.status[0] == LaneStatus::kConverged);
  CHECK(batch.start[0] == LaneStart::kFlat);
  CHECK(std::abs(batch.vm_pu(1, 0) - vm) < 1e-9);
}

TEST_CASE("a refused warm start leaves no mismatch as of a solution") {
  // V^2 = V + 1, and from V = 1 the linearised equations have no solution.
  const Network network(two_nodes(0.0, 1.0, 0.0, -1.0).data);
  Batch batch(network, 1);
  batch.v_re_pu(1, 0) = (1.0 - std::sqrt(5.0)) / 2.0;
  batch.is_warm[0] = 1;
  Solver(network).solve(batch);
  CHECK(batch.status[0] == LaneStatus::kNoSolution);
  CHECK(batch.mismatch_pu[0] == std::numeric_limits<double>::infinity());
}

TEST_CASE("a warm start from absurd voltages counts for nothing") {
  const Complex z{0.02, 0.06};
  const Complex s{0.3, 0.1};
  const Network network(two_nodes(z.real(), z.imag(), s.real(), s.imag()).data);
  Solver solver(network);
  for (const double v :
       {1e11, 1e13, 1e160, 1e200, 1e308, 1e-160, 1e-308, 0.0,
        std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    CAPTURE(v);
    Batch batch(network, 1);
    batch.v_re_pu(1, 0) = v;
    batch.is_warm[0] = 1;
    solver.solve(batch);
    CHECK(batch.status[0] == LaneStatus::kConverged);
    CHECK(std::abs(batch.vm_pu(1, 0) - two_node_vm(z, s)) < 1e-9);
    CHECK(batch.mismatch_pu[0] < 1e-8);
  }
}

TEST_CASE("a load of constant impedance at the limit is solved, beyond it refused") {
  // As if the line's end were joined to the ground.
  const Complex z{0.02, 0.06};
  NetworkBuilder net = two_nodes(z.real(), z.imag(), 0.0, 0.0);
  net.load(1, 1.0, 0.0, 0.0, 1.0);
  const Network network(net.data);
  Batch batch(network, 3);
  const std::size_t row = batch.p_mw.n_row - 1;
  batch.p_mw(row, 0) = 0.99e9;
  batch.p_mw(row, 1) = 1.01e9;
  batch.p_mw(row, 2) = 1e100;
  Solver(network).solve(batch);
  REQUIRE(batch.status[0] == LaneStatus::kConverged);
  const Complex s = std::conj(1.0 / z);
  CHECK(batch.p_controlled_mw(0, 0) == doctest::Approx(s.real()).epsilon(1e-7));
  CHECK(batch.q_controlled_mvar(0, 0) == doctest::Approx(s.imag()).epsilon(1e-7));
  CHECK(batch.status[1] == LaneStatus::kInvalidInput);
  CHECK(batch.status[2] == LaneStatus::kInvalidInput);
}

TEST_CASE("random radial networks agree with the plain sweep") {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    CAPTURE(seed);
    const NetworkBuilder net =
        random_radial(seed, 3 + static_cast<int>(seed), 1 + static_cast<int>(seed % 3));
    const Network network(net.data);
    REQUIRE(network.method() == powergrid::Method::kTree);
    Batch batch(network, 1);
    Solver(network).solve(batch, {.tolerance_pu = 1e-12});
    check_against(sweep(net.data), network, batch);
  }
}

TEST_CASE("a branch without impedance joins two nodes exactly") {
  NetworkBuilder net;
  for (int i = 0; i < 4; ++i) net.node();
  net.source(0, 1.02);
  net.branch(0, 1, 0.0, 0.0);
  net.branch(1, 2, 0.01, 0.02);
  net.branch(3, 2, 0.0, 0.0);
  net.load(1, 0.3, 0.1);
  net.load(3, 0.5, 0.2);
  const Network network(net.data);
  Batch batch(network, 1);
  Solver(network).solve(batch, {.tolerance_pu = 1e-12});
  check_against(sweep(net.data), network, batch);
  CHECK(voltage(batch, 0) == voltage(batch, 1));
  CHECK(voltage(batch, 2) == voltage(batch, 3));
  CHECK(batch.p_to_mw(2, 0) == doctest::Approx(0.5).epsilon(1e-14));
  CHECK(batch.p_from_mw(2, 0) == doctest::Approx(-0.5).epsilon(1e-14));
}

TEST_CASE("taps act by winding, and may differ by lane") {
  for (const bool is_to : {false, true}) {
    for (const bool is_up : {false, true}) {
      CAPTURE(is_to);
      CAPTURE(is_up);
      NetworkBuilder net;
      net.node();
      net.node();
      net.source(0, 1.01, 10.0);
      const std::size_t branch = net.branch(is_up ? 1 : 0, is_up ? 0 : 1, 0.01, 0.05);
      net.data.ratio[branch] = 1.02;
      net.data.shift_degree[branch] = 150.0;
      net.data.g_from_pu[branch] = 0.01;
      net.data.b_from_pu[branch] = -0.02;
      net.data.b_to_pu[branch] = 0.03;
      net.tap(branch, is_to, 0.0125, 0.0);
      net.load(1, 0.6, 0.2, 0.5, 0.25);
      const Network network(net.data);
      Batch many(network, 33);
      for (std::size_t lane = 0; lane < 33; ++lane) {
        many.tap_pos(0, lane) = static_cast<double>(lane) - 16.0;
      }
      Solver solver(network);
      solver.solve(many, {.tolerance_pu = 1e-12});
      for (std::size_t lane = 0; lane < 33; lane += 8) {
        net.data.tap_pos[0] = static_cast<double>(lane) - 16.0;
        const Network there(net.data);
        Batch one(there, 1);
        Solver(there).solve(one, {.tolerance_pu = 1e-12});
        check_against(sweep(net.data), there, one);
        CHECK(one.vm_pu(1, 0) == many.vm_pu(1, lane));
        CHECK(one.q_controlled_mvar(0, 0) == many.q_controlled_mvar(0, lane));
      }
      CHECK(many.vm_pu(1, 0) != many.vm_pu(1, 32));
    }
  }
}

TEST_CASE("an angle past 180 degrees comes back from the other side") {
  NetworkBuilder net = two_nodes(0.01, 0.02, 0.1, 0.0);
  net.data.controlled_va_degree[0] = 170.0;
  net.data.shift_degree[0] = -30.0;
  const Network network(net.data);
  Batch batch(network, 1);
  Solver(network).solve(batch, {.tolerance_pu = 1e-12});
  check_against(sweep(net.data), network, batch);
  CHECK(batch.va_degree(0, 0) == doctest::Approx(170.0).epsilon(1e-15));
  CHECK(batch.va_degree(1, 0) == doctest::Approx(-160.0).epsilon(0.01));
}

TEST_CASE("islands with their own sources, idle branches and buses out of supply") {
  NetworkBuilder net;
  for (int i = 0; i < 5; ++i) net.node();
  net.source(0, 1.0);
  net.source(4, 1.03, -30.0);
  net.branch(0, 1, 0.01, 0.01);
  net.branch(-1, -1, 0.01, 0.01);
  net.branch(4, 3, 0.02, 0.01);
  net.branch(3, 2, 0.02, 0.01);
  net.load(1, 0.2, 0.1);
  net.load(2, 0.3, 0.1);
  net.load(4, 0.4, 0.1);
  net.data.node_of_bus = {0, 1, 2, 3, 4, -1, 3};
  const Network network(net.data);
  CHECK(network.method() == powergrid::Method::kTree);
  Batch batch(network, 1);
  Solver(network).solve(batch, {.tolerance_pu = 1e-12});
  const OracleFlow flow = sweep(net.data);
  REQUIRE(batch.status[0] == LaneStatus::kConverged);
  for (std::size_t i = 0; i < 5; ++i) CHECK(std::abs(voltage(batch, i) - flow.v[i]) < 1e-12);
  CHECK(batch.vm_pu(5, 0) == 0.0);
  CHECK(batch.va_degree(5, 0) == 0.0);
  CHECK(batch.vm_pu(6, 0) == batch.vm_pu(3, 0));
  CHECK(batch.p_from_mw(1, 0) == 0.0);
  CHECK(batch.loading_percent(1, 0) == 0.0);
  CHECK(batch.p_controlled_mw(0, 0) == doctest::Approx(flow.s_source[0].real()).epsilon(1e-12));
  CHECK(batch.p_controlled_mw(1, 0) == doctest::Approx(flow.s_source[1].real()).epsilon(1e-12));
}

TEST_CASE("an unloaded network is solved in one step") {
  NetworkBuilder net = two_nodes(0.01, 0.02, 0.0, 0.0);
  const Network network(net.data);
  Batch batch(network, 1);
  Solver(network).solve(batch);
  CHECK(batch.status[0] == LaneStatus::kConverged);
  CHECK(batch.iterations[0] == 1);
  CHECK(batch.vm_pu(1, 0) == 1.0);
}

TEST_CASE("steps of a capacitor raise the voltage") {
  NetworkBuilder net = two_nodes(0.01, 0.05, 0.5, 0.3);
  net.shunt(1, 0.0, 0.1, 0.0);
  const Network network(net.data);
  Batch batch(network, 2);
  batch.shunt_step(0, 1) = 3.0;
  Solver(network).solve(batch, {.tolerance_pu = 1e-12});
  CHECK(batch.vm_pu(1, 1) > batch.vm_pu(1, 0) + 0.01);
  net.data.shunt_step[0] = 3.0;
  CHECK(std::abs(voltage(batch, 1, 1) - sweep(net.data).v[1]) < 1e-12);
}

TEST_CASE("close to collapse shortened steps find what whole ones do not in twenty") {
  const NetworkBuilder net = random_radial(246, 9, 1);
  const Network network(net.data);
  Solver solver(network);
  const auto scale = [&](Batch& batch, double factor) {
    for (std::size_t row = 0; row < batch.p_mw.n_row; ++row) {
      batch.p_mw(row, 0) = factor * net.data.p_mw[row];
      batch.q_mvar(row, 0) = factor * net.data.q_mvar[row];
    }
  };
  Batch batch(network, 1);
  scale(batch, 57.0);
  solver.solve(batch);
  REQUIRE(batch.status[0] == LaneStatus::kConverged);
  CHECK(batch.start[0] == LaneStart::kDamped);
  CHECK(batch.counters.n_damped == 1);
  // The same as by raising the loads little by little.
  Batch raised(network, 1);
  for (int i = 1; i <= 200; ++i) {
    scale(raised, 57.0 * i / 200.0);
    solver.solve(raised);
    REQUIRE(raised.status[0] == LaneStatus::kConverged);
  }
  CHECK(raised.start[0] == LaneStart::kWarm);
  for (std::size_t node = 0; node < network.n_node(); ++node) {
    CHECK(std::abs(voltage(batch, node) - voltage(raised, node)) < 1e-7);
  }
}

TEST_CASE("a tree of many blocks agrees with the plain sweep") {
  NetworkBuilder net;
  net.node();
  net.source(0);
  for (int i = 1; i < 1000; ++i) {
    // Three trunks side by side, so that blocks begin in the middle of each.
    const std::int32_t here = net.node();
    net.branch(i < 4 ? 0 : here - 3, here, 1e-5, 2e-5);
    net.load(here, 0.01, 0.004);
  }
  const Network network(net.data);
  Batch batch(network, 1);
  Solver(network).solve(batch, {.tolerance_pu = 1e-12});
  check_against(sweep(net.data), network, batch);
  CHECK(batch.vm_pu(999, 0) < 0.995);
}
