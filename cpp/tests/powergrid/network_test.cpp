#include "powergrid/network.hpp"

#include <doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "network_builder.hpp"
#include "powergrid/error.hpp"

using heron_tests::NetworkBuilder;
using heron_tests::two_nodes;
using powergrid::InvalidArgument;
using powergrid::Method;
using powergrid::Network;
using powergrid::NetworkData;
using powergrid::TapKind;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Source 0 - line - node 1 - transformer with a changer - node 2, with a load and a shunt there.
NetworkData feeder() {
  NetworkData data;
  data.node_of_bus = {0, 1, 1, 2, -1};
  data.p_fixed_pu = data.q_fixed_pu = data.g_shunt_pu = data.b_shunt_pu = {0.0, 0.0, 0.0};
  data.start_vm_pu = {1.0, 1.0, 1.0};
  data.start_va_degree = {0.0, 0.0, 0.0};
  data.controlled_node = {0};
  data.is_source = {1};
  data.controlled_vm_pu = {1.02};
  data.controlled_va_degree = {0.0};
  data.from_node = {0, 1, -1};
  data.to_node = {1, 2, -1};
  data.r_pu = data.r_back_pu = {0.01, 0.02, 0.0};
  data.x_pu = data.x_back_pu = {0.03, 0.05, 0.0};
  data.g_from_pu = data.b_from_pu = data.g_to_pu = data.b_to_pu = {0.0, 0.0, 0.0};
  data.ratio = {1.0, 1.0, 1.0};
  data.shift_degree = {0.0, 30.0, 0.0};
  data.loading_from = data.loading_to = {50.0, 100.0, 0.0};
  data.tap_branch = {1, -1};
  data.tap_is_to = {1, 0};
  data.tap_kind = {TapKind::kRatio, TapKind::kRatio};
  data.tap_neutral = {0.0, 0.0};
  data.tap_step = {0.00625, 0.0};
  data.tap_angle_degree = {0.0, 0.0};
  data.tap_pos = {3.0, kNan};
  data.injection_node = {2};
  data.injection_scale = {-1.0};
  data.p_mw = {0.3};
  data.q_mvar = {0.1};
  data.shunt_node = {2};
  data.shunt_g_pu = {0.0};
  data.shunt_b_pu = {0.2};
  data.shunt_step = {1.0};
  return data;
}

