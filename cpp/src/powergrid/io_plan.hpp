#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "powergrid/network.hpp"

namespace powergrid {

// One input's part in a node's sum.
struct IoTerm {
  std::int32_t input;  // row of the batch
  double real;         // per unit of the first input, or of the only one
  double imaginary;    // and of the second
};

// A node whose inputs differ by lane: what no lane changes, and its terms.
struct IoSum {
  std::int32_t row;  // of the group
  std::int32_t first_term;
  std::int32_t last_term;
  double real;
  double imaginary;
};

// Several sums of a kind, readable without any function.
struct IoSums {
  const IoSum* sums;
  const IoTerm* terms;
  std::int32_t n;
};

struct IoNode {
  std::int32_t voltage_row;  // of the batch
  std::int32_t first_bus;    // of IoView::bus
  std::int32_t last_bus;
  double rotation_re;  // a group's voltage times this is the batch's
  double rotation_im;
  // What no lane changes, of nodes without a sum [p.u.].
  double p, q, g, b;
};

struct IoBranch {
  std::int32_t branch;
  std::int32_t from;  // rows of the group
  std::int32_t to;
  double square_from;  // of the loading [%] of one p.u.
  double square_to;
};

struct IoTap {
  std::int32_t row;  // of the batch and the group
  TapKind kind;
  double neutral;
  double step_re;  // complex, of the winding's voltage
  double step_im;
  double angle_degree;  // of one step of a shifter
};

// What the kernels read of an IoPlan. Counts are those of the network; lists may be shorter.
struct IoView {
  std::int32_t n_node;
  std::int32_t n_branch;
  std::int32_t n_tap;
  std::int32_t n_controlled;
  bool has_current;     // some injection grows with the voltage
  bool is_rotated;      // some rotation is not 1
  const IoNode* nodes;  // by row of the group, (n_node)
  IoSums power;         // of p_mw, q_mvar
  IoSums current;       // of p_mw, q_mvar
  IoSums impedance;     // of p_mw, q_mvar
  IoSums shunt;         // of shunt_step alone, added to what `impedance` left
  const IoTap* taps;    // those in service
  std::int32_t n_io_tap;
  const IoBranch* branches;  // those in service
  std::int32_t n_io_branch;
  const std::int32_t* bus;  // buses of the nodes, one node behind the other
  // The other way round: row of the group and entry of `branches`, -1 out of supply or service.
  const std::int32_t* node_of_bus;      // (n_bus)
  const std::int32_t* entry_of_branch;  // (n_branch)
  double base_mva;
};

// How inputs of a batch become a group's and its voltages results: which rows, times what. A method
// may keep nodes in an order of its own, and turn their voltages.
class IoPlan {
 public:
  // What a method keeps in its own way, by row of the group; empty for "as the network has it".
  struct Rows {
    std::vector<std::int32_t> node;          // at each row
    std::vector<std::int32_t> voltage_row;   // of each node in a batch, never empty
    std::vector<double> rotation_degree;     // of each row's frame
    std::vector<double> g_extra, b_extra;    // added to the node's admittance
    std::vector<std::uint8_t> is_rewritten;  // 1 if the method adds to g and b of a group
  };

  IoPlan(const NetworkData& data, const Rows& rows);

  [[nodiscard]] IoView view() const noexcept;

 private:
  struct Sums {
    std::vector<IoSum> sums;
    std::vector<IoTerm> terms;
    [[nodiscard]] IoSums view() const noexcept;
  };
  class Collector;

  const NetworkData* data_;
  bool is_rotated_ = false;
  std::vector<IoNode> nodes_;
  Sums power_, current_, impedance_, shunt_;
  std::vector<IoTap> taps_;
  std::vector<IoBranch> branches_;
  std::vector<std::int32_t> bus_;
  std::vector<std::int32_t> node_of_bus_;
  std::vector<std::int32_t> entry_of_branch_;
};

}  // namespace powergrid
