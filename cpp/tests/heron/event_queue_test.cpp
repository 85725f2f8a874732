#include "heron/event_queue.hpp"

#include <doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "heron/error.hpp"

namespace {

using heron::Event;
using heron::EventHandle;
using heron::EventQueue;

std::vector<std::int64_t> drain(EventQueue& queue) {
  std::vector<std::int64_t> payloads;
  while (const auto event = queue.pop()) payloads.push_back(event->payload);
  return payloads;
}

}  // namespace

TEST_CASE("an empty queue gives nothing") {
  EventQueue queue;
  CHECK(queue.empty());
  CHECK_FALSE(queue.peek().has_value());
  CHECK_FALSE(queue.pop().has_value());
}

TEST_CASE("events leave in order of time") {
  EventQueue queue;
  queue.push(3.0, 0, 3);
  queue.push(1.0, 0, 1);
  queue.push(2.0, 0, 2);
  CHECK(drain(queue) == std::vector<std::int64_t>{1, 2, 3});
}

TEST_CASE("equal times leave by priority, then in insertion order") {
  EventQueue queue;
  queue.push(1.0, 5, 1);
  queue.push(1.0, 0, 2);
  queue.push(1.0, 5, 3);
  queue.push(1.0, -1, 4);
  queue.push(1.0, 0, 5);
  CHECK(drain(queue) == std::vector<std::int64_t>{4, 2, 5, 1, 3});
}

TEST_CASE("peek shows what pop takes, and pop moves the time") {
  EventQueue queue(10.0);
  queue.push(12.5, 1, 7);
  const Event expected{12.5, 1, 0, 7};
  CHECK(queue.peek() == expected);
  CHECK(queue.now_s() == 10.0);
  CHECK(queue.pop() == expected);
  CHECK(queue.now_s() == 12.5);
}

TEST_CASE("an event at the present time is accepted, one in the past is not") {
  EventQueue queue(10.0);
  CHECK_NOTHROW(queue.push(10.0, 0, 0));
  CHECK_THROWS_WITH_AS(
      queue.push(9.5, 0, 0),
      "time_s is 9.5, in the past: expected at least the time of the last event, 10",
      heron::InvalidArgument);
  CHECK(queue.size() == 1);
}

TEST_CASE("a time that is not finite is refused") {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  EventQueue queue;
  CHECK_THROWS_AS(queue.push(kNan, 0, 0), heron::InvalidArgument);
  CHECK_THROWS_AS(queue.push(kInfinity, 0, 0), heron::InvalidArgument);
  CHECK_THROWS_AS(queue.push(-kInfinity, 0, 0), heron::InvalidArgument);
  CHECK_THROWS_AS(queue.reset(kNan), heron::InvalidArgument);
  CHECK_THROWS_AS(EventQueue{kNan}, heron::InvalidArgument);
  CHECK(queue.empty());
}

TEST_CASE("a cancelled event does not leave, and only the first cancel counts") {
  EventQueue queue;
  const EventHandle first = queue.push(1.0, 0, 1);
  const EventHandle second = queue.push(2.0, 0, 2);
  CHECK(queue.is_pending(second));
  CHECK(queue.cancel(second));
  CHECK_FALSE(queue.is_pending(second));
  CHECK_FALSE(queue.cancel(second));
  CHECK(queue.size() == 1);
  CHECK(drain(queue) == std::vector<std::int64_t>{1});
  CHECK_FALSE(queue.cancel(first));
}

TEST_CASE("cancelling the next event brings the one after it to the front") {
  EventQueue queue;
  const EventHandle first = queue.push(1.0, 0, 1);
  queue.push(2.0, 0, 2);
  CHECK(queue.cancel(first));
  REQUIRE(queue.peek().has_value());
  CHECK(queue.peek()->payload == 2);
}

TEST_CASE("an old handle never cancels the event that took its place") {
  EventQueue queue;
  const EventHandle old = queue.push(1.0, 0, 1);
  queue.pop();
  const EventHandle young = queue.push(2.0, 0, 2);
  CHECK(old != young);
  CHECK_FALSE(queue.cancel(old));
  CHECK(queue.is_pending(young));
}

TEST_CASE("a batch goes in as its events would one by one") {
  const std::vector<double> time_s{2.0, 1.0, 1.0};
  const std::vector<std::int32_t> priority{0, 1, 0};
  const std::vector<std::int64_t> payload{1, 2, 3};
  std::vector<EventHandle> handles(3);
  EventQueue queue;
  queue.push_batch(time_s, priority, payload, handles);
  CHECK(queue.cancel(handles[0]));
  CHECK(drain(queue) == std::vector<std::int64_t>{3, 2});
}

