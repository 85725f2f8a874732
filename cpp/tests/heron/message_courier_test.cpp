#include "heron/message_courier.hpp"

#include <doctest.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "allocations.hpp"
#include "heron/error.hpp"

namespace {

using heron::CourierCounters;
using heron::Message;
using heron::MessageBroker;
using heron::MessageCourier;
using heron::MessageFaults;
using heron::QueuePolicy;
using heron::TickConfig;
using heron::TickEvent;
using heron::TickScheduler;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

TickConfig delayed(double msg_delay_s, heron::Jitter jitter = heron::Jitter::none) {
  TickConfig config;
  config.msg_delay_s = msg_delay_s;
  config.jitter = jitter;
  return config;
}

// Two agents that never tick in these tests, and a channel.
struct World {
  explicit World(MessageFaults faults = {}, std::int32_t n_lane = 1, std::uint64_t seed = 0,
                 double msg_delay_s = 1.0)
      : scheduler(n_lane),
        broker(1000, QueuePolicy::drop_oldest,
               [this](std::int64_t payload) { released.push_back(payload); }),
        channel(broker.intern_channel("a")),
        courier(scheduler, broker, std::move(faults), seed) {
    for (int agent = 0; agent < 2; ++agent) scheduler.register_agent(delayed(msg_delay_s), 1e9);
    courier.attach();
  }

  std::vector<Message> read(std::int32_t recipient, std::int32_t lane = 0) {
    std::vector<Message> messages;
    broker.consume(channel, recipient, lane, messages);
    return messages;
  }

  void check_sum(std::int32_t lane = 0) const {
    const CourierCounters c = courier.counters(lane);
    CHECK(c.sent + c.duplicated ==
          c.delivered + c.rejected + c.lost + c.outage + c.cancelled + courier.n_in_flight(lane));
  }

  std::vector<std::int64_t> released;
  TickScheduler scheduler;
  MessageBroker broker;
  std::int32_t channel;
  MessageCourier courier;
};

std::vector<std::int64_t> payloads(const std::vector<Message>& messages) {
  std::vector<std::int64_t> found;
  for (const Message& message : messages) found.push_back(message.payload);
  return found;
}

}  // namespace

TEST_CASE("a message reaches its queue when its delay is over, and says when it was sent") {
  World world;
  world.scheduler.schedule(0, 5.0, heron::EventType::custom);
  world.scheduler.run_until(0, 5.0);
  CHECK(world.courier.send(0, world.channel, 0, 1, 4, 77) == 1);
  CHECK(world.courier.n_in_flight(0) == 1);
  world.scheduler.run_until(0, 5.9);
  CHECK(world.read(1).empty());
  world.scheduler.run_until(0, 6.0);
  CHECK(world.read(1) == std::vector<Message>{{world.channel, 0, 0, 1, 4, 5.0, 77}});
  CHECK(world.courier.n_in_flight(0) == 0);
  world.check_sum();
}

TEST_CASE("a given delay replaces the drawn one, and needs no agent") {
  World world;
  world.courier.send(0, world.channel, 12345, 1, 0, 1, 0.25);
  world.courier.send(0, world.channel, 0, 1, 0, 2, 0.0);
  world.scheduler.run_until(0, 0.0);
  CHECK(payloads(world.read(1)) == std::vector<std::int64_t>{2});
  world.scheduler.run_until(0, 0.25);
  CHECK(payloads(world.read(1)) == std::vector<std::int64_t>{1});
}

