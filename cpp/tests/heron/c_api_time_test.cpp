// The C functions of the event queue and the scheduler, and the rules of all of them.
#include <doctest.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>

#include "c_handles.hpp"
#include "heron.h"

using namespace c_handles;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

heron_status count(heron_tick_scheduler*, const heron_tick_event*, void* context) {
  ++*static_cast<int*>(context);
  return HERON_OK;
}

}  // namespace

TEST_CASE("C: a time that is NaN, infinite or past is refused with its value") {
  Queue queue;
  CHECK(heron_event_queue_create(kNan, queue.out()) == HERON_INVALID_ARGUMENT);
  CHECK(queue == nullptr);
  REQUIRE(heron_event_queue_create(5.0, queue.out()) == HERON_OK);
  heron_event_handle handle = 77;
  CHECK(heron_event_queue_push(queue, kNan, 0, 0, &handle) == HERON_INVALID_ARGUMENT);
  CHECK(error_has("nan"));
  CHECK(heron_event_queue_push(queue, kInfinity, 0, 0, &handle) == HERON_INVALID_ARGUMENT);
  CHECK(heron_event_queue_push(queue, 4.5, 0, 0, &handle) == HERON_INVALID_ARGUMENT);
  CHECK(error_has("4.5"));
  CHECK(handle == 77);
  std::size_t n_event = 9;
  CHECK(heron_event_queue_size(queue, &n_event) == HERON_OK);
  CHECK(n_event == 0);
}

TEST_CASE("C: a pointer that must be given is named when it is NULL") {
  CHECK(heron_event_queue_create(0.0, nullptr) == HERON_INVALID_ARGUMENT);
  CHECK(error_has("queue is NULL"));
  CHECK(heron_event_queue_push(nullptr, 0.0, 0, 0, nullptr) == HERON_INVALID_ARGUMENT);
  CHECK(error_has("queue is NULL"));
  CHECK(heron_tick_scheduler_reset(nullptr, 0, 0.0) == HERON_INVALID_ARGUMENT);
  CHECK(error_has("scheduler is NULL"));
  CHECK(heron_message_courier_attach(nullptr) == HERON_INVALID_ARGUMENT);
  CHECK(heron_feature_table_snapshot_all(nullptr, 0.0) == HERON_INVALID_ARGUMENT);

  Queue queue;
  REQUIRE(heron_event_queue_create(0.0, queue.out()) == HERON_OK);
  CHECK(heron_event_queue_size(queue, nullptr) == HERON_INVALID_ARGUMENT);
  CHECK(error_has("n_event is NULL"));
  CHECK(heron_event_queue_push_batch(queue, 2, nullptr, nullptr, nullptr, nullptr) ==
        HERON_INVALID_ARGUMENT);
  CHECK(error_has("time_s is NULL"));
  CHECK(heron_event_queue_push_batch(queue, 0, nullptr, nullptr, nullptr, nullptr) == HERON_OK);

  Broker broker;
  REQUIRE(heron_message_broker_create(4, HERON_REJECT, nullptr, nullptr, broker.out()) == HERON_OK);
  std::int32_t channel = 0;
  CHECK(heron_message_broker_intern_channel(broker, nullptr, &channel) == HERON_INVALID_ARGUMENT);
  CHECK(error_has("name is NULL"));
  heron_event_queue_destroy(nullptr);  // as free(NULL)
}

TEST_CASE("C: pop with no place for the event takes nothing") {
  Queue queue;
  REQUIRE(heron_event_queue_create(0.0, queue.out()) == HERON_OK);
  REQUIRE(heron_event_queue_push(queue, 1.0, 0, 3, nullptr) == HERON_OK);
  bool has_event = false;
  CHECK(heron_event_queue_pop(queue, &has_event, nullptr) == HERON_INVALID_ARGUMENT);
  heron_event event{};
  CHECK(heron_event_queue_pop(queue, &has_event, &event) == HERON_OK);
  CHECK(has_event);
  CHECK(event.payload == 3);
}