TEST_CASE("a batch with one bad time or a wrong length changes nothing") {
  const std::vector<double> time_s{2.0, -1.0};
  const std::vector<std::int32_t> priority{0, 0};
  const std::vector<std::int64_t> payload{1, 2};
  std::vector<EventHandle> handles(2);
  EventQueue queue;
  CHECK_THROWS_AS(queue.push_batch(time_s, priority, payload, handles), heron::InvalidArgument);
  CHECK_THROWS_AS(queue.push_batch(std::span(time_s).first(1), priority, payload, handles),
                  heron::InvalidArgument);
  CHECK(queue.empty());
  queue.push(0.0, 0, 9);
  CHECK(queue.peek()->sequence == 0);
}

TEST_CASE("pop_until includes its end and stops when the output is full") {
  EventQueue queue;
  for (std::int64_t i = 0; i < 5; ++i) queue.push(static_cast<double>(i), 0, i);
  std::vector<Event> events(2);
  CHECK(queue.pop_until(3.0, events) == 2);
  CHECK(events[1].payload == 1);
  events.resize(10);
  CHECK(queue.pop_until(3.0, events) == 2);
  CHECK(queue.now_s() == 3.0);
  CHECK(queue.size() == 1);
  CHECK(queue.pop_until(std::numeric_limits<double>::quiet_NaN(), events) == 0);
}

TEST_CASE("clear keeps time and sequence numbers, reset starts both again") {
  EventQueue queue;
  queue.push(1.0, 0, 0);
  queue.pop();
  const EventHandle dropped = queue.push(2.0, 0, 0);
  queue.clear();
  CHECK(queue.empty());
  CHECK_FALSE(queue.cancel(dropped));
  CHECK(queue.now_s() == 1.0);
  queue.push(2.0, 0, 0);
  CHECK(queue.peek()->sequence == 2);
  queue.reset(0.5);
  CHECK(queue.empty());
  CHECK(queue.now_s() == 0.5);
  queue.push(0.5, 0, 0);
  CHECK(queue.peek()->sequence == 0);
}

TEST_CASE("a copy goes its own way") {
  EventQueue queue;
  queue.push(1.0, 0, 1);
  const EventHandle second = queue.push(2.0, 0, 2);
  EventQueue copy = queue;
  CHECK(copy.cancel(second));
  CHECK(drain(copy) == std::vector<std::int64_t>{1});
  CHECK(drain(queue) == std::vector<std::int64_t>{1, 2});
}

TEST_CASE("a long mixed program leaves in the order of a sort") {
  std::mt19937_64 random(2024);
  EventQueue queue;
  using Key = std::tuple<double, std::int32_t, std::int64_t>;
  std::vector<Key> expected;
  std::vector<EventHandle> handles;
  for (std::int64_t i = 0; i < 20'000; ++i) {
    const double time_s = static_cast<double>(random() % 100);
    const auto priority = static_cast<std::int32_t>(random() % 3);
    handles.push_back(queue.push(time_s, priority, i));
    expected.emplace_back(time_s, priority, i);
  }
  std::vector<Key> kept;
  for (std::size_t i = 0; i < handles.size(); ++i) {
    // Four of five are cancelled, so that most places are free at the end.
    if (random() % 5 == 0) {
      kept.push_back(expected[i]);
    } else {
      REQUIRE(queue.cancel(handles[i]));
    }
  }
  std::ranges::sort(kept);
  REQUIRE(queue.size() == kept.size());
  for (const auto& [time_s, priority, payload] : kept) {
    const auto event = queue.pop();
    REQUIRE(event.has_value());
    REQUIRE(event->time_s == time_s);
    REQUIRE(event->priority == priority);
    REQUIRE(event->payload == payload);
  }
  CHECK(queue.empty());
}

TEST_CASE("whatever number is left after cancelling leaves in order") {
  std::mt19937_64 random(7);
  for (std::size_t n_event = 64; n_event < 400; ++n_event) {
    EventQueue queue;
    std::vector<EventHandle> handles;
    for (std::size_t i = 0; i < n_event; ++i) {
      handles.push_back(queue.push(static_cast<double>(random() % 1000), 0, 0));
    }
    std::ranges::shuffle(handles, random);
    const std::size_t n_cancelled = n_event * 2 / 3;
    for (std::size_t i = 0; i < n_cancelled; ++i) REQUIRE(queue.cancel(handles[i]));
    REQUIRE(queue.size() == n_event - n_cancelled);
    double previous_s = 0.0;
    while (const auto event = queue.pop()) {
      REQUIRE(event->time_s >= previous_s);
      previous_s = event->time_s;
    }
  }
}

