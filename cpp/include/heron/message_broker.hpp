#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace heron {

// What happens to a message for which its queue has no room.
enum class QueuePolicy : std::uint8_t {
  drop_oldest,  // the oldest unread message makes room
  drop_newest,  // the new message is dropped
  reject,       // publish throws QueueFull
};

// By the names drop_oldest, drop_newest and reject; throws InvalidArgument that lists them.
[[nodiscard]] QueuePolicy queue_policy(std::string_view name);

// What became of a message that was offered to its queue.
enum class Publication : std::uint8_t { kept, dropped, rejected };

// One message. Channels, environments and agents are the numbers that interning their names gives,
// or any other numbers the caller uses; the payload is a handle that is never read here.
struct Message {
  std::int32_t channel = 0;
  std::int32_t env = 0;
  std::int32_t sender = 0;
  std::int32_t recipient = 0;
  std::int32_t type = 0;
  double time_s = 0.0;  // when it was sent
  std::int64_t payload = 0;

  friend bool operator==(const Message&, const Message&) = default;
};

// What became of all messages so far:
// published = consumed + dropped_oldest + dropped_newest + cleared + still unread.
struct BrokerCounters {
  std::uint64_t published = 0;  // accepted or dropped, not rejected
  std::uint64_t consumed = 0;
  std::uint64_t dropped_oldest = 0;
  std::uint64_t dropped_newest = 0;
  std::uint64_t rejected = 0;
  std::uint64_t cleared = 0;  // unread when their environment was cleared

  friend bool operator==(const BrokerCounters&, const BrokerCounters&) = default;
};

// Bounded queues of unread messages, one for each (channel, recipient, environment), each first in,
// first out. All members may be called from several threads at once.
//
// A queue keeps its memory until its environment is cleared, and the broker reuses it then: where
// the same queues fill and empty again and again, publish and consume allocate nothing.
class MessageBroker {
 public:
  // Called with the payload of every message that leaves unread: dropped, cleared with its
  // environment or left when the broker goes. No lock is held meanwhile, and the call must not
  // throw. A consumed payload is the consumer's, a rejected one stays the publisher's.
  using Release = std::function<void(std::int64_t payload)>;

  // Throws InvalidArgument for a capacity of zero.
  explicit MessageBroker(std::size_t capacity = 1024, QueuePolicy policy = QueuePolicy::drop_oldest,
                         Release release = {});
  ~MessageBroker();
  MessageBroker(const MessageBroker&) = delete;
  MessageBroker& operator=(const MessageBroker&) = delete;

  // The number of a channel's name, given at first use: 0, 1, 2, ...
  std::int32_t intern_channel(std::string_view name);
  [[nodiscard]] std::optional<std::int32_t> find_channel(std::string_view name) const;
  [[nodiscard]] std::string channel_name(std::int32_t channel) const;  // throws if unknown
  [[nodiscard]] std::int32_t n_channel() const noexcept;
  void check_channel(std::int32_t channel) const;  // throws InvalidArgument if unknown
  // Bound and policy of one channel's queues, in place of the constructor's. Unread messages stay,
  // even beyond a smaller bound: under drop_oldest one leaves for each that comes.
  void configure_channel(std::int32_t channel, std::size_t capacity, QueuePolicy policy);

  // Put a message at the end of its queue. False if it was dropped; throws QueueFull under reject,
  // and InvalidArgument for a channel that was not interned.
  bool publish(const Message& message);
  // The same, but tells of a rejection in place of throwing.
  Publication try_publish(const Message& message);

  // Append the unread messages of a queue to `messages`, oldest first, at most max_messages, and
  // take them out if `clear`. An unknown channel has none. Returns how many.
  std::size_t consume(std::int32_t channel, std::int32_t recipient, std::int32_t env,
                      std::vector<Message>& messages, bool clear = true,
                      std::size_t max_messages = static_cast<std::size_t>(-1));
  [[nodiscard]] std::size_t n_unread(std::int32_t channel, std::int32_t recipient,
                                     std::int32_t env) const;
  [[nodiscard]] std::size_t n_unread() const;
  // Everything unread, ordered by channel, recipient, environment and age.
  [[nodiscard]] std::vector<Message> unread() const;

  // Drop everything unread of one environment, and nothing else. Returns how many.
  std::size_t clear_environment(std::int32_t env);
  // Channels on which the environment has published since it was last cleared, ascending.
  [[nodiscard]] std::vector<std::int32_t> environment_channels(std::int32_t env) const;

  [[nodiscard]] BrokerCounters counters() const;

  // Hand over a payload that was bound for this broker and will never be published.
  void release(std::int64_t payload) const;

 private:
  struct Channel {
    std::string name;
    std::size_t capacity;
    QueuePolicy policy;
  };
  class Queues;  // unread messages by queue and by environment

  const std::size_t capacity_;  // of channels that are not configured
  const QueuePolicy policy_;
  const Release release_;
  mutable std::mutex mutex_;  // guards what follows
  std::vector<Channel> channels_;
  std::map<std::string, std::int32_t, std::less<>> channel_of_name_;
  std::atomic<std::int32_t> n_channel_ = 0;  // written under the lock, read without
  std::unique_ptr<Queues> queues_;
  BrokerCounters counters_;
};

}  // namespace heron
