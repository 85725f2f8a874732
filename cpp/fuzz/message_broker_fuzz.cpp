// Reads its input as a program, runs it on heron::MessageBroker and on a std::map of deques, and
// stops at the first difference.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "byte_reader.hpp"
#include "heron/error.hpp"
#include "heron/message_broker.hpp"

namespace {

using fuzz::require;
using heron::BrokerCounters;
using heron::Message;
using heron::MessageBroker;
using heron::Publication;
using heron::QueuePolicy;

class Program {
 public:
  explicit Program(std::span<const std::uint8_t> input)
      : input_(input),
        bound_{1 + input_.below(5), policy()},
        broker_(bound_.capacity, bound_.policy,
                [this](std::int64_t payload) { released_.insert(payload); }) {}

  void run() {
    while (!input_.is_at_end()) {
      step();
      require(broker_.counters() == counters_, "the counters are equal");
      require(broker_.n_unread() == n_unread(), "as many are unread");
      require(released_.size() == gone_.size(), "as many payloads are released as left unread");
    }
    require(broker_.unread() == unread(), "the same messages are unread at the end");
    require(released_ == gone_, "the released payloads are those that left unread");
    require(counters_.published == counters_.consumed + counters_.dropped_oldest +
                                       counters_.dropped_newest + counters_.cleared + n_unread(),
            "every message is accounted for");
  }

 private:
  using Key = std::tuple<std::int32_t, std::int32_t, std::int32_t>;  // channel, recipient, env
  struct Bound {
    std::size_t capacity;
    QueuePolicy policy;
  };

  void step() {
    switch (input_.below(16)) {
      case 0:
        return intern();
      case 1:
        return configure();
      case 2:
        return clear();
      case 3:
      case 4:
      case 5:
        return consume();
      case 6:
        return look();
      default:
        return publish();
    }
  }

  QueuePolicy policy() { return static_cast<QueuePolicy>(input_.below(3)); }
  // One more than there are, so that unknown ones come up too.
  std::int32_t channel() { return static_cast<std::int32_t>(input_.below(bounds_.size() + 1)); }
  std::int32_t recipient() { return static_cast<std::int32_t>(input_.below(3)) - 1; }
  // Many, since environments that come and go move the entries of the hash map.
  std::int32_t env() { return static_cast<std::int32_t>(input_.below(64)); }

  void intern() {
    const std::size_t choice = input_.below(5);
    const std::string name = "channel " + std::to_string(choice);
    const auto expected = std::ranges::find(names_, name) - names_.begin();
    require(broker_.find_channel(name).has_value() == (expected < std::ssize(names_)),
            "both know the same channels");
    if (expected == std::ssize(names_)) {
      names_.push_back(name);
      bounds_.push_back(bound_);
    }
    require(broker_.intern_channel(name) == expected, "the channels' numbers are equal");
    require(broker_.channel_name(static_cast<std::int32_t>(expected)) == name,
            "the channels' names are equal");
  }

  void configure() {
    const std::int32_t channel = this->channel();
    const Bound bound{input_.below(6), policy()};
    const bool is_wrong = !is_known(channel) || bound.capacity == 0;
    require(is_refused([&] { broker_.configure_channel(channel, bound.capacity, bound.policy); }) ==
                is_wrong,
            "a wrong bound or channel is refused");
    if (!is_wrong) bounds_[static_cast<std::size_t>(channel)] = bound;
  }

