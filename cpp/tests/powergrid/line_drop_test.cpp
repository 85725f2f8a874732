#include "powergrid/line_drop.hpp"

#include <doctest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "powergrid/error.hpp"

namespace {

using powergrid::line_drop_step;
using powergrid::LineDropBatch;
using powergrid::LineDropSettings;
using powergrid::relay_voltage;

// Set 122 V, band 2 V: 121 to 123 V.
constexpr LineDropSettings kRelay{.v_set_volt = 122.0,
                                  .bandwidth_volt = 2.0,
                                  .r_volt = 3.0,
                                  .x_volt = 9.0,
                                  .ct_primary_a = 700.0};

std::int8_t step_at(double relay_volt, double tap) {
  return line_drop_step(relay_volt, tap, -16.0, 16.0, kRelay);
}

}  // namespace

TEST_CASE("without current the relay sees the bus voltage") {
  CHECK(relay_voltage(1.02, 0.0, 0.0, 0.0, kRelay) == doctest::Approx(122.4).epsilon(1e-14));
}

TEST_CASE("rated current in phase drops r volt along and x volt across the voltage") {
  const double expected = std::hypot(120.0 - 3.0, -9.0);
  CHECK(relay_voltage(1.0, 0.0, 700.0, 0.0, kRelay) == doctest::Approx(expected).epsilon(1e-14));
}

TEST_CASE("turning both phasors leaves the relay voltage unchanged") {
  const double c = std::cos(1.1);
  const double s = std::sin(1.1);
  const double straight = relay_voltage(1.0, 0.0, 500.0, -200.0, kRelay);
  const double turned = relay_voltage(c, s, 500.0 * c + 200.0 * s, 500.0 * s - 200.0 * c, kRelay);
  CHECK(turned == doctest::Approx(straight).epsilon(1e-14));
}

TEST_CASE("a low voltage raises the tap, a high one lowers it, the band keeps it") {
  CHECK(step_at(120.9, 0.0) == 1);
  CHECK(step_at(122.0, 0.0) == 0);
  CHECK(step_at(123.1, 0.0) == -1);
}

TEST_CASE("the edges of the band belong to it, to a millionth of a p.u.") {
  CHECK(step_at(123.0, 0.0) == 0);
  CHECK(step_at(121.0, 0.0) == 0);
  CHECK(step_at(123.0 + 120.0 * 0.4e-6, 0.0) == 0);
  CHECK(step_at(123.0 + 120.0 * 1.1e-6, 0.0) == -1);
  CHECK(step_at(121.0 - 120.0 * 1.1e-6, 0.0) == 1);
}

TEST_CASE("a tap at its end stays there") {
  CHECK(step_at(100.0, 16.0) == 0);
  CHECK(step_at(100.0, 15.0) == 1);
  CHECK(step_at(130.0, -16.0) == 0);
  CHECK(step_at(130.0, -15.0) == -1);
}

TEST_CASE("the end is counted from the rounded position") {
  CHECK(step_at(100.0, 15.4) == 1);
  CHECK(step_at(100.0, 15.6) == 0);
}

TEST_CASE("a transformer without a relay never moves") {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const LineDropSettings none{kNan, kNan, kNan, kNan, kNan};
  const double relay_volt = relay_voltage(0.5, 0.0, 100.0, 0.0, none);
  CHECK(line_drop_step(relay_volt, 0.0, -16.0, 16.0, none) == 0);
}

TEST_CASE("a batch gives each regulator its own step") {
  const std::vector<double> v{0.9, 1.02, 1.2};
  const std::vector<double> zero(3, 0.0);
  const std::vector<double> one(3, 1.0);
  const std::vector<double> v_set(3, 122.0);
  const std::vector<double> band(3, 2.0);
  const std::vector<double> low(3, -16.0);
  const std::vector<double> high(3, 16.0);
  LineDropBatch batch{v, zero, zero, zero, zero, v_set, band, zero, zero, one, low, high};
  std::array<std::int8_t, 3> step{};
  line_drop_step(batch, step);
  CHECK(step == std::array<std::int8_t, 3>{1, 0, -1});

  batch.tap = std::span(zero).first(2);
  CHECK_THROWS_WITH_AS(line_drop_step(batch, step),
                       "tap has 2 values, expected 3: one value per regulator",
                       powergrid::InvalidArgument);
}