TEST_CASE("C: a batch is pushed whole or not at all, and pop_until stops at its end") {
  Queue queue;
  REQUIRE(heron_event_queue_create(0.0, queue.out()) == HERON_OK);
  const std::array<double, 3> bad{1.0, kNan, 2.0};
  const std::array<double, 3> good{3.0, 1.0, 2.0};
  const std::array<std::int32_t, 3> priority{};
  const std::array<std::int64_t, 3> payload{30, 10, 20};
  std::array<heron_event_handle, 3> handle{};
  CHECK(heron_event_queue_push_batch(queue, 3, bad.data(), priority.data(), payload.data(),
                                     handle.data()) == HERON_INVALID_ARGUMENT);
  CHECK(heron_event_queue_push_batch(queue, 3, good.data(), priority.data(), payload.data(),
                                     handle.data()) == HERON_OK);
  std::array<heron_event, 3> events{};
  std::size_t n_event = 0;
  CHECK(heron_event_queue_pop_until(queue, 2.0, events.data(), 3, &n_event) == HERON_OK);
  REQUIRE(n_event == 2);
  CHECK(events[0].payload == 10);
  CHECK(events[1].payload == 20);
  bool was_pending = true;
  CHECK(heron_event_queue_cancel(queue, handle[1], &was_pending) == HERON_OK);
  CHECK_FALSE(was_pending);
  CHECK(heron_event_queue_cancel(queue, handle[0], &was_pending) == HERON_OK);
  CHECK(was_pending);
}

TEST_CASE("C: a constant out of range is refused and the known ones are told") {
  Broker broker;
  CHECK(heron_message_broker_create(8, 7, nullptr, nullptr, broker.out()) ==
        HERON_INVALID_ARGUMENT);
  CHECK(error_has("policy is 7, expected one of the constants 0 to 2"));
  Scheduler scheduler;
  REQUIRE(heron_tick_scheduler_create(1, 0, 0.0, scheduler.out()) == HERON_OK);
  CHECK(heron_tick_scheduler_schedule(scheduler, 0, 1.0, 6, HERON_NO_AGENT, 0, 0, nullptr) ==
        HERON_INVALID_ARGUMENT);
  CHECK(error_has("type is 6"));
  CHECK(heron_tick_scheduler_set_handler(scheduler, -1, count, nullptr) == HERON_INVALID_ARGUMENT);
  heron_tick_config config = heron_default_tick_config();
  config.jitter = 3;
  std::int32_t agent = -5;
  CHECK(heron_tick_scheduler_register(scheduler, &config, nullptr, 0, &agent) ==
        HERON_INVALID_ARGUMENT);
  CHECK(error_has("jitter is 3"));
  CHECK(agent == -5);
}

TEST_CASE("C: lanes and configurations that cannot be are refused by the core's own words") {
  Scheduler scheduler;
  CHECK(heron_tick_scheduler_create(0, 0, 0.0, scheduler.out()) == HERON_INVALID_ARGUMENT);
  CHECK_FALSE(std::string(heron_last_error()).empty());
  REQUIRE(heron_tick_scheduler_create(2, 0, 0.0, scheduler.out()) == HERON_OK);
  double now_s = 0.0;
  CHECK(heron_tick_scheduler_now(scheduler, 2, &now_s) == HERON_INVALID_ARGUMENT);
  heron_tick_config config = heron_default_tick_config();
  config.tick_interval_s = 0.0;
  std::int32_t agent = 0;
  CHECK(heron_tick_scheduler_register(scheduler, &config, nullptr, 0, &agent) ==
        HERON_INVALID_ARGUMENT);
  CHECK(error_has("tick_interval"));
  double drawn_s = 0.0;
  CHECK(heron_tick_scheduler_draw(scheduler, 0, 0, HERON_ACT_DELAY, &drawn_s) ==
        HERON_INVALID_ARGUMENT);
}

TEST_CASE("C: handlers get every event of their type with its context") {
  Scheduler scheduler;
  REQUIRE(heron_tick_scheduler_create(2, 1, 0.0, scheduler.out()) == HERON_OK);
  const heron_tick_config config = heron_default_tick_config();
  const double first_tick_s = 0.5;
  std::int32_t agent = -1;
  REQUIRE(heron_tick_scheduler_register(scheduler, &config, &first_tick_s, 0, &agent) == HERON_OK);
  CHECK(agent == 0);
  int n_tick = 0;
  REQUIRE(heron_tick_scheduler_set_handler(scheduler, HERON_AGENT_TICK, count, &n_tick) ==
          HERON_OK);
  std::uint64_t n_event = 0;
  CHECK(heron_tick_scheduler_run_all_until(scheduler, 10.0, 1, &n_event) == HERON_OK);
  CHECK(n_tick == 20);  // at 0.5, 1.5, ..., 9.5 in two lanes
  CHECK(n_event == 20);
  REQUIRE(heron_tick_scheduler_set_handler(scheduler, HERON_AGENT_TICK, nullptr, nullptr) ==
          HERON_OK);
  CHECK(heron_tick_scheduler_run_until(scheduler, 0, 20.0, 3, &n_event) == HERON_OK);
  CHECK(n_event == 3);
  CHECK(n_tick == 20);
}

