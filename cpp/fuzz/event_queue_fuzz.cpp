// Reads its input as a program, runs it on heron::EventQueue and on a std::map, and stops at the
// first difference.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <tuple>
#include <utility>
#include <vector>

#include "byte_reader.hpp"
#include "heron/error.hpp"
#include "heron/event_queue.hpp"

namespace {

using fuzz::require;
using heron::Event;
using heron::EventHandle;
using heron::EventQueue;

class Program {
 public:
  explicit Program(std::span<const std::uint8_t> input) : input_(input) {}

  void run() {
    while (!input_.is_at_end()) {
      step();
      require(queue_.size() == pending_.size(), "the sizes are equal");
      require(queue_.peek() == first(), "the next events are equal");
      require(queue_.now_s() == now_s_, "the times are equal");
      require(queue_.n_stored() <= std::max<std::size_t>(2, 2 * most_pending_),
              "memory is bounded by the most that were ever pending");
    }
    while (!pending_.empty()) pop();
    require(!queue_.pop().has_value(), "both are empty at the end");
  }

 private:
  using Key = std::tuple<double, std::int32_t, std::uint64_t>;
  struct Pushed {
    EventHandle handle;
    Key key;
  };

  void step() {
    switch (input_.below(16)) {
      case 0:
        return push_batch();
      case 1:
        return push_at_impossible_time();
      case 2:
      case 3:
      case 4:
        return cancel();
      case 5:
        return cancel_invented();
      case 6:
      case 7:
      case 8:
        return pop();
      case 9:
        return pop_until();
      case 10:
        return clear_or_reset();
      case 11:
        return copy();
      default:
        return push();
    }
  }

  // Few distinct offsets, so that equal times are the rule.
  double soon() {
    constexpr std::array kOffset_s{0.0, 0.0, 0.25, 1.0, 1.0, 1.0, 3.5, 1e6, 5e-324};
    const std::size_t choice = input_.below(kOffset_s.size() + 1);
    if (choice < kOffset_s.size()) return now_s_ + kOffset_s[choice];
    const double time_s = input_.take<double>();
    return std::isfinite(time_s) && time_s >= now_s_ ? time_s : now_s_;
  }
  std::int32_t priority() {
    constexpr std::array kPriority{0,
                                   0,
                                   0,
                                   1,
                                   -1,
                                   2,
                                   std::numeric_limits<std::int32_t>::min(),
                                   std::numeric_limits<std::int32_t>::max()};
    return kPriority[input_.below(kPriority.size())];
  }

  void note(EventHandle handle, double time_s, std::int32_t priority, std::int64_t payload) {
    require(queue_.is_pending(handle), "a pushed event is pending");
    require(given_.insert(handle).second, "handles are unique");
    const Key key{time_s, priority, next_sequence_++};
    pending_.emplace(key, payload);
    pushed_.push_back({handle, key});
    most_pending_ = std::max(most_pending_, pending_.size());
  }

  void push() {
    const double time_s = soon();
    const std::int32_t priority = this->priority();
    const auto payload = input_.take<std::int8_t>();
    note(queue_.push(time_s, priority, payload), time_s, priority, payload);
  }

  void push_batch() {
    const std::size_t n_event = input_.below(12);
    std::vector<double> time_s;
    std::vector<std::int32_t> priority;
    for (std::size_t i = 0; i < n_event; ++i) {
      time_s.push_back(soon());
      priority.push_back(this->priority());
    }
    const std::vector<std::int64_t> payload(n_event, -7);
    std::vector<EventHandle> handles(n_event);
    const std::size_t bad = input_.below(24);
    if (bad < n_event) {
      time_s[bad] = impossible_time();
      refused([&] { queue_.push_batch(time_s, priority, payload, handles); });
      return;
    }
    queue_.push_batch(time_s, priority, payload, handles);
    for (std::size_t i = 0; i < n_event; ++i) note(handles[i], time_s[i], priority[i], payload[i]);
  }

  double impossible_time() {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    const std::array impossible{std::numeric_limits<double>::quiet_NaN(), kInfinity, -kInfinity,
                                std::nextafter(now_s_, -kInfinity)};
    return impossible[input_.below(impossible.size())];
  }

  void push_at_impossible_time() {
    refused([&] { queue_.push(impossible_time(), 0, 0); });
  }

  template <typename Call>
  static void refused(Call call) {
    bool is_refused = false;
    try {
      call();
    } catch (const heron::InvalidArgument&) {
      is_refused = true;
    }
    require(is_refused, "an impossible time is refused");
  }

  void cancel() {
    if (pushed_.empty()) return;
    const Pushed& chosen = pushed_[input_.take<std::uint16_t>() % pushed_.size()];
    const bool was_pending = pending_.erase(chosen.key) == 1;
    require(queue_.is_pending(chosen.handle) == was_pending, "both know the same events");
    require(queue_.cancel(chosen.handle) == was_pending, "only a pending event is cancelled");
    require(!queue_.cancel(chosen.handle), "an event is cancelled once");
  }

  void cancel_invented() {
    const auto invented = EventHandle{input_.take<std::uint64_t>()};
    if (given_.contains(invented)) return;
    require(!queue_.is_pending(invented) && !queue_.cancel(invented),
            "a handle that was never given names nothing");
  }

  [[nodiscard]] std::optional<Event> first() const {
    if (pending_.empty()) return std::nullopt;
    const auto& [key, payload] = *pending_.begin();
    return Event{std::get<0>(key), std::get<1>(key), std::get<2>(key), payload};
  }

  void take_first() {
    now_s_ = std::get<0>(pending_.begin()->first);
    pending_.erase(pending_.begin());
  }

  void pop() {
    require(queue_.pop() == first(), "the events taken are equal");
    if (!pending_.empty()) take_first();
  }

  void pop_until() {
    const double t_end_s = input_.below(8) == 0 ? std::numeric_limits<double>::quiet_NaN() : soon();
    std::vector<Event> events(input_.below(20));
    const std::size_t n_popped = queue_.pop_until(t_end_s, events);
    for (std::size_t i = 0; i < n_popped; ++i) {
      require(first() == events[i], "the events of a span are equal");
      take_first();
    }
    const bool is_more_due = !pending_.empty() && first()->time_s <= t_end_s;
    require(n_popped == events.size() || !is_more_due, "a span ends where its time does");
  }

  void clear_or_reset() {
    // Seldom, or else no program would fill the queue.
    const std::size_t choice = input_.below(16);
    if (choice > 1) return;
    pending_.clear();
    if (choice == 0) return queue_.clear();
    now_s_ = input_.below(2) == 0 ? 0.0 : -1e3;
    queue_.reset(now_s_);
    next_sequence_ = 0;
    // Sequence numbers start again: an old key must not be taken for a new one.
    for (Pushed& pushed : pushed_) pushed.key = kNeverPushed;
  }

  void copy() {
    EventQueue twin = queue_;
    if (!pushed_.empty()) twin.cancel(pushed_.back().handle);
    twin.pop();
    twin = queue_;
    queue_ = std::move(twin);
  }

  static constexpr Key kNeverPushed{0.0, 0, std::numeric_limits<std::uint64_t>::max()};

  fuzz::ByteReader input_;
  EventQueue queue_;
  std::map<Key, std::int64_t> pending_;  // the oracle: key and payload, in the order of leaving
  std::vector<Pushed> pushed_;           // every event of the program, also those that have left
  std::set<EventHandle> given_;
  std::uint64_t next_sequence_ = 0;
  std::size_t most_pending_ = 0;
  double now_s_ = 0.0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Program(std::span(data, size)).run();
  return 0;
}
