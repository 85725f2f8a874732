#include "heron/message_faults.hpp"

#include <doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include "heron/error.hpp"
#include "heron/random.hpp"

namespace {

using heron::check;
using heron::message_fate;
using heron::MessageFate;
using heron::MessageFaults;
using heron::Outage;
using heron::Stream;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double uniform(Stream stream, std::uint64_t draw) {
  return heron::to_uniform(heron::random_bits({1, 2, 3, stream}, draw));
}

// The fate under the key that `uniform` has.
MessageFate fate_of(const MessageFaults& faults, std::uint64_t message, double time_s = 0.0) {
  return message_fate(faults, 1, 2, 3, message, time_s);
}

}  // namespace

TEST_CASE("without faults every message travels once and at once") {
  for (std::uint64_t message = 0; message < 100; ++message) {
    CHECK(fate_of({}, message) == MessageFate{});
  }
}

TEST_CASE("loss and duplication compare their own stream's draw with the probability") {
  const MessageFaults faults{.loss = 0.3, .duplication = 0.4};
  int n_lost = 0;
  for (std::uint64_t message = 0; message < 1000; ++message) {
    const MessageFate fate = fate_of(faults, message);
    const bool is_lost = uniform(Stream::message_loss, message) < 0.3;
    const bool is_double = uniform(Stream::message_duplication, message) < 0.4;
    CHECK(fate.is_lost == is_lost);
    CHECK(fate.n_copy == (is_lost ? 0 : is_double ? 2 : 1));
    n_lost += fate.is_lost;
  }
  CHECK(n_lost > 200);
  CHECK(n_lost < 400);
}

TEST_CASE("each copy has its own pair of reordering draws") {
  const MessageFaults faults{.duplication = 1.0, .reordering = 0.5, .reordering_delay_s = 8.0};
  for (std::uint64_t message = 0; message < 200; ++message) {
    const MessageFate fate = fate_of(faults, message);
    for (std::size_t copy = 0; copy < 2; ++copy) {
      const std::uint64_t draw = 4 * message + 2 * copy;
      const bool is_held = uniform(Stream::message_reordering, draw) < 0.5;
      CHECK(fate.is_held_back[copy] == is_held);
      CHECK(fate.held_back_s[copy] ==
            (is_held ? 8.0 * uniform(Stream::message_reordering, draw + 1) : 0.0));
    }
  }
}

TEST_CASE("one fault switched on leaves the others' outcomes as they were") {
  const MessageFaults one{.reordering = 0.5, .reordering_delay_s = 2.0};
  const MessageFaults both{.loss = 0.5, .reordering = 0.5, .reordering_delay_s = 2.0};
  for (std::uint64_t message = 0; message < 200; ++message) {
    const MessageFate fate = fate_of(both, message);
    if (!fate.is_lost) CHECK(fate == fate_of(one, message));
  }
}

TEST_CASE("certain faults always happen") {
  CHECK(fate_of({.loss = 1.0}, 5).is_lost);
  CHECK(fate_of({.duplication = 1.0}, 5).n_copy == 2);
}

TEST_CASE("an outage takes what is sent from its start to before its end") {
  const MessageFaults faults{.loss = 1.0, .outages = {{10.0, 20.0, -1}}};
  CHECK_FALSE(fate_of(faults, 0, 9.9).is_outage);
  CHECK(fate_of(faults, 0, 10.0).is_outage);
  CHECK_FALSE(fate_of(faults, 0, 10.0).is_lost);
  CHECK(fate_of(faults, 0, 19.9).n_copy == 0);
  CHECK_FALSE(fate_of(faults, 0, 20.0).is_outage);
}

TEST_CASE("an outage of one sender leaves the others alone") {
  const MessageFaults faults{.outages = {{0.0, 1.0, 4}, {5.0, kInfinity, 3}}};
  CHECK_FALSE(fate_of(faults, 0, 0.5).is_outage);
  CHECK(message_fate(faults, 1, 2, 4, 0, 0.5).is_outage);
  CHECK(fate_of(faults, 0, 1e9).is_outage);
}

TEST_CASE("faults out of range are refused by name") {
  CHECK_THROWS_WITH_AS(check({.loss = 1.5}), "loss is 1.5, expected a probability from 0 to 1",
                       heron::InvalidArgument);
  CHECK_THROWS_AS(check({.duplication = -0.1}), heron::InvalidArgument);
  CHECK_THROWS_AS(check({.reordering = kNan}), heron::InvalidArgument);
  CHECK_THROWS_AS(check({.reordering_delay_s = kInfinity}), heron::InvalidArgument);
  CHECK_THROWS_AS(check({.reordering_delay_s = -1.0}), heron::InvalidArgument);
  CHECK_THROWS_WITH_AS(check({.outages = {{0.0, 1.0}, {5.0, 5.0}}}),
                       "outage 1 lasts from 5 s to 5 s, expected a start before the end",
                       heron::InvalidArgument);
  CHECK_THROWS_AS(check({.outages = {{kNan, 1.0}}}), heron::InvalidArgument);
  CHECK_THROWS_AS(check({.outages = {{0.0, 1.0, -2}}}), heron::InvalidArgument);
  CHECK_NOTHROW(check({.loss = 1.0, .outages = {{0.0, kInfinity}}}));
}
