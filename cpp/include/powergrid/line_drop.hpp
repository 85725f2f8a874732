#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace powergrid {

// Line-drop compensation of step-voltage regulators. The relay sees the regulated voltage minus
// the drop over a model (r + jx) of the feeder, and asks for one tap step whenever that lies
// outside the band around its set-point. See W. H. Kersting, Distribution System Modeling and
// Analysis, the chapter on voltage regulation.

// Settings of one relay on the usual 120 V base.
struct LineDropSettings {
  double v_set_volt = 120.0;    // band centre [V]
  double bandwidth_volt = 2.0;  // full width of the band [V]
  double r_volt = 0.0;          // compensator resistance [V at rated CT current]
  double x_volt = 0.0;          // compensator reactance [V at rated CT current]
  double ct_primary_a = 1.0;    // rated primary current of the current transformer [A]
};

// Voltage at the relay [V on a 120 V base] from the regulated side's phase-to-neutral voltage
// [p.u.] and the current through the regulator towards the load [A], as complex phasors:
// |120 v - (r + jx) i / ct|.
[[nodiscard]] double relay_voltage(double v_re_pu, double v_im_pu, double i_re_a, double i_im_a,
                                   const LineDropSettings& settings) noexcept;

// Tap step that the relay asks for: -1 above the band, +1 below, 0 inside or when the rounded tap
// is already at that end. Voltages are compared rounded to 1e-6 p.u., so that solvers which agree
// to better than that decide alike. A NaN setting (a transformer without a relay) gives 0.
[[nodiscard]] std::int8_t line_drop_step(double relay_volt, double tap, double tap_min,
                                         double tap_max, const LineDropSettings& settings) noexcept;

// The same for many regulators: every span has one value per regulator, (n_regulator).
struct LineDropBatch {
  std::span<const double> v_re_pu;  // regulated-side voltage [p.u.]
  std::span<const double> v_im_pu;
  std::span<const double> i_re_a;  // current towards the load [A]
  std::span<const double> i_im_a;
  std::span<const double> tap;         // tap position, may be fractional
  std::span<const double> v_set_volt;  // settings as in LineDropSettings
  std::span<const double> bandwidth_volt;
  std::span<const double> r_volt;
  std::span<const double> x_volt;
  std::span<const double> ct_primary_a;
  std::span<const double> tap_min;
  std::span<const double> tap_max;
};

// Write each regulator's step to `step`. Throws InvalidArgument, before anything is written, if
// the lengths disagree.
void line_drop_step(const LineDropBatch& batch, std::span<std::int8_t> step);

}  // namespace powergrid
