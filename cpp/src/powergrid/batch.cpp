#include "powergrid/batch.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>
#include <utility>

#include "powergrid/error.hpp"

namespace powergrid {
namespace {

constexpr std::size_t kLineDoubles = 8;  // in a cache line
// Far more than any memory holds, and few enough that no size of a table overflows.
constexpr std::size_t kMostLanes = std::size_t{1} << 28;

// Lanes of a row with its padding. Rows that lie a multiple of 4 KiB apart would compete for the
// same few places of the nearest cache, so such rows get one line more.
std::size_t padded(std::size_t n_lane) noexcept {
  const std::size_t stride = (n_lane + kLineDoubles - 1) / kLineDoubles * kLineDoubles;
  return stride % 512 == 0 ? stride + kLineDoubles : stride;
}

// Hands out consecutive memory; with a null base it only counts.
class Layout {
 public:
  Layout(std::byte* base, std::size_t n_lane) noexcept
      : base_(base), n_lane_(n_lane), stride_(padded(n_lane)) {}

  Table<double> table(std::size_t n_row) noexcept {
    return {static_cast<double*>(take(n_row * stride_ * sizeof(double))), n_row, n_lane_, stride_};
  }
  template <class T>
  std::span<T> lanes() noexcept {
    return {static_cast<T*>(take(n_lane_ * sizeof(T))), n_lane_};
  }
  [[nodiscard]] std::size_t n_line() const noexcept { return n_line_; }

 private:
  void* take(std::size_t n_byte) noexcept {
    void* here = base_ == nullptr ? nullptr : base_ + n_line_ * 64;
    n_line_ += (n_byte + 63) / 64;
    return here;
  }

