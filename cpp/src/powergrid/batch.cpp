#include "powergrid/batch.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

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

// Rows get their value in every lane, padding included.
void fill(const Table<double>& table, std::span<const double> values) {
  for (std::size_t row = 0; row < table.n_row; ++row) {
    std::fill_n(table.data + row * table.stride, table.stride, values[row]);
  }
}

}  // namespace

Batch::Batch(const Network& network, std::size_t n_lane, std::size_t n_spare_node)
    : network_(&network), n_lane_(n_lane), n_spare_node_(n_spare_node) {
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
      n_spare_node_(other.n_spare_node_) {
  lay_out();
  memory_ = other.memory_;  // of the same size, so it is copied in place
}

void Batch::check_lanes(std::size_t first, std::size_t last) const {
  if (first <= last && last <= n_lane_) return;
  throw InvalidArgument("the lanes are " + std::to_string(first) + " to " + std::to_string(last) +
                        " exclusive, expected a range within 0 to " + std::to_string(n_lane_));
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
