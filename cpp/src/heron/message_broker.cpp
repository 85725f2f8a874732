#include "heron/message_broker.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "heron/error.hpp"
#include "index_map.hpp"

namespace heron {
namespace {

constexpr std::array<std::pair<std::string_view, QueuePolicy>, 3> kPolicies{
    {{"drop_oldest", QueuePolicy::drop_oldest},
     {"drop_newest", QueuePolicy::drop_newest},
     {"reject", QueuePolicy::reject}}};

void check_capacity(std::size_t capacity) {
  if (capacity == 0) {
    throw InvalidArgument("capacity is 0, expected at least 1: a queue must hold a message");
  }
}

// First in, first out, in one block of memory that grows by doubling and never shrinks.
class Ring {
 public:
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] const Message& operator[](std::size_t i) const noexcept {
    return messages_[(first_ + i) & (messages_.size() - 1)];
  }

  void push_back(const Message& message) {
    if (size_ == messages_.size()) grow();
    messages_[(first_ + size_) & (messages_.size() - 1)] = message;
    ++size_;
  }

  void pop_front(std::size_t n_message) noexcept {
    if (n_message == 0) return;
    first_ = (first_ + n_message) & (messages_.size() - 1);
    size_ -= n_message;
  }

 private:
  void grow() {
    std::vector<Message> larger(std::max<std::size_t>(4, 2 * messages_.size()));
    for (std::size_t i = 0; i < size_; ++i) larger[i] = (*this)[i];
    messages_.swap(larger);
    first_ = 0;
  }

  std::vector<Message> messages_;  // none, or a power of two
  std::size_t first_ = 0;
  std::size_t size_ = 0;
};

struct Queue {
  IndexMap::Key key{};                   // channel, recipient, environment
  std::uint32_t next = IndexMap::kNone;  // next queue of the environment, or next free one
  Ring unread;
};

}  // namespace

// The queues of an environment are a linked list, so that clearing one takes no look at others. A
// closed queue keeps its ring for the next one that is opened.
class MessageBroker::Queues {
 public:
  [[nodiscard]] Queue* find(const IndexMap::Key& key) noexcept {
    const std::uint32_t index = index_of_queue_.find(key);
    return index == IndexMap::kNone ? nullptr : &queues_[index];
  }

  // The queue of a key, made if there is none.
  Queue& open(const IndexMap::Key& key) {
    if (Queue* known = find(key)) return *known;
    if (first_free_ == IndexMap::kNone) {
      queues_.emplace_back();
      first_free_ = static_cast<std::uint32_t>(queues_.size() - 1);
    }
    const std::uint32_t index = first_free_;
    const std::uint32_t first_of_env = first_of(key[2]);
    index_of_queue_.put(key, index);
    try {
      first_of_env_.put({key[2], 0, 0}, index);
    } catch (...) {
      index_of_queue_.erase(key);
      throw;
    }
    Queue& queue = queues_[index];
    first_free_ = queue.next;
    queue.key = key;
    queue.next = first_of_env;
    return queue;
  }

  // Apply a function to each queue of an environment.
  template <class Function>
  void for_each(std::int32_t env, const Function& function) const {
    for (std::uint32_t i = first_of(env); i != IndexMap::kNone; i = queues_[i].next) {
      function(queues_[i]);
    }
  }

  void close(std::int32_t env) noexcept {
    for (std::uint32_t i = first_of(env); i != IndexMap::kNone;) {
      Queue& queue = queues_[i];
      index_of_queue_.erase(queue.key);
      queue.unread.pop_front(queue.unread.size());
      i = std::exchange(queue.next, std::exchange(first_free_, i));
    }
    first_of_env_.erase({env, 0, 0});
  }

  [[nodiscard]] const std::vector<Queue>& all() const noexcept { return queues_; }

 private:
  [[nodiscard]] std::uint32_t first_of(std::int32_t env) const noexcept {
    return first_of_env_.find({env, 0, 0});
  }

  std::vector<Queue> queues_;  // in use and free
  std::uint32_t first_free_ = IndexMap::kNone;
  IndexMap index_of_queue_;
  IndexMap first_of_env_;  // environment to its newest queue
};

QueuePolicy queue_policy(std::string_view name) {
  for (const auto& [known, policy] : kPolicies) {
    if (known == name) return policy;
  }
  throw InvalidArgument("unknown queue policy '" + std::string(name) +
                        "', expected drop_oldest, drop_newest or reject");
}

MessageBroker::MessageBroker(std::size_t capacity, QueuePolicy policy, Release release)
    : capacity_(capacity),
      policy_(policy),
      release_(std::move(release)),
      queues_(std::make_unique<Queues>()) {
  check_capacity(capacity);
}

MessageBroker::~MessageBroker() {
  for (const Queue& queue : queues_->all()) {
    for (std::size_t i = 0; i < queue.unread.size(); ++i) release(queue.unread[i].payload);
  }
}

std::int32_t MessageBroker::intern_channel(std::string_view name) {
  const std::lock_guard lock(mutex_);
  if (const auto known = channel_of_name_.find(name); known != channel_of_name_.end()) {
    return known->second;
  }
  const std::int32_t channel = n_channel_.load(std::memory_order_relaxed);
  channels_.push_back(Channel{std::string(name), capacity_, policy_});
  try {
    channel_of_name_.emplace(name, channel);
  } catch (...) {
    channels_.pop_back();
    throw;
  }
  n_channel_.store(channel + 1, std::memory_order_release);
  return channel;
}