  std::byte* base_;
  std::size_t n_lane_;
  std::size_t stride_;
  std::size_t n_line_ = 0;
};

void copy(const Table<double>& source, std::span<const std::int32_t> from,
          const Table<double>& target, std::span<const std::int32_t> to) noexcept {
  for (std::size_t row = 0; row < source.n_row; ++row) {
    const double* const values = source.data + row * source.stride;
    double* const out = target.data + row * target.stride;
    for (std::size_t i = 0; i < from.size(); ++i) out[to[i]] = values[from[i]];
  }
}

// Rows get their value in every lane, padding included.
void fill(const Table<double>& table, std::span<const double> values) {
  for (std::size_t row = 0; row < table.n_row; ++row) {
    std::fill_n(table.data + row * table.stride, table.stride, values[row]);
  }
}

}  // namespace

void add(SolveCounters& to, const SolveCounters& from) noexcept {
  for (std::uint64_t SolveCounters::* counter :
       {&SolveCounters::n_warm, &SolveCounters::n_flat, &SolveCounters::n_damped,
        &SolveCounters::n_failed, &SolveCounters::n_invalid, &SolveCounters::n_iteration}) {
    if (from.*counter == 0) continue;
    std::atomic_ref(to.*counter).fetch_add(from.*counter, std::memory_order_relaxed);
  }
}

Batch::Batch(const Network& network, std::size_t n_lane, std::size_t n_spare_node)
    : network_(&network),
      n_lane_(n_lane),
      n_spare_node_(n_spare_node),
      is_bus_told_(network.n_bus(), 1),
      is_branch_told_(network.n_branch(), 1) {
  if (n_lane == 0) throw InvalidArgument("n_lane is 0, expected at least 1");
  if (n_lane > kMostLanes) {
    throw InvalidArgument("n_lane is " + std::to_string(n_lane) + ", expected at most " +
                          std::to_string(kMostLanes));
  }
  if (&network.base() != &network) {
    throw InvalidArgument("the network is a variant: make the batch of its base");
  }
  lay_out();
  const NetworkData& data = network.data();
  fill(p_mw, data.p_mw);
  fill(q_mvar, data.q_mvar);
  fill(tap_pos, data.tap_pos);
  fill(shunt_step, data.shunt_step);
  fill(vm_set_pu, data.controlled_vm_pu);
  for (std::size_t node = 0; node < network.n_node(); ++node) {
    const double angle = data.start_va_degree[node] * std::numbers::pi / 180.0;
    std::fill_n(&v_re_pu(node, 0), v_re_pu.stride, data.start_vm_pu[node] * std::cos(angle));
    std::fill_n(&v_im_pu(node, 0), v_im_pu.stride, data.start_vm_pu[node] * std::sin(angle));
  }
  for (std::size_t bus = 0; bus < network.n_bus(); ++bus) {
    if (data.node_of_bus[bus] < 0) continue;
    const auto node = static_cast<std::size_t>(data.node_of_bus[bus]);
    std::fill_n(&vm_pu(bus, 0), vm_pu.stride, data.start_vm_pu[node]);
    std::fill_n(&va_degree(bus, 0), va_degree.stride, data.start_va_degree[node]);
  }
  std::ranges::fill(status, LaneStatus::kUnsolved);
  std::ranges::fill(start, LaneStart::kNone);
}

Batch::Batch(const Batch& other)
    : counters(other.counters),
      network_(other.network_),
      n_lane_(other.n_lane_),
      n_spare_node_(other.n_spare_node_),
      is_bus_told_(other.is_bus_told_),
      is_branch_told_(other.is_branch_told_) {
  lay_out();
  memory_ = other.memory_;  // of the same size, so it is copied in place
}

void Batch::check_lanes(std::size_t first, std::size_t last) const {
  if (first <= last && last <= n_lane_) return;
  throw InvalidArgument("the lanes are " + std::to_string(first) + " to " + std::to_string(last) +
                        " exclusive, expected a range within 0 to " + std::to_string(n_lane_));
}

void Batch::tell_only(std::span<const std::uint8_t> is_bus_told,
                      std::span<const std::uint8_t> is_branch_told) {
  if (is_bus_told.size() != is_bus_told_.size() ||
      is_branch_told.size() != is_branch_told_.size()) {
    throw InvalidArgument("there are " + std::to_string(is_bus_told.size()) + " buses and " +
                          std::to_string(is_branch_told.size()) + " branches, expected " +
                          std::to_string(is_bus_told_.size()) + " and " +
                          std::to_string(is_branch_told_.size()));
  }
  std::ranges::copy(is_bus_told, is_bus_told_.begin());
  std::ranges::copy(is_branch_told, is_branch_told_.begin());
  for (const auto& [table, is_told] : {std::pair{&va_degree, &is_bus_told_},
                                       {&q_from_mvar, &is_branch_told_},
                                       {&p_to_mw, &is_branch_told_},
                                       {&q_to_mvar, &is_branch_told_}}) {
    for (std::size_t row = 0; row < table->n_row; ++row) {
      if ((*is_told)[row] != 0) continue;
      std::fill_n(&(*table)(row, 0), table->stride, std::numeric_limits<double>::quiet_NaN());
    }
  }
}

void Batch::clear_unsupplied(const Network& variant, std::size_t lane) {
  if (&variant.base() != network_) {
    throw InvalidArgument("the network is no variant of the batch's");
  }
  check_lanes(lane, lane + 1);
  const NetworkData& data = variant.data();
  for (std::size_t bus = 0; bus < data.node_of_bus.size(); ++bus) {
    if (data.node_of_bus[bus] < 0) vm_pu(bus, lane) = va_degree(bus, lane) = 0.0;
  }
  for (std::size_t branch = 0; branch < data.from_node.size(); ++branch) {
    if (data.from_node[branch] >= 0) continue;
    for (Table<double>* table :
         {&p_from_mw, &q_from_mvar, &p_to_mw, &q_to_mvar, &loading_percent}) {
      (*table)(branch, lane) = 0.0;
    }
  }
  for (std::size_t row = 0; row < data.controlled_node.size(); ++row) {
    if (data.controlled_node[row] < 0) {
      p_controlled_mw(row, lane) = q_controlled_mvar(row, lane) = 0.0;
    }
  }
}

void Batch::check_copy(const Batch& source, std::span<const std::int32_t> from,
                       std::span<const std::int32_t> to) const {
  if (source.network_ != network_ || source.n_spare_node_ != n_spare_node_) {
    throw InvalidArgument("lanes are copied between batches of one network only");
  }
  if (from.size() != to.size()) {
    throw InvalidArgument("from has " + std::to_string(from.size()) + " lanes and to " +
                          std::to_string(to.size()) + ", expected as many");
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] < 0 || to[i] < 0) throw InvalidArgument("a lane to be copied is negative");
    source.check_lanes(static_cast<std::size_t>(from[i]), static_cast<std::size_t>(from[i]) + 1);
    check_lanes(static_cast<std::size_t>(to[i]), static_cast<std::size_t>(to[i]) + 1);
  }
}

