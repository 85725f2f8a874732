#include "powergrid/line_drop.hpp"

#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "powergrid/error.hpp"

namespace powergrid {
namespace {

constexpr double kBaseVolt = 120.0;

// Voltage [V on the 120 V base] in whole millionths of a p.u.; halves go to the even neighbour.
double micro_pu(double volt) noexcept { return std::nearbyint(volt / kBaseVolt * 1e6); }

}  // namespace

double relay_voltage(double v_re_pu, double v_im_pu, double i_re_a, double i_im_a,
                     const LineDropSettings& settings) noexcept {
  const double i_re = i_re_a / settings.ct_primary_a;
  const double i_im = i_im_a / settings.ct_primary_a;
  const double re = v_re_pu * kBaseVolt - (settings.r_volt * i_re - settings.x_volt * i_im);
  const double im = v_im_pu * kBaseVolt - (settings.r_volt * i_im + settings.x_volt * i_re);
  return std::sqrt(re * re + im * im);
}

std::int8_t line_drop_step(double relay_volt, double tap, double tap_min, double tap_max,
                           const LineDropSettings& settings) noexcept {
  const double half_band_volt = settings.bandwidth_volt / 2.0;
  const double relay = micro_pu(relay_volt);
  const double position = std::nearbyint(tap);
  if (relay > micro_pu(settings.v_set_volt + half_band_volt)) {
    return position - 1.0 >= tap_min ? std::int8_t{-1} : std::int8_t{0};
  }
  if (relay < micro_pu(settings.v_set_volt - half_band_volt)) {
    return position + 1.0 <= tap_max ? std::int8_t{1} : std::int8_t{0};
  }
  return 0;
}

void line_drop_step(const LineDropBatch& batch, std::span<std::int8_t> step) {
  const std::array<std::pair<const char*, std::size_t>, 12> lengths{{
      {"v_re_pu", batch.v_re_pu.size()},
      {"v_im_pu", batch.v_im_pu.size()},
      {"i_re_a", batch.i_re_a.size()},
      {"i_im_a", batch.i_im_a.size()},
      {"tap", batch.tap.size()},
      {"v_set_volt", batch.v_set_volt.size()},
      {"bandwidth_volt", batch.bandwidth_volt.size()},
      {"r_volt", batch.r_volt.size()},
      {"x_volt", batch.x_volt.size()},
      {"ct_primary_a", batch.ct_primary_a.size()},
      {"tap_min", batch.tap_min.size()},
      {"tap_max", batch.tap_max.size()},
  }};
  const std::size_t n_regulator = step.size();
  for (const auto& [name, length] : lengths) {
    if (length != n_regulator) {
      throw InvalidArgument(std::string(name) + " has " + std::to_string(length) +
                            " values, expected " + std::to_string(n_regulator) +
                            ": one value per regulator");
    }
  }
  for (std::size_t i = 0; i < n_regulator; ++i) {
    const LineDropSettings settings{
        .v_set_volt = batch.v_set_volt[i],
        .bandwidth_volt = batch.bandwidth_volt[i],
        .r_volt = batch.r_volt[i],
        .x_volt = batch.x_volt[i],
        .ct_primary_a = batch.ct_primary_a[i],
    };
    const double relay_volt = relay_voltage(batch.v_re_pu[i], batch.v_im_pu[i], batch.i_re_a[i],
                                            batch.i_im_a[i], settings);
    step[i] =
        line_drop_step(relay_volt, batch.tap[i], batch.tap_min[i], batch.tap_max[i], settings);
  }
}

}  // namespace powergrid
