#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "powergrid/network.hpp"

namespace powergrid {

// A switch that is closed unless it is opened: it makes the nodes at its ends one.
struct ClosedSwitch {
  std::int32_t from_node;
  std::int32_t to_node;
};

// A network of which branches and switches can be opened, lane by lane: each set of open ones is a
// variant of the network, made once and solved by a solver of its own on the lanes concerned.
class OpenableNetwork {
 public:
  // Branches of `base`, which must outlive this and every variant.
  explicit OpenableNetwork(const Network& base);
  // Switches as well. `data` are those of the base with all of these switches open, but with every
  // node in supply; their numbers of buses, branches and so on are the base's. Throws
  // InvalidArgument if closing the switches does not give the nodes of the base.
  OpenableNetwork(const Network& base, NetworkData data, std::vector<ClosedSwitch> switches);

  // Rows for voltages that a batch of the base needs beyond its own nodes.
  [[nodiscard]] std::size_t n_spare_node() const noexcept { return n_spare_node_; }
  [[nodiscard]] std::size_t n_switch() const noexcept { return switches_.size(); }

  // The variant with these branches and switches open. What has no way to a source is out of
  // supply: its nodes are left out, and buses, branches, injections, shunts and held voltages there
  // have -1. Throws InvalidArgument for a number that does not exist.
  [[nodiscard]] std::unique_ptr<Network> opened(std::span<const std::int32_t> branches,
                                                std::span<const std::int32_t> switches) const;

 private:
  void give_rows();

  const Network* base_;
  NetworkData data_;  // with the nodes at both ends of each switch apart
  std::vector<ClosedSwitch> switches_;
  std::vector<std::int32_t> voltage_row_;  // of each of these nodes in a batch
  std::size_t n_spare_node_ = 0;
};

}  // namespace powergrid