std::string refusal(const std::function<void(NetworkData&)>& spoil) {
  NetworkData data = feeder();
  spoil(data);
  try {
    const Network network(std::move(data));
  } catch (const InvalidArgument& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("sizes are those of the data") {
  const Network network(feeder());
  CHECK(network.n_bus() == 5);
  CHECK(network.n_node() == 3);
  CHECK(network.n_branch() == 3);
  CHECK(network.n_controlled() == 1);
  CHECK(network.n_tap() == 2);
  CHECK(network.n_injection() == 1);
  CHECK(network.n_shunt() == 1);
}

TEST_CASE("a radial network with one source takes the tree method") {
  const Network network(feeder());
  CHECK(network.method() == Method::kTree);
  CHECK(network.tree() != nullptr);
  CHECK(network.sparse() == nullptr);
  CHECK(Network(feeder(), Method::kSparse).sparse() != nullptr);
}

TEST_CASE("what the tree method cannot do takes the sparse one, and is refused by the other") {
  const std::pair<std::string, std::function<void(NetworkData&)>> changes[] = {
      {"a loop",
       [](NetworkData& data) {
         data.from_node[2] = 0;
         data.to_node[2] = 2;
         data.x_pu[2] = data.x_back_pu[2] = 0.1;
       }},
      {"a held voltage",
       [](NetworkData& data) {
         data.controlled_node.push_back(2);
         data.is_source.push_back(0);
         data.controlled_vm_pu.push_back(1.0);
         data.controlled_va_degree.push_back(0.0);
       }},
      {"a second source in one part",
       [](NetworkData& data) {
         data.controlled_node.push_back(2);
         data.is_source.push_back(1);
         data.controlled_vm_pu.push_back(1.0);
         data.controlled_va_degree.push_back(0.0);
       }},
      {"a branch that differs by direction", [](NetworkData& data) { data.r_back_pu[0] = 0.02; }},
      {"a tap that shifts phase", [](NetworkData& data) { data.tap_angle_degree[0] = 90.0; }},
      {"an ideal phase shifter",
       [](NetworkData& data) {
         data.tap_kind[0] = TapKind::kShifter;
         data.tap_angle_degree[0] = 5.0;
       }},
  };
  for (const auto& [name, change] : changes) {
    CAPTURE(name);
    NetworkData data = feeder();
    change(data);
    CHECK(Network(data).method() == Method::kSparse);
    CHECK_THROWS_AS(Network(data, Method::kTree), InvalidArgument);
  }
}

TEST_CASE("data that make no network are refused by name") {
  CHECK(refusal([](NetworkData& d) { d.base_mva = 0.0; }).find("base_mva") == 0);
  CHECK(refusal([](NetworkData& d) { d.n_phase = 3; }).find("n_phase is 3") == 0);
  CHECK(refusal([](NetworkData& d) { d.q_fixed_pu.pop_back(); }) ==
        "q_fixed_pu has 2 values, expected 3: one for each node");
  CHECK(refusal([](NetworkData& d) { d.r_pu[1] = kNan; }).find("r_pu[1] is nan") == 0);
  CHECK(refusal([](NetworkData& d) { d.to_node[1] = 3; }).find("to_node[1] is 3") == 0);
  CHECK(refusal([](NetworkData& d) { d.to_node[2] = 1; }).find("branch 2 has only one end") == 0);
  CHECK(refusal([](NetworkData& d) { d.ratio[0] = 0.0; }).find("ratio[0]") == 0);
  CHECK(refusal([](NetworkData& d) { d.node_of_bus[0] = 3; }).find("node_of_bus[0]") == 0);
  CHECK(refusal([](NetworkData& d) { d.controlled_vm_pu[0] = -1.0; }).find("controlled_vm_pu") ==
        0);
  CHECK(refusal([](NetworkData& d) { d.tap_branch[0] = 7; }).find("tap_branch[0] is 7") == 0);
  CHECK(refusal([](NetworkData& d) {
          d.tap_branch[1] = 1;
          d.tap_pos[1] = 0.0;
        }).find("tap_branch[1]: branch 1 has two") == 0);
  CHECK(refusal([](NetworkData& d) { d.tap_pos[0] = kNan; }).find("tap_pos[0] is nan") == 0);
  CHECK(refusal([](NetworkData& d) { d.injection_node[0] = -2; }).find("injection_node[0]") == 0);
  CHECK(refusal([](NetworkData& d) {
          d.p_current_share = {0.5};
        }).find("q_current_share has 0 values, expected 1") == 0);
  CHECK(refusal([](NetworkData& d) { d.shunt_step.clear(); }).find("shunt_step has 0") == 0);
}

TEST_CASE("a node held twice and a node without supply are refused") {
  CHECK(refusal([](NetworkData& d) {
          d.controlled_node.push_back(0);
          d.is_source.push_back(0);
          d.controlled_vm_pu.push_back(1.0);
          d.controlled_va_degree.push_back(0.0);
        }).find("controlled_node[1]: the voltage of node 0 is held twice") == 0);
  CHECK(refusal([](NetworkData& d) {
          d.from_node[1] = -1;
          d.to_node[1] = -1;
        }).find("node 2 has no way to a source") == 0);
}

TEST_CASE("no impedance is refused in a mesh and welcome in a tree") {
  NetworkData data = feeder();
  data.r_pu[0] = data.r_back_pu[0] = data.x_pu[0] = data.x_back_pu[0] = 0.0;
  CHECK(Network(data).method() == Method::kTree);
  CHECK_THROWS_AS(Network(data, Method::kSparse), InvalidArgument);
}

TEST_CASE("a network without nodes is refused") {
  CHECK_THROWS_AS(Network(NetworkData{}), InvalidArgument);
}

TEST_CASE("fixed injections keep to the limit of the lanes' own") {
  for (const bool is_p : {true, false}) {
    NetworkBuilder net = two_nodes(0.0, 0.0, 0.5, 0.1);
    std::vector<double>& fixed = is_p ? net.data.p_fixed_pu : net.data.q_fixed_pu;
    fixed[1] = -1e9;
    CHECK_NOTHROW(Network{net.data});
    fixed[1] = -1e200;
    CHECK_THROWS_AS(Network{net.data}, InvalidArgument);
  }
}
