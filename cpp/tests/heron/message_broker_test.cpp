#include "heron/message_broker.hpp"

#include <doctest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "allocations.hpp"
#include "heron/error.hpp"

namespace {

using heron::BrokerCounters;
using heron::Message;
using heron::MessageBroker;
using heron::QueuePolicy;

Message message(std::int32_t channel, std::int32_t env, std::int32_t recipient,
                std::int64_t payload, std::int32_t sender = 0) {
  return {channel, env, sender, recipient, 0, 0.0, payload};
}

std::vector<std::int64_t> payloads(MessageBroker& broker, std::int32_t channel,
                                   std::int32_t recipient, std::int32_t env, bool clear = true) {
  std::vector<Message> messages;
  broker.consume(channel, recipient, env, messages, clear);
  std::vector<std::int64_t> found;
  for (const Message& each : messages) found.push_back(each.payload);
  return found;
}

using Payloads = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("a channel's name gets one number, in order of first use") {
  MessageBroker broker;
  CHECK(broker.intern_channel("a") == 0);
  CHECK(broker.intern_channel("b") == 1);
  CHECK(broker.intern_channel("a") == 0);
  CHECK(broker.find_channel("b") == 1);
  CHECK_FALSE(broker.find_channel("c").has_value());
  CHECK(broker.channel_name(1) == "b");
  CHECK(broker.n_channel() == 2);
  CHECK_THROWS_WITH_AS(
      static_cast<void>(broker.channel_name(2)),
      "channel 2 is unknown: there are 2; intern_channel(name) gives the number of a new one",
      heron::InvalidArgument);
}

TEST_CASE("a queue gives what was published, whole and in order") {
  MessageBroker broker;
  const std::int32_t channel = broker.intern_channel("a");
  const Message first{channel, 1, 2, 3, 4, 5.5, 6};
  const Message second{channel, 1, 9, 3, 0, 1.0, -7};
  CHECK(broker.publish(first));
  CHECK(broker.publish(second));
  std::vector<Message> messages;
  CHECK(broker.consume(channel, 3, 1, messages) == 2);
  CHECK(messages == std::vector<Message>{first, second});
  CHECK(broker.consume(channel, 3, 1, messages) == 0);
}

TEST_CASE("channel, recipient and environment each make a queue of their own") {
  MessageBroker broker;
  const std::int32_t a = broker.intern_channel("a");
  const std::int32_t b = broker.intern_channel("b");
  broker.publish(message(a, 0, 0, 1));
  broker.publish(message(b, 0, 0, 2));
  broker.publish(message(a, 1, 0, 3));
  broker.publish(message(a, 0, 1, 4));
  CHECK(payloads(broker, a, 0, 0) == Payloads{1});
  CHECK(payloads(broker, b, 0, 0) == Payloads{2});
  CHECK(payloads(broker, a, 0, 1) == Payloads{3});
  CHECK(payloads(broker, a, 1, 0) == Payloads{4});
}

TEST_CASE("reading without clearing leaves the messages, and a limit leaves the later ones") {
  MessageBroker broker;
  const std::int32_t channel = broker.intern_channel("a");
  for (std::int64_t i = 0; i < 5; ++i) broker.publish(message(channel, 0, 0, i));
  CHECK(payloads(broker, channel, 0, 0, false) == Payloads{0, 1, 2, 3, 4});
  CHECK(broker.n_unread(channel, 0, 0) == 5);
  std::vector<Message> messages;
  CHECK(broker.consume(channel, 0, 0, messages, true, 2) == 2);
  CHECK(payloads(broker, channel, 0, 0) == Payloads{2, 3, 4});
}

TEST_CASE("an unknown channel has no messages and takes none") {
  MessageBroker broker;
  CHECK(payloads(broker, 0, 0, 0).empty());
  CHECK(broker.n_unread(-1, 0, 0) == 0);
  CHECK_THROWS_AS(broker.publish(message(0, 0, 0, 1)), heron::InvalidArgument);
  CHECK_THROWS_AS(broker.publish(message(-1, 0, 0, 1)), heron::InvalidArgument);
  CHECK(broker.counters() == BrokerCounters{});
}

TEST_CASE("drop_oldest keeps the newest messages") {
  Payloads released;
  MessageBroker broker(2, QueuePolicy::drop_oldest,
                       [&](std::int64_t payload) { released.push_back(payload); });
  const std::int32_t channel = broker.intern_channel("a");
  for (std::int64_t i = 0; i < 5; ++i) CHECK(broker.publish(message(channel, 0, 0, i)));
  CHECK(released == Payloads{0, 1, 2});
  CHECK(payloads(broker, channel, 0, 0) == Payloads{3, 4});
  CHECK(broker.counters() == BrokerCounters{.published = 5, .consumed = 2, .dropped_oldest = 3});
}

TEST_CASE("drop_newest keeps the oldest messages") {
  Payloads released;
  MessageBroker broker(2, QueuePolicy::drop_newest,
                       [&](std::int64_t payload) { released.push_back(payload); });
  const std::int32_t channel = broker.intern_channel("a");
  CHECK(broker.publish(message(channel, 0, 0, 0)));
  CHECK(broker.publish(message(channel, 0, 0, 1)));
  CHECK_FALSE(broker.publish(message(channel, 0, 0, 2)));
  CHECK(released == Payloads{2});
  CHECK(payloads(broker, channel, 0, 0) == Payloads{0, 1});
  CHECK(broker.counters() == BrokerCounters{.published = 3, .consumed = 2, .dropped_newest = 1});
}

TEST_CASE("reject throws, says which queue is full, and leaves the payload to the publisher") {
  Payloads released;
  MessageBroker broker(1, QueuePolicy::reject,
                       [&](std::int64_t payload) { released.push_back(payload); });
  const std::int32_t channel = broker.intern_channel("a");
  broker.publish(message(channel, 7, 3, 1));
  CHECK_THROWS_WITH_AS(
      broker.publish(message(channel, 7, 3, 2)),
      "the queue of channel 'a' for recipient 3 in environment 7 is full and rejects more: "
      "consume it, or raise its capacity",
      heron::QueueFull);
  CHECK(broker.try_publish(message(channel, 7, 3, 2)) == heron::Publication::rejected);
  CHECK(broker.publish(message(channel, 7, 4, 3)));
  CHECK(released.empty());
  CHECK(broker.counters() == BrokerCounters{.published = 2, .rejected = 2});
}

TEST_CASE("one channel may have a bound and a policy of its own") {
  MessageBroker broker(1, QueuePolicy::reject);
  const std::int32_t a = broker.intern_channel("a");
  const std::int32_t b = broker.intern_channel("b");
  broker.configure_channel(a, 3, QueuePolicy::drop_oldest);
  for (std::int64_t i = 0; i < 4; ++i) broker.publish(message(a, 0, 0, i));
  CHECK(broker.n_unread(a, 0, 0) == 3);
  broker.configure_channel(a, 1, QueuePolicy::drop_oldest);
  CHECK(broker.n_unread(a, 0, 0) == 3);
  broker.publish(message(a, 0, 0, 4));
  CHECK(payloads(broker, a, 0, 0) == Payloads{2, 3, 4});
  broker.publish(message(b, 0, 0, 0));
  CHECK_THROWS_AS(broker.publish(message(b, 0, 0, 1)), heron::QueueFull);
}

TEST_CASE("a bound of zero and an unknown policy are refused") {
  CHECK_THROWS_WITH_AS(MessageBroker{0},
                       "capacity is 0, expected at least 1: a queue must hold a message",
                       heron::InvalidArgument);
  MessageBroker broker;
  const std::int32_t channel = broker.intern_channel("a");
  CHECK_THROWS_AS(broker.configure_channel(channel, 0, QueuePolicy::reject),
                  heron::InvalidArgument);
  CHECK_THROWS_AS(broker.configure_channel(1, 1, QueuePolicy::reject), heron::InvalidArgument);
  CHECK(heron::queue_policy("drop_newest") == QueuePolicy::drop_newest);
  CHECK_THROWS_WITH_AS(static_cast<void>(heron::queue_policy("block")),
                       "unknown queue policy 'block', expected drop_oldest, drop_newest or reject",
                       heron::InvalidArgument);
}

TEST_CASE("an environment clears its own messages and no others") {
  Payloads released;
  MessageBroker broker(8, QueuePolicy::drop_oldest,
                       [&](std::int64_t payload) { released.push_back(payload); });
  const std::int32_t a = broker.intern_channel("a");
  const std::int32_t b = broker.intern_channel("b");
  broker.publish(message(b, 5, 0, 1));
  broker.publish(message(a, 5, 0, 2));
  broker.publish(message(a, 5, 1, 3));
  broker.publish(message(a, 6, 0, 4));
  CHECK(broker.environment_channels(5) == std::vector<std::int32_t>{a, b});
  CHECK(broker.clear_environment(5) == 3);
  CHECK(broker.clear_environment(5) == 0);
  std::ranges::sort(released);
  CHECK(released == Payloads{1, 2, 3});
  CHECK(broker.environment_channels(5).empty());
  CHECK(broker.environment_channels(6) == std::vector<std::int32_t>{a});
  CHECK(broker.n_unread() == 1);
  CHECK(payloads(broker, a, 0, 6) == Payloads{4});
  CHECK(broker.counters() == BrokerCounters{.published = 4, .consumed = 1, .cleared = 3});
}

TEST_CASE("everything unread is listed queue by queue, oldest first") {
  MessageBroker broker;
  const std::int32_t a = broker.intern_channel("a");
  const std::int32_t b = broker.intern_channel("b");
  const std::vector<Message> expected{message(a, 1, 0, 4), message(a, 0, 1, 2), message(a, 0, 1, 1),
                                      message(b, 0, 0, 3)};
  for (const std::size_t i : {3U, 1U, 0U, 2U}) broker.publish(expected[i]);
  CHECK(broker.unread() == expected);
  CHECK(broker.n_unread() == 4);
}

TEST_CASE("many environments come and go") {
  MessageBroker broker;
  const std::int32_t channel = broker.intern_channel("a");
  for (std::int32_t round = 0; round < 5; ++round) {
    for (std::int32_t env = 0; env < 500; ++env) {
      for (std::int32_t agent = 0; agent < 3; ++agent) {
        broker.publish(message(channel, env, agent, 1000 * round + env));
      }
    }
    for (std::int32_t env = round % 2; env < 500; env += 2) {
      CHECK(broker.clear_environment(env) == 3);
    }
    for (std::int32_t env = 1 - round % 2; env < 500; env += 2) {
      CHECK(payloads(broker, channel, 2, env) == Payloads{1000 * round + env});
      CHECK(broker.clear_environment(env) == 2);
    }
  }
  CHECK(broker.n_unread() == 0);
}

TEST_CASE("what is unread when the broker goes is released") {
  Payloads released;
  {
    MessageBroker broker(4, QueuePolicy::drop_oldest,
                         [&](std::int64_t payload) { released.push_back(payload); });
    const std::int32_t channel = broker.intern_channel("a");
    broker.publish(message(channel, 0, 0, 1));
    broker.publish(message(channel, 0, 0, 2));
    CHECK(payloads(broker, channel, 0, 0) == Payloads{1, 2});
    broker.publish(message(channel, 0, 0, 3));
  }
  CHECK(released == Payloads{3});
}

TEST_CASE("a payload may publish when it is released") {
  MessageBroker* known = nullptr;
  std::int32_t graveyard = -1;
  MessageBroker broker(1, QueuePolicy::drop_oldest, [&](std::int64_t payload) {
    if (known != nullptr) known->publish(message(graveyard, 0, 0, payload));
  });
  graveyard = broker.intern_channel("graveyard");
  broker.configure_channel(graveyard, 10, QueuePolicy::reject);
  known = &broker;
  const std::int32_t channel = broker.intern_channel("a");
  for (std::int64_t i = 0; i < 4; ++i) broker.publish(message(channel, 0, 0, i));
  CHECK(payloads(broker, graveyard, 0, 0) == Payloads{0, 1, 2});
  known = nullptr;
}

TEST_CASE("queues that fill and empty again and again allocate nothing") {
  MessageBroker broker(8);
  const std::int32_t channel = broker.intern_channel("a");
  std::vector<Message> messages;
  std::size_t n_read = 0;
  const auto live_through_an_episode = [&] {
    for (std::int32_t env = 0; env < 20; ++env) {
      for (std::int64_t i = 0; i < 12; ++i) broker.publish(message(channel, env, 0, i));
      messages.clear();
      n_read += broker.consume(channel, 0, env, messages);
    }
    for (std::int32_t env = 0; env < 20; ++env) broker.clear_environment(env);
  };
  live_through_an_episode();
  const std::uint64_t before = heron_tests::n_allocation();
  for (int episode = 0; episode < 50; ++episode) live_through_an_episode();
  CHECK(heron_tests::n_allocation() == before);
  CHECK(n_read == 51 * 20 * 8);
}

TEST_CASE("threads keep each sender's order, and the counters close") {
  constexpr std::int32_t kSenders = 3;
  constexpr std::int32_t kReaders = 2;  // each reads one recipient's queue
  constexpr std::int64_t kMessages = 4000;
  std::atomic<std::uint64_t> n_released = 0;
  MessageBroker broker(64, QueuePolicy::drop_oldest, [&](std::int64_t) { ++n_released; });
  const std::int32_t channel = broker.intern_channel("shared");

  std::atomic<int> n_sending = kSenders;
  std::array<bool, kReaders> is_ordered{};
  std::vector<std::thread> threads;
  for (std::int32_t sender = 0; sender < kSenders; ++sender) {
    threads.emplace_back([&, sender] {
      const std::int32_t own = broker.intern_channel("of " + std::to_string(sender));
      for (std::int64_t i = 0; i < kMessages; ++i) {
        for (std::int32_t reader = 0; reader < kReaders; ++reader) {
          broker.publish(message(channel, 0, reader, i, sender));
        }
        broker.publish(message(own, sender + 1, 0, i, sender));
        if (i % 500 == 499) broker.clear_environment(sender + 1);
      }
      --n_sending;
    });
  }
  for (std::int32_t reader = 0; reader < kReaders; ++reader) {
    threads.emplace_back([&, reader] {
      std::array<std::int64_t, kSenders> last{};
      last.fill(-1);
      bool ordered = true;
      std::vector<Message> messages;
      for (bool is_last = false; !is_last;) {
        is_last = n_sending == 0;  // then the queue does not grow any more
        messages.clear();
        broker.consume(channel, reader, 0, messages);
        for (const Message& each : messages) {
          auto& previous = last[static_cast<std::size_t>(each.sender)];
          ordered = ordered && each.payload > previous;
          previous = each.payload;
        }
      }
      is_ordered[static_cast<std::size_t>(reader)] = ordered;
    });
  }
  for (std::thread& thread : threads) thread.join();

  CHECK(is_ordered == std::array<bool, kReaders>{true, true});
  CHECK(broker.n_unread() == 0);
  const BrokerCounters counters = broker.counters();
  CHECK(counters.published == kSenders * kMessages * (kReaders + 1));
  CHECK(counters.published == counters.consumed + counters.dropped_oldest + counters.cleared);
  CHECK(n_released == counters.dropped_oldest + counters.cleared);
}