TEST_CASE("messages of equal delay arrive in the order in which they were sent") {
  World world;
  for (std::int64_t i = 0; i < 10; ++i) world.courier.send(0, world.channel, 0, 1, 0, i);
  world.scheduler.run_until(0, 1.0);
  CHECK(payloads(world.read(1)) == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
}

TEST_CASE("a message to nobody's agent arrives, and one to an agent that has left too") {
  World world;
  world.courier.send(0, world.channel, 0, 1, 0, 1);
  world.courier.send(0, world.channel, 0, 999, 0, 2);
  world.scheduler.unregister_agent(1);
  world.scheduler.run_until(0, 1.0);
  CHECK(payloads(world.read(1)) == std::vector<std::int64_t>{1});
  CHECK(payloads(world.read(999)) == std::vector<std::int64_t>{2});
}

TEST_CASE("lost messages stay with their sender and count") {
  World lost({.loss = 1.0});
  CHECK(lost.courier.send(0, lost.channel, 0, 1, 0, 1) == 0);
  CHECK(lost.courier.counters(0) == CourierCounters{.sent = 1, .lost = 1});
  World cut({.loss = 1.0, .outages = {{0.0, 1.0}}});
  CHECK(cut.courier.send(0, cut.channel, 0, 1, 0, 1) == 0);
  CHECK(cut.courier.counters(0) == CourierCounters{.sent = 1, .outage = 1});
  CHECK(cut.released.empty());
}

TEST_CASE("a duplicated message arrives twice") {
  World world({.duplication = 1.0});
  CHECK(world.courier.send(0, world.channel, 0, 1, 0, 5) == 2);
  world.scheduler.run_until(0, 1.0);
  CHECK(payloads(world.read(1)) == std::vector<std::int64_t>{5, 5});
  CHECK(world.courier.counters(0) == CourierCounters{.sent = 1, .delivered = 2, .duplicated = 1});
}

TEST_CASE("messages that are held back are overtaken") {
  World world({.reordering = 0.5, .reordering_delay_s = 10.0});
  for (std::int64_t i = 0; i < 100; ++i) world.courier.send(0, world.channel, 0, 1, 0, i);
  world.scheduler.run_until(0, 1.0);
  const std::vector<std::int64_t> first = payloads(world.read(1));
  CHECK(std::ranges::is_sorted(first));
  const std::uint64_t n_held = world.courier.counters(0).held_back;
  CHECK(n_held > 30);
  CHECK(first.size() == 100 - n_held);
  world.scheduler.run_until(0, 11.0);
  const std::vector<std::int64_t> second = payloads(world.read(1));
  CHECK(second.size() == n_held);
  CHECK_FALSE(std::ranges::is_sorted(second));
  world.check_sum();
}

TEST_CASE("faults do not change the delays of the messages that arrive") {
  const TickConfig jittered = delayed(1.0, heron::Jitter::uniform);
  const auto arrivals = [&](MessageFaults faults) {
    World world(std::move(faults));
    const std::int32_t sender = world.scheduler.register_agent(jittered, 1e9);
    std::vector<double> arrival_s(100, 0.0);
    world.scheduler.set_handler(
        heron::EventType::message_delivery, [&](TickScheduler&, const TickEvent& event) {
          world.courier.deliver(event);
          const auto message = world.read(1).at(0);
          arrival_s[static_cast<std::size_t>(message.payload)] = event.time_s;
        });
    for (std::int64_t i = 0; i < 100; ++i) world.courier.send(0, world.channel, sender, 1, 0, i);
    world.scheduler.run_until(0, 10.0);
    return arrival_s;
  };
  const std::vector<double> clean = arrivals({});
  const std::vector<double> lossy = arrivals({.loss = 0.5});
  CHECK(std::ranges::count(clean, 0.0) == 0);
  CHECK(std::ranges::count(lossy, 0.0) > 20);
  for (std::size_t i = 0; i < 100; ++i) CHECK((lossy[i] == 0.0 || lossy[i] == clean[i]));
}

TEST_CASE("lane k of a batch equals a courier of one lane with the same key") {
  const MessageFaults faults{
      .loss = 0.2, .duplication = 0.2, .reordering = 0.5, .reordering_delay_s = 3.0};
  World batch(faults, 3, 42);
  World single(faults, 1, 0);
  single.courier.seed_lane(0, 42, 2);
  for (std::int64_t i = 0; i < 200; ++i) {
    batch.courier.send(2, batch.channel, 1, 0, 0, i);
    batch.courier.send(1, batch.channel, 1, 0, 0, i);
    single.courier.send(0, single.channel, 1, 0, 0, i);
  }
  batch.scheduler.run_all_until(10.0, 3);
  single.scheduler.run_until(0, 10.0);
  CHECK(batch.courier.counters(2) == single.courier.counters(0));
  CHECK(payloads(batch.read(0, 2)) == payloads(single.read(0)));
  CHECK(payloads(batch.read(0, 1)) != payloads(batch.read(0, 0)));
}

TEST_CASE("clearing a lane drops what is in flight there and numbers its messages anew") {
  const MessageFaults faults{.loss = 0.5};
  World world(faults, 2, 9);
  const auto send_50 = [&] {
    std::vector<int> n_copy;
    for (int i = 0; i < 50; ++i) {
      n_copy.push_back(world.courier.send(0, world.channel, 0, 1, 0, 5));
    }
    return n_copy;
  };
  const std::vector<int> first = send_50();
  world.courier.send(1, world.channel, 0, 1, 0, 8);
  const std::size_t n_in_flight = world.courier.n_in_flight(0);
  world.scheduler.clear(0);
  world.courier.clear(0);
  CHECK(world.released == std::vector<std::int64_t>(n_in_flight, 5));
  CHECK(world.courier.counters(0).cancelled == n_in_flight);
  CHECK(world.courier.n_in_flight(0) == 0);
  CHECK(send_50() == first);
  world.check_sum(0);
  world.check_sum(1);
}

TEST_CASE("an event that outlived its message delivers nothing") {
  World world;
  world.courier.send(0, world.channel, 0, 1, 0, 1);
  const TickEvent old = *world.scheduler.peek(0);
  world.courier.clear(0);
  CHECK_FALSE(world.courier.deliver(old));
  world.courier.send(0, world.channel, 0, 1, 0, 2);  // in the same place
  CHECK_FALSE(world.courier.deliver(old));
  world.scheduler.run_until(0, 1.0);
  CHECK(payloads(world.read(1)) == std::vector<std::int64_t>{2});
  CHECK_FALSE(world.courier.deliver({.payload = -1}));
}

TEST_CASE("a full queue that rejects is counted, and the payload released") {
  World world;
  world.broker.configure_channel(world.channel, 1, QueuePolicy::reject);
  world.courier.send(0, world.channel, 0, 1, 0, 1);
  world.courier.send(0, world.channel, 0, 1, 0, 2);
  CHECK_NOTHROW(world.scheduler.run_until(0, 1.0));
  CHECK(world.released == std::vector<std::int64_t>{2});
  CHECK(world.courier.counters(0) == CourierCounters{.sent = 2, .delivered = 1, .rejected = 1});
  world.check_sum();
}

TEST_CASE("what is in flight when the courier goes is released") {
  World world;
  {
    MessageCourier short_lived(world.scheduler, world.broker);
    short_lived.send(0, world.channel, 0, 1, 0, 3);
  }
  CHECK(world.released == std::vector<std::int64_t>{3});
}

TEST_CASE("a message that cannot be sent is refused, and no fate is used up") {
  World world({.loss = 0.5});
  World twin({.loss = 0.5});
  CHECK_THROWS_AS(world.courier.send(1, world.channel, 0, 1, 0, 1), heron::InvalidArgument);
  CHECK_THROWS_AS(world.courier.send(0, 7, 0, 1, 0, 1), heron::InvalidArgument);
  CHECK_THROWS_WITH_AS(world.courier.send(0, world.channel, -1, 1, 0, 1),
                       "sender is -1, expected at least 0", heron::InvalidArgument);
  CHECK_THROWS_AS(world.courier.send(0, world.channel, 2, 1, 0, 1), heron::InvalidArgument);
  for (const double delay_s :
       {-1.0, kInfinity, -kInfinity, std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(world.courier.send(0, world.channel, 0, 1, 0, 1, delay_s),
                    heron::InvalidArgument);
  }
  CHECK(world.courier.counters(0) == CourierCounters{});
  for (int i = 0; i < 50; ++i) {
    CHECK(world.courier.send(0, world.channel, 0, 1, 0, 1) ==
          twin.courier.send(0, twin.channel, 0, 1, 0, 1));
  }
  CHECK_THROWS_AS(MessageCourier(world.scheduler, world.broker, {.loss = 2.0}),
                  heron::InvalidArgument);
}

TEST_CASE("a message of which one copy would never arrive is not sent at all") {
  constexpr double kLatest = std::numeric_limits<double>::max();
  World world({.duplication = 1.0, .reordering = 0.5, .reordering_delay_s = kLatest});
  int n_sent = 0;
  for (std::int32_t sender = 0; sender < 40; ++sender) {
    try {
      n_sent += world.courier.send(0, world.channel, sender, 1, 0, 1, kLatest);
    } catch (const heron::InvalidArgument&) {
    }
  }
  CHECK(n_sent > 0);
  CHECK(n_sent < 80);
  CHECK(world.courier.n_in_flight(0) == static_cast<std::size_t>(n_sent));
  CHECK(world.courier.counters(0).sent == static_cast<std::uint64_t>(n_sent) / 2);
  world.check_sum();
}

TEST_CASE("what is sent while a lane is cleared stays in flight") {
  TickScheduler scheduler;
  MessageCourier* sender = nullptr;
  MessageBroker broker(10, QueuePolicy::drop_oldest, [&](std::int64_t payload) {
    if (payload != 1) return;
    for (int i = 0; i < 2; ++i) sender->send(0, 0, 0, 1, 0, 2, 1.0);
  });
  broker.intern_channel("a");
  MessageCourier courier(scheduler, broker);
  sender = &courier;
  courier.send(0, 0, 0, 1, 0, 1, 1.0);
  courier.clear(0);
  CHECK(courier.n_in_flight(0) == 2);
  CHECK(courier.counters(0) == CourierCounters{.sent = 3, .cancelled = 1});
}

TEST_CASE("sending and delivering again and again allocates nothing") {
  World world({.duplication = 0.3, .reordering = 0.3, .reordering_delay_s = 2.0});
  std::vector<Message> messages;
  double end_s = 0.0;
  const auto live = [&] {
    for (int step = 0; step < 200; ++step) {
      for (std::int32_t sender = 0; sender < 2; ++sender) {
        world.courier.send(0, world.channel, sender, 1 - sender, 0, 1);
      }
      end_s += 0.5;
      world.scheduler.run_until(0, end_s);
      messages.clear();
      world.broker.consume(world.channel, 0, 0, messages);
      world.broker.consume(world.channel, 1, 0, messages);
    }
  };
  world.scheduler.run_until(0, 0.0);
  for (int i = 0; i < 100; ++i) world.courier.send(0, world.channel, 0, 1, 0, 1);
  live();
  const std::uint64_t before = heron_tests::n_allocation();
  live();
  CHECK(heron_tests::n_allocation() == before);
  world.check_sum();
}