std::optional<std::int32_t> MessageBroker::find_channel(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  const auto known = channel_of_name_.find(name);
  if (known == channel_of_name_.end()) return std::nullopt;
  return known->second;
}

std::string MessageBroker::channel_name(std::int32_t channel) const {
  check_channel(channel);
  const std::lock_guard lock(mutex_);
  return channels_[static_cast<std::size_t>(channel)].name;
}

std::int32_t MessageBroker::n_channel() const noexcept {
  return n_channel_.load(std::memory_order_acquire);
}

void MessageBroker::configure_channel(std::int32_t channel, std::size_t capacity,
                                      QueuePolicy policy) {
  check_channel(channel);
  check_capacity(capacity);
  const std::lock_guard lock(mutex_);
  Channel& configured = channels_[static_cast<std::size_t>(channel)];
  configured.capacity = capacity;
  configured.policy = policy;
}

bool MessageBroker::publish(const Message& message) {
  const Publication outcome = try_publish(message);
  if (outcome == Publication::rejected) {
    throw QueueFull("the queue of channel '" + channel_name(message.channel) + "' for recipient " +
                    std::to_string(message.recipient) + " in environment " +
                    std::to_string(message.env) +
                    " is full and rejects more: consume it, or raise its capacity");
  }
  return outcome == Publication::kept;
}

Publication MessageBroker::try_publish(const Message& message) {
  check_channel(message.channel);
  std::int64_t dropped = message.payload;
  auto outcome = Publication::dropped;
  {
    const std::lock_guard lock(mutex_);
    const Channel& channel = channels_[static_cast<std::size_t>(message.channel)];
    Ring& unread = queues_->open({message.channel, message.recipient, message.env}).unread;
    if (unread.size() < channel.capacity) {
      unread.push_back(message);
      ++counters_.published;
      return Publication::kept;
    }
    if (channel.policy == QueuePolicy::reject) {
      ++counters_.rejected;
      return Publication::rejected;
    }
    ++counters_.published;
    if (channel.policy == QueuePolicy::drop_oldest) {
      dropped = unread[0].payload;
      unread.pop_front(1);
      unread.push_back(message);  // into the place that became free
      ++counters_.dropped_oldest;
      outcome = Publication::kept;
    } else {
      ++counters_.dropped_newest;
    }
  }
  release(dropped);
  return outcome;
}

std::size_t MessageBroker::consume(std::int32_t channel, std::int32_t recipient, std::int32_t env,
                                   std::vector<Message>& messages, bool clear,
                                   std::size_t max_messages) {
  const std::lock_guard lock(mutex_);
  Queue* queue = queues_->find({channel, recipient, env});
  if (queue == nullptr) return 0;
  const std::size_t n_message = std::min(queue->unread.size(), max_messages);
  for (std::size_t i = 0; i < n_message; ++i) messages.push_back(queue->unread[i]);
  if (clear) {
    queue->unread.pop_front(n_message);
    counters_.consumed += n_message;
  }
  return n_message;
}

std::size_t MessageBroker::n_unread(std::int32_t channel, std::int32_t recipient,
                                    std::int32_t env) const {
  const std::lock_guard lock(mutex_);
  const Queue* queue = queues_->find({channel, recipient, env});
  return queue == nullptr ? 0 : queue->unread.size();
}

std::size_t MessageBroker::n_unread() const {
  const std::lock_guard lock(mutex_);
  std::size_t n_message = 0;
  for (const Queue& queue : queues_->all()) n_message += queue.unread.size();
  return n_message;
}

std::vector<Message> MessageBroker::unread() const {
  std::vector<Message> messages;
  {
    const std::lock_guard lock(mutex_);
    for (const Queue& queue : queues_->all()) {
      for (std::size_t i = 0; i < queue.unread.size(); ++i) messages.push_back(queue.unread[i]);
    }
  }
  std::ranges::stable_sort(messages, {}, [](const Message& message) {
    return IndexMap::Key{message.channel, message.recipient, message.env};
  });
  return messages;
}

std::size_t MessageBroker::clear_environment(std::int32_t env) {
  std::vector<std::int64_t> payloads;
  {
    const std::lock_guard lock(mutex_);
    queues_->for_each(env, [&payloads](const Queue& queue) {
      for (std::size_t i = 0; i < queue.unread.size(); ++i) {
        payloads.push_back(queue.unread[i].payload);
      }
    });
    queues_->close(env);
    counters_.cleared += payloads.size();
  }
  for (const std::int64_t payload : payloads) release(payload);
  return payloads.size();
}

std::vector<std::int32_t> MessageBroker::environment_channels(std::int32_t env) const {
  std::vector<std::int32_t> channels;
  {
    const std::lock_guard lock(mutex_);
    queues_->for_each(env, [&channels](const Queue& queue) { channels.push_back(queue.key[0]); });
  }
  std::ranges::sort(channels);
  const auto repeated = std::ranges::unique(channels);
  channels.erase(repeated.begin(), repeated.end());
  return channels;
}

BrokerCounters MessageBroker::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void MessageBroker::release(std::int64_t payload) const {
  if (release_) release_(payload);
}

void MessageBroker::check_channel(std::int32_t channel) const {
  if (channel >= 0 && channel < n_channel()) return;
  throw InvalidArgument("channel " + std::to_string(channel) + " is unknown: there are " +
                        std::to_string(n_channel()) +
                        "; intern_channel(name) gives the number of a new one");
}

}  // namespace heron
