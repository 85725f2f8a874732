// The C functions of the broker and the courier.
#include <doctest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "c_handles.hpp"
#include "heron.h"

using namespace c_handles;

TEST_CASE("C: a full queue under reject answers with its own status") {
  Broker broker;
  REQUIRE(heron_message_broker_create(1, HERON_REJECT, nullptr, nullptr, broker.out()) == HERON_OK);
  heron_message message{};
  REQUIRE(heron_message_broker_intern_channel(broker, "a", &message.channel) == HERON_OK);
  bool was_accepted = false;
  CHECK(heron_message_broker_publish(broker, &message, &was_accepted) == HERON_OK);
  CHECK(was_accepted);
  CHECK(heron_message_broker_publish(broker, &message, nullptr) == HERON_QUEUE_FULL);
  CHECK_FALSE(std::string(heron_last_error()).empty());
  message.channel = 99;
  CHECK(heron_message_broker_publish(broker, &message, nullptr) == HERON_INVALID_ARGUMENT);
}

TEST_CASE("C: messages are read oldest first and dropped ones are released") {
  Broker broker;
  std::vector<std::int64_t> released;
  const heron_release release = [](std::int64_t payload, void* context) {
    static_cast<std::vector<std::int64_t>*>(context)->push_back(payload);
  };
  REQUIRE(heron_message_broker_create(2, HERON_DROP_OLDEST, release, &released, broker.out()) ==
          HERON_OK);
  heron_message message{
      .channel = 0, .env = 4, .sender = 1, .recipient = 2, .type = 9, .time_s = 0.5, .payload = 0};
  REQUIRE(heron_message_broker_intern_channel(broker, "a", &message.channel) == HERON_OK);
  for (const std::int64_t payload : {10, 11, 12}) {
    message.payload = payload;
    REQUIRE(heron_message_broker_publish(broker, &message, nullptr) == HERON_OK);
  }
  CHECK(released == std::vector<std::int64_t>{10});
  std::array<heron_message, 1> one{};
  std::size_t n_message = 0;
  CHECK(heron_message_broker_consume(broker, message.channel, 2, 4, one.data(), 1, &n_message) ==
        HERON_OK);
  REQUIRE(n_message == 1);
  CHECK(one[0].payload == 11);
  CHECK(one[0].sender == 1);
  CHECK(one[0].type == 9);
  CHECK(one[0].time_s == 0.5);
  CHECK(heron_message_broker_clear_environment(broker, 4, &n_message) == HERON_OK);
  CHECK(n_message == 1);
  CHECK(released == std::vector<std::int64_t>{10, 12});
  heron_broker_counters counters{};
  CHECK(heron_message_broker_counters(broker, &counters) == HERON_OK);
  CHECK(counters.published == 3);
  CHECK(counters.consumed == 1);
  CHECK(counters.dropped_oldest == 1);
  CHECK(counters.cleared == 1);
}

TEST_CASE("C: a courier loses, delays and counts what its faults say") {
  Scheduler scheduler;
  Broker broker;
  Courier courier;
  REQUIRE(heron_tick_scheduler_create(1, 3, 0.0, scheduler.out()) == HERON_OK);
  REQUIRE(heron_message_broker_create(64, HERON_REJECT, nullptr, nullptr, broker.out()) ==
          HERON_OK);
  heron_message_faults faults{};
  faults.loss = 1.5;
  CHECK(heron_message_courier_create(scheduler, broker, &faults, 3, 1, courier.out()) ==
        HERON_INVALID_ARGUMENT);
  CHECK(error_has("loss"));
  const heron_outage outage{.start_s = 0.0, .end_s = 1.0, .sender = 8};
  faults = {};
  faults.duplication = 1.0;
  faults.outages = &outage;
  faults.n_outage = 1;
  REQUIRE(heron_message_courier_create(scheduler, broker, &faults, 3, 1, courier.out()) ==
          HERON_OK);
  REQUIRE(heron_message_courier_attach(courier) == HERON_OK);
  std::int32_t channel = -1;
  REQUIRE(heron_message_broker_intern_channel(broker, "a", &channel) == HERON_OK);
  const double delay_s = 2.0;
  std::int32_t n_copy = -1;
  CHECK(heron_message_courier_send(courier, 0, channel, 7, 1, 0, 70, &delay_s, &n_copy) ==
        HERON_OK);
  CHECK(n_copy == 2);
  CHECK(heron_message_courier_send(courier, 0, channel, 8, 1, 0, 80, &delay_s, &n_copy) ==
        HERON_OK);
  CHECK(n_copy == 0);
  std::size_t n_message = 0;
  CHECK(heron_message_courier_in_flight(courier, 0, &n_message) == HERON_OK);
  CHECK(n_message == 2);
  CHECK(heron_tick_scheduler_run_until(scheduler, 0, 1.9, 100, nullptr) == HERON_OK);
  CHECK(heron_message_broker_unread(broker, &n_message) == HERON_OK);
  CHECK(n_message == 0);
  CHECK(heron_tick_scheduler_run_until(scheduler, 0, 2.0, 100, nullptr) == HERON_OK);
  CHECK(heron_message_broker_unread(broker, &n_message) == HERON_OK);
  CHECK(n_message == 2);
  heron_courier_counters counters{};
  CHECK(heron_message_courier_counters(courier, 0, &counters) == HERON_OK);
  CHECK(counters.sent == 2);
  CHECK(counters.outage == 1);
  CHECK(counters.duplicated == 1);
  CHECK(counters.delivered == 2);
}