  void publish() {
    const Message message{channel(), env(), 1, recipient(), 2, 3.0, next_payload_++};
    if (!is_known(message.channel)) {
      require(is_refused([&] { broker_.publish(message); }), "an unknown channel is refused");
      return;
    }
    const Bound& bound = bounds_[static_cast<std::size_t>(message.channel)];
    std::deque<Message>& queue = queues_[{message.channel, message.recipient, message.env}];
    const bool is_full = queue.size() >= bound.capacity;
    auto expected = Publication::kept;
    if (is_full && bound.policy == QueuePolicy::reject) {
      expected = Publication::rejected;
      ++counters_.rejected;
    } else if (is_full && bound.policy == QueuePolicy::drop_newest) {
      expected = Publication::dropped;
      ++counters_.dropped_newest;
      gone_.insert(message.payload);
    } else {
      if (is_full) {
        ++counters_.dropped_oldest;
        gone_.insert(queue.front().payload);
        queue.pop_front();
      }
      queue.push_back(message);
    }
    counters_.published += expected != Publication::rejected;
    require(broker_.try_publish(message) == expected, "the fates of a message are equal");
  }

  void consume() {
    const Key key{channel(), recipient(), env()};
    const auto& [channel, recipient, env] = key;
    const bool clear = input_.below(4) != 0;
    const std::size_t most = input_.below(2) == 0 ? static_cast<std::size_t>(-1) : input_.below(4);
    std::vector<Message> expected;
    if (const auto found = queues_.find(key); found != queues_.end()) {
      std::deque<Message>& queue = found->second;
      const auto end = queue.begin() + static_cast<std::ptrdiff_t>(std::min(most, queue.size()));
      expected.assign(queue.begin(), end);
      if (clear) {
        queue.erase(queue.begin(), end);
        counters_.consumed += expected.size();
      }
    }
    std::vector<Message> messages;
    require(broker_.consume(channel, recipient, env, messages, clear, most) == expected.size(),
            "as many are consumed");
    require(messages == expected, "the same messages are consumed");
  }

  void clear() {
    const std::int32_t env = this->env();
    std::size_t n_cleared = 0;
    for (auto it = queues_.begin(); it != queues_.end();) {
      if (std::get<2>(it->first) != env) {
        ++it;
        continue;
      }
      n_cleared += it->second.size();
      for (const Message& message : it->second) gone_.insert(message.payload);
      it = queues_.erase(it);
    }
    counters_.cleared += n_cleared;
    require(broker_.clear_environment(env) == n_cleared, "as many are cleared");
    require(broker_.environment_channels(env).empty(), "a cleared environment has no channels");
  }

  void look() {
    const std::int32_t env = this->env();
    std::set<std::int32_t> channels;
    for (const auto& [key, queue] : queues_) {
      const auto& [channel, recipient, owner] = key;
      if (owner != env) continue;
      channels.insert(channel);
      require(broker_.n_unread(channel, recipient, env) == queue.size(), "as many wait");
    }
    require(broker_.environment_channels(env) == std::vector(channels.begin(), channels.end()),
            "an environment's channels are equal");
  }

  template <typename Call>
  static bool is_refused(Call call) {
    try {
      call();
    } catch (const heron::InvalidArgument&) {
      return true;
    }
    return false;
  }

  [[nodiscard]] bool is_known(std::int32_t channel) const {
    return static_cast<std::size_t>(channel) < bounds_.size();
  }
  [[nodiscard]] std::vector<Message> unread() const {
    std::vector<Message> messages;
    for (const auto& [key, queue] : queues_) {
      messages.insert(messages.end(), queue.begin(), queue.end());
    }
    return messages;
  }
  [[nodiscard]] std::size_t n_unread() const {
    std::size_t n_message = 0;
    for (const auto& [key, queue] : queues_) n_message += queue.size();
    return n_message;
  }

  fuzz::ByteReader input_;
  const Bound bound_;
  std::vector<std::string> names_;
  std::vector<Bound> bounds_;                  // by channel
  std::map<Key, std::deque<Message>> queues_;  // the oracle
  BrokerCounters counters_;
  std::set<std::int64_t> gone_;      // payloads that left unread
  std::set<std::int64_t> released_;  // payloads that the broker gave back
  std::int64_t next_payload_ = 0;
  MessageBroker broker_;  // the last member: going, it releases what is unread
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Program(std::span(data, size)).run();
  return 0;
}
