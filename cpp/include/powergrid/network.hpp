#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace powergrid {

struct TreePlan;
struct SparsePlan;
class IoPlan;

// How a tap changer's position acts on its branch, whose ideal transformer stands at the from end.
enum class TapKind : std::uint8_t {
  kRatio,    // the winding's voltage is multiplied by 1 + n step exp(j angle)
  kShifter,  // an ideal phase shifter: n times the angle, whatever the step
};

// What a network is made of, as its author fills it in. All impedances and powers are in per unit
// of base_mva and of each node's nominal voltage; vectors of one group have one length. A node is
// one phase of a set of joined buses; balanced networks have n_phase = 1.
struct NetworkData {
  double base_mva = 1.0;
  std::int32_t n_phase = 1;

  // Buses, as the results name them.
  std::vector<std::int32_t> node_of_bus;  // node, or -1 out of supply, (n_bus * n_phase)

  // Nodes.
  std::vector<double> p_fixed_pu;  // injection that no lane changes, (n_node)
  std::vector<double> q_fixed_pu;
  std::vector<double> g_shunt_pu;  // admittance to ground that no lane changes, (n_node)
  std::vector<double> b_shunt_pu;
  std::vector<double> start_vm_pu;  // where a meshed network's first solve starts, (n_node)
  std::vector<double> start_va_degree;

  // Nodes whose voltage is held: sources (magnitude and angle) and generators (magnitude). One row
  // a node.
  std::vector<std::int32_t> controlled_node;  // -1: out of supply, (n_controlled)
  std::vector<std::uint8_t> is_source;        // 1 source, 0 generator, (n_controlled)
  std::vector<double> controlled_vm_pu;       // set-point a batch begins with, (n_controlled)
  std::vector<double> controlled_va_degree;   // of a source, (n_controlled)

  // Branches: an ideal transformer ratio * exp(j shift) at the from end, then a pi circuit.
  std::vector<std::int32_t> from_node;  // -1 (both ends) out of service, (n_branch)
  std::vector<std::int32_t> to_node;
  std::vector<double> r_pu;  // series impedance, (n_branch)
  std::vector<double> x_pu;
  std::vector<double> r_back_pu;  // the same seen from the to end; differs in few elements
  std::vector<double> x_back_pu;
  std::vector<double> g_from_pu;  // shunt of the pi circuit at its from end, (n_branch)
  std::vector<double> b_from_pu;
  std::vector<double> g_to_pu;  // and at its to end
  std::vector<double> b_to_pu;
  std::vector<double> ratio;         // off-nominal turns ratio from : to, (n_branch)
  std::vector<double> shift_degree;  // the from voltage leads by this, (n_branch)
  std::vector<double> loading_from;  // loading [%] of one p.u. current at the from end, (n_branch)
  std::vector<double> loading_to;

  // Tap changers. The branch's values above are those at the neutral position. A changer on the to
  // winding also scales series impedance (by the square) and shunts (inversely), as these are
  // referred to that winding.
  std::vector<std::int32_t> tap_branch;  // -1: a row without a changer, whose value is ignored
  std::vector<std::uint8_t> tap_is_to;   // 1 on the winding of the to end, (n_tap)
  std::vector<TapKind> tap_kind;         // (n_tap)
  std::vector<double> tap_neutral;       // (n_tap)
  std::vector<double> tap_step;          // fraction of the winding's voltage a step, (n_tap)
  std::vector<double> tap_angle_degree;  // angle of the added voltage, or of one step, (n_tap)
  std::vector<double> tap_pos;           // position a batch begins with, (n_tap)

  // Injections: loads, generators of set power, storages.
  std::vector<std::int32_t> injection_node;  // -1: without effect, (n_injection)
  std::vector<double> injection_scale;       // p.u. injected for one MW or Mvar of the input
  std::vector<double> p_mw;                  // input a batch begins with, (n_injection)
  std::vector<double> q_mvar;
  // Shares of p and q that grow with the voltage and with its square; empty if none does.
  std::vector<double> p_current_share;  // (n_injection) or empty, all four alike
  std::vector<double> q_current_share;
  std::vector<double> p_impedance_share;
  std::vector<double> q_impedance_share;

  // Shunts in steps.
  std::vector<std::int32_t> shunt_node;  // -1: without effect, (n_shunt)
  std::vector<double> shunt_g_pu;        // admittance of one step, (n_shunt)
  std::vector<double> shunt_b_pu;
  std::vector<double> shunt_step;  // steps a batch begins with, (n_shunt)
};

// The method that a network's shape asks for.
enum class Method : std::uint8_t {
  kTree,    // Newton on the tree: radial, one source a part, no held voltages inside, real ratios
  kSparse,  // Newton on a sparse matrix of fixed pattern: everything else
};

// A network, checked and prepared once. It never changes, nor moves, and may be shared by any
// number of threads, batches and solvers, which must not outlive it.
class Network {
 public:
  // Throws InvalidArgument, naming the entry, if lengths disagree, an index or a number is out of
  // range, a node is held twice or has no source, or a branch of a mesh has no impedance.
  explicit Network(NetworkData data);
  // The same with a method of the caller's choice; InvalidArgument if kTree does not fit.
  Network(NetworkData data, Method method);
  // A variant of `base`, which must outlive it: the same buses, branches, tap changers, injections,
  // shunts and held voltages by number, some of them out of service or supply, and nodes of its
  // own, whose voltages are in these rows of a batch. Solvers of a variant solve lanes of the
  // base's batches. InvalidArgument if the numbers differ, a row is negative or given twice, or
  // the base is a variant itself.
  Network(NetworkData data, const Network& base, std::vector<std::int32_t> voltage_row);
  ~Network();
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  [[nodiscard]] const NetworkData& data() const noexcept { return data_; }
  [[nodiscard]] Method method() const noexcept { return method_; }
  [[nodiscard]] std::size_t n_bus() const noexcept { return data_.node_of_bus.size(); }
  [[nodiscard]] std::size_t n_node() const noexcept { return data_.p_fixed_pu.size(); }
  [[nodiscard]] std::size_t n_branch() const noexcept { return data_.from_node.size(); }
  [[nodiscard]] std::size_t n_controlled() const noexcept { return data_.controlled_node.size(); }
  [[nodiscard]] std::size_t n_tap() const noexcept { return data_.tap_branch.size(); }
  [[nodiscard]] std::size_t n_injection() const noexcept { return data_.injection_node.size(); }
  [[nodiscard]] std::size_t n_shunt() const noexcept { return data_.shunt_node.size(); }

  // Of which network it is a variant; itself if of none.
  [[nodiscard]] const Network& base() const noexcept { return base_ == nullptr ? *this : *base_; }
  // Rows that a batch needs for the voltages, at least.
  [[nodiscard]] std::size_t n_voltage_row() const noexcept { return n_voltage_row_; }

  // What the methods prepared; the other one's is null.
  [[nodiscard]] const TreePlan* tree() const noexcept { return tree_.get(); }
  [[nodiscard]] const SparsePlan* sparse() const noexcept { return sparse_.get(); }
  [[nodiscard]] const IoPlan& io() const noexcept { return *io_; }

 private:
  void prepare(std::vector<std::int32_t> voltage_row);

  NetworkData data_;
  Method method_ = Method::kTree;
  const Network* base_ = nullptr;
  std::size_t n_voltage_row_ = 0;
  std::unique_ptr<const TreePlan> tree_;
  std::unique_ptr<const SparsePlan> sparse_;
  std::unique_ptr<const IoPlan> io_;
};

}  // namespace powergrid