TEST_CASE("times on both sides of zero leave in order, and minus zero is zero") {
  EventQueue queue(-2.0);
  queue.push(1e-300, 0, 4);
  queue.push(0.0, 0, 2);
  queue.push(-0.0, 0, 3);
  queue.push(-1e-300, 0, 1);
  queue.push(-2.0, 0, 0);
  queue.push(std::numeric_limits<double>::max(), 0, 5);
  CHECK(queue.peek()->time_s == -2.0);
  CHECK(drain(queue) == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  CHECK(queue.now_s() == std::numeric_limits<double>::max());
}

TEST_CASE("after a pop the queue is whole, whatever comes next") {
  // The queue puts off work from a pop to the call after it: try every such call.
  EventQueue popped;
  const EventHandle first = popped.push(1.0, 0, 1);
  popped.push(2.0, 0, 2);
  const EventHandle third = popped.push(3.0, 0, 3);
  popped.push(4.0, 0, 4);
  popped.pop();

  EventQueue queue = popped;
  CHECK(queue.peek()->payload == 2);
  CHECK_FALSE(queue.cancel(first));
  CHECK(queue.cancel(third));
  CHECK(queue.peek()->payload == 2);
  queue.push(1.5, 0, 9);
  CHECK(queue.peek()->payload == 9);
  CHECK(drain(queue) == std::vector<std::int64_t>{9, 2, 4});

  queue = popped;
  std::vector<Event> events(2);
  CHECK(queue.pop_until(10.0, events) == 2);
  CHECK(queue.peek()->payload == 4);

  queue = popped;
  queue.clear();
  CHECK_FALSE(queue.peek().has_value());
  queue.push(7.0, 0, 7);
  CHECK(drain(queue) == std::vector<std::int64_t>{7});
}

TEST_CASE("a queue that was moved from can be reset") {
  EventQueue queue;
  for (std::int64_t i = 0; i < 5; ++i) queue.push(1.0, 0, i);
  queue.pop();
  EventQueue taken = std::move(queue);
  queue.reset(3.0);  // NOLINT(bugprone-use-after-move)
  CHECK(queue.empty());
  queue.push(3.0, 0, 8);
  CHECK(drain(queue) == std::vector<std::int64_t>{8});
  CHECK(drain(taken) == std::vector<std::int64_t>{1, 2, 3, 4});
}

TEST_CASE("more room than there are handles for is refused") {
  EventQueue queue;
  CHECK_THROWS_AS(queue.reserve(std::numeric_limits<std::size_t>::max()), heron::InvalidArgument);
}

TEST_CASE("a million events after the first round allocate nothing") {
  EventQueue queue;
  std::mt19937_64 random(5);
  const std::size_t n_at_start = heron_tests::n_allocation();
  for (std::int64_t agent = 0; agent < 1000; ++agent) queue.push(0.0, 0, agent);
  const std::uint64_t n_before = heron_tests::n_allocation();
  REQUIRE(n_before > n_at_start);
  for (int i = 0; i < 1'000'000; ++i) {
    const Event event = *queue.pop();
    queue.push(event.time_s + 1.0 + static_cast<double>(random() % 1000) * 1e-4, 0, event.payload);
  }
  CHECK(heron_tests::n_allocation() == n_before);
  CHECK(queue.n_stored() == 1024);
}

TEST_CASE("reserved room is used without allocating") {
  EventQueue queue;
  queue.reserve(1000);
  const std::uint64_t n_before = heron_tests::n_allocation();
  for (std::int64_t i = 0; i < 1000; ++i) queue.push(0.0, 0, i);
  CHECK(heron_tests::n_allocation() == n_before);
  CHECK(queue.n_stored() == 1024);
}

TEST_CASE("scheduling and cancelling for ever does not fill the memory") {
  EventQueue queue;
  queue.push(1e9, 0, -1);
  queue.reserve(2);
  const std::uint64_t n_before = heron_tests::n_allocation();
  for (std::int64_t i = 0; i < 1'000'000; ++i) {
    REQUIRE(queue.cancel(queue.push(2e9 + static_cast<double>(i), 0, i)));
  }
  CHECK(heron_tests::n_allocation() == n_before);
  CHECK(queue.n_stored() == 2);
  CHECK(queue.size() == 1);
  CHECK(drain(queue) == std::vector<std::int64_t>{-1});
}