void Batch::copy_inputs(const Batch& source, std::span<const std::int32_t> from,
                        std::span<const std::int32_t> to) {
  check_copy(source, from, to);
  for (Table<double> Batch::* table :
       {&Batch::p_mw, &Batch::q_mvar, &Batch::tap_pos, &Batch::shunt_step, &Batch::vm_set_pu,
        &Batch::v_re_pu, &Batch::v_im_pu}) {
    copy(source.*table, from, this->*table, to);
  }
  for (std::size_t i = 0; i < from.size(); ++i) {
    is_warm[static_cast<std::size_t>(to[i])] = source.is_warm[static_cast<std::size_t>(from[i])];
  }
}

void Batch::copy_results(const Batch& source, std::span<const std::int32_t> from,
                         std::span<const std::int32_t> to) {
  check_copy(source, from, to);
  copy(source.tap_pos, from, tap_pos, to);
  bool is_any_failed = false;
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto a = static_cast<std::size_t>(from[i]);
    const auto b = static_cast<std::size_t>(to[i]);
    is_warm[b] = source.is_warm[a];
    mismatch_pu[b] = source.mismatch_pu[a];
    iterations[b] = source.iterations[a];
    status[b] = source.status[a];
    start[b] = source.start[a];
    is_any_failed |= status[b] != LaneStatus::kConverged;
  }
  std::vector<std::int32_t> converged_from;
  std::vector<std::int32_t> converged_to;
  if (is_any_failed) {
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (status[static_cast<std::size_t>(to[i])] != LaneStatus::kConverged) continue;
      converged_from.push_back(from[i]);
      converged_to.push_back(to[i]);
    }
    from = converged_from;
    to = converged_to;
  }
  for (Table<double> Batch::* table :
       {&Batch::v_re_pu, &Batch::v_im_pu, &Batch::vm_pu, &Batch::va_degree, &Batch::p_from_mw,
        &Batch::q_from_mvar, &Batch::p_to_mw, &Batch::q_to_mvar, &Batch::loading_percent,
        &Batch::p_controlled_mw, &Batch::q_controlled_mvar}) {
    copy(source.*table, from, this->*table, to);
  }
}

void Batch::take_counters(Batch& other) noexcept {
  add(counters, other.counters);
  other.counters = {};
}

void Batch::lay_out() {
  const auto arrange = [this](Layout& layout) {
    const Network& net = *network_;
    for (Table<double>* table : {&p_mw, &q_mvar}) *table = layout.table(net.n_injection());
    tap_pos = layout.table(net.n_tap());
    shunt_step = layout.table(net.n_shunt());
    vm_set_pu = layout.table(net.n_controlled());
    for (Table<double>* table : {&v_re_pu, &v_im_pu}) {
      *table = layout.table(net.n_node() + n_spare_node_);
    }
    for (Table<double>* table : {&vm_pu, &va_degree}) *table = layout.table(net.n_bus());
    for (Table<double>* table :
         {&p_from_mw, &q_from_mvar, &p_to_mw, &q_to_mvar, &loading_percent}) {
      *table = layout.table(net.n_branch());
    }
    for (Table<double>* table : {&p_controlled_mw, &q_controlled_mvar}) {
      *table = layout.table(net.n_controlled());
    }
    mismatch_pu = layout.lanes<double>();
    iterations = layout.lanes<std::int32_t>();
    status = layout.lanes<LaneStatus>();
    start = layout.lanes<LaneStart>();
    is_warm = layout.lanes<std::uint8_t>();
  };
  Layout counting(nullptr, n_lane_);
  arrange(counting);
  memory_.assign(counting.n_line(), CacheLine{});
  Layout layout(reinterpret_cast<std::byte*>(memory_.data()), n_lane_);
  arrange(layout);
}

}  // namespace powergrid
