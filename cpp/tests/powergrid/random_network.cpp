#include "random_network.hpp"

#include <cmath>
#include <cstddef>
#include <random>

namespace powergrid_tests {
namespace {

using powergrid::Batch;
using powergrid::NetworkData;
using powergrid::TapKind;

class Builder {
 public:
  explicit Builder(const RandomNetwork& shape) : shape_(shape), random_(shape.seed) {}

  NetworkData build() {
    data_.base_mva = 10.0;
    for (std::int32_t i = 0; i < shape_.n_node; ++i) add_node(i);
    for (std::int32_t i = 0; i < shape_.n_source; ++i) hold(i, true);
    for (std::int32_t i = 0; i < shape_.n_generator; ++i) hold(shape_.n_node - 1 - i, false);
    for (std::int32_t i = 1; i < shape_.n_node; ++i) {
      if (i >= shape_.n_source) add_branch(below(i), i);
    }
    for (std::int32_t k = 0; k < shape_.n_loop; ++k) {
      add_branch(below(shape_.n_node), below(shape_.n_node));
    }
    add_branch(-1, -1);
    if (!shape_.is_plain) {
      data_.tap_branch.push_back(-1);
      add_tap_columns(data_.tap_branch.size());
    }
    return data_;
  }

 private:
  double between(double low, double high) {
    return low + (high - low) * static_cast<double>(random_() % 1000003) / 1000003.0;
  }
  std::int32_t below(std::int32_t n) {
    return static_cast<std::int32_t>(random_() % static_cast<std::uint32_t>(n));
  }

  void add_node(std::int32_t i) {
    data_.node_of_bus.push_back(i);
    data_.p_fixed_pu.push_back(between(-0.01, 0.0));
    data_.q_fixed_pu.push_back(between(-0.01, 0.0));
    data_.g_shunt_pu.push_back(between(0.0, 0.01));
    data_.b_shunt_pu.push_back(between(-0.01, 0.01));
    data_.start_vm_pu.push_back(1.0);
    data_.start_va_degree.push_back(0.0);
    data_.injection_node.push_back(i % 7 == 3 ? -1 : i);
    data_.injection_scale.push_back(-0.1);
    data_.p_mw.push_back(between(0.0, shape_.load_mw));
    data_.q_mvar.push_back(between(-0.3, 1.0) * shape_.load_mw / 3.0);
    data_.p_current_share.push_back(i % 3 == 0 ? 0.3 : 0.0);
    data_.q_current_share.push_back(i % 3 == 0 ? 0.4 : 0.0);
    data_.p_impedance_share.push_back(i % 4 == 1 ? 0.5 : 0.0);
    data_.q_impedance_share.push_back(i % 4 == 1 ? 0.2 : 0.0);
    if (i % 5 != 2) return;
    data_.shunt_node.push_back(i % 2 == 0 ? i : -1);
    data_.shunt_g_pu.push_back(0.001);
    data_.shunt_b_pu.push_back(0.02);
    data_.shunt_step.push_back(1.0);
  }

  void hold(std::int32_t node, bool is_source) {
    data_.controlled_node.push_back(node);
    data_.is_source.push_back(is_source ? 1 : 0);
    data_.controlled_vm_pu.push_back(between(0.99, 1.03));
    data_.controlled_va_degree.push_back(is_source && node > 0 ? between(-2.0, 2.0) : 0.0);
  }

  void add_branch(std::int32_t from, std::int32_t to) {
    const std::size_t b = data_.from_node.size();
    data_.from_node.push_back(from);
    data_.to_node.push_back(to);
    data_.r_pu.push_back(between(0.001, 0.02));
    data_.x_pu.push_back(between(0.005, 0.04));
    const bool is_asymmetric = !shape_.is_plain && b % 6 == 4;
    data_.r_back_pu.push_back(data_.r_pu.back() * (is_asymmetric ? 1.2 : 1.0));
    data_.x_back_pu.push_back(data_.x_pu.back() * (is_asymmetric ? 0.9 : 1.0));
    data_.g_from_pu.push_back(between(0.0, 0.001));
    data_.b_from_pu.push_back(between(0.0, 0.01));
    data_.g_to_pu.push_back(between(0.0, 0.001));
    data_.b_to_pu.push_back(between(0.0, 0.01));
    data_.ratio.push_back(b % 3 == 1 ? between(0.97, 1.03) : 1.0);
    data_.shift_degree.push_back(!shape_.is_plain && b % 5 == 3 ? between(-3.0, 3.0) : 0.0);
    data_.loading_from.push_back(50.0);
    data_.loading_to.push_back(60.0);
    if (b % 4 != 2) return;
    data_.tap_branch.push_back(static_cast<std::int32_t>(b));
    add_tap_columns(b / 4);
  }

  void add_tap_columns(std::size_t k) {
    const bool is_shifter = !shape_.is_plain && k % 3 == 2;
    data_.tap_is_to.push_back(k % 2 == 1 ? 1 : 0);
    data_.tap_kind.push_back(is_shifter ? TapKind::kShifter : TapKind::kRatio);
    data_.tap_neutral.push_back(1.0);
    data_.tap_step.push_back(0.01);
    data_.tap_angle_degree.push_back(is_shifter        ? 0.7
                                     : shape_.is_plain ? 0.0
                                                       : between(-60.0, 60.0));
    data_.tap_pos.push_back(2.0);
  }

  RandomNetwork shape_;
  std::mt19937 random_;
  NetworkData data_;
};

}  // namespace

NetworkData random_network(const RandomNetwork& shape) { return Builder(shape).build(); }

void set_randomly(const NetworkData& data, std::uint32_t seed, Batch& batch) {
  std::mt19937 random(seed);
  const auto between = [&](double low, double high) {
    return low + (high - low) * static_cast<double>(random() % 1000003) / 1000003.0;
  };
  for (std::size_t lane = 0; lane < batch.n_lane(); ++lane) {
    for (std::size_t k = 0; k < data.injection_node.size(); ++k) {
      batch.p_mw(k, lane) = data.p_mw[k] * between(0.3, 1.5);
      batch.q_mvar(k, lane) = data.q_mvar[k] * between(0.3, 1.5);
    }
    for (std::size_t k = 0; k < data.tap_branch.size(); ++k) {
      batch.tap_pos(k, lane) = std::round(between(-3.0, 5.0));
    }
    for (std::size_t k = 0; k < data.controlled_node.size(); ++k) {
      batch.vm_set_pu(k, lane) = data.controlled_vm_pu[k] + between(-0.01, 0.01);
    }
    for (std::size_t k = 0; k < data.shunt_node.size(); ++k) {
      batch.shunt_step(k, lane) = std::round(between(0.0, 3.0));
    }
  }
}

}  // namespace powergrid_tests