TEST_CASE("C: what a handler returns ends the run and comes back with the inner text") {
  Scheduler scheduler;
  REQUIRE(heron_tick_scheduler_create(2, 1, 0.0, scheduler.out()) == HERON_OK);
  for (const std::int32_t lane : {0, 1}) {
    REQUIRE(heron_tick_scheduler_schedule(scheduler, lane, 1.0, HERON_CUSTOM, HERON_NO_AGENT, 0, 0,
                                          nullptr) == HERON_OK);
  }
  const heron_handler in_the_past = [](heron_tick_scheduler* running, const heron_tick_event* event,
                                       void*) {
    return heron_tick_scheduler_schedule(running, event->lane, event->time_s - 0.75, HERON_CUSTOM,
                                         HERON_NO_AGENT, 0, 0, nullptr);
  };
  REQUIRE(heron_tick_scheduler_set_handler(scheduler, HERON_CUSTOM, in_the_past, nullptr) ==
          HERON_OK);
  // Also when the handler runs on another thread, whose last error is its own.
  CHECK(heron_tick_scheduler_run_all_until(scheduler, 2.0, 2, nullptr) == HERON_INVALID_ARGUMENT);
  CHECK(error_has("a handler returned 1: "));
  CHECK(error_has("0.25"));

  const heron_handler own_status = [](heron_tick_scheduler*, const heron_tick_event*, void*) {
    return heron_status{1234};
  };
  REQUIRE(heron_tick_scheduler_set_handler(scheduler, HERON_CUSTOM, own_status, nullptr) ==
          HERON_OK);
  REQUIRE(heron_tick_scheduler_schedule(scheduler, 0, 5.0, HERON_CUSTOM, HERON_NO_AGENT, 0, 0,
                                        nullptr) == HERON_OK);
  CHECK(heron_tick_scheduler_run_until(scheduler, 0, 6.0, 100, nullptr) == 1234);
  CHECK(std::string(heron_last_error()) == "a handler returned 1234");
}

TEST_CASE("C: decision points come side by side and are answered by the next call") {
  Scheduler scheduler;
  REQUIRE(heron_tick_scheduler_create(2, 1, 0.0, scheduler.out()) == HERON_OK);
  const heron_tick_config config = heron_default_tick_config();
  std::int32_t agent = -1;
  for (int i = 0; i < 2; ++i) {
    REQUIRE(heron_tick_scheduler_register(scheduler, &config, nullptr, 0, &agent) == HERON_OK);
  }
  heron_due_events due{};
  for (int tick = 0; tick < 3; ++tick) {
    REQUIRE(heron_tick_scheduler_next_due(scheduler, 2.0, 1, &due) == HERON_OK);
    REQUIRE(due.n_event == 4);
    for (std::size_t i = 0; i < due.n_event; ++i) {
      CHECK(due.lane[i] == static_cast<std::int32_t>(i / 2));
      CHECK(due.agent[i] == static_cast<std::int32_t>(i % 2));
      CHECK(due.time_s[i] == tick);
      CHECK(due.type[i] == HERON_AGENT_TICK);
    }
  }
  REQUIRE(heron_tick_scheduler_next_due(scheduler, 2.0, 1, &due) == HERON_OK);
  CHECK(due.n_event == 0);
}

TEST_CASE("C: every thread has its own last error") {
  CHECK(heron_event_queue_create(0.0, nullptr) == HERON_INVALID_ARGUMENT);
  std::string of_other = "unset";
  std::thread([&] { of_other = heron_last_error(); }).join();
  CHECK(of_other.empty());
  CHECK(error_has("queue is NULL"));
}
