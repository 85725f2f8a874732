#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "heron/event_queue.hpp"

namespace candidates {

// A calendar queue that sorts late: buckets of equal width on a wheel hold events in any order, and
// a bucket is sorted when its turn comes. Number and width of the buckets follow the number of
// events and their spread whenever the number doubles or falls to a sixteenth.
class LazyWheel {
 public:
  void push(double time_s, std::int32_t priority, std::int64_t payload) {
    if (free_ == kNone) {
      places_.push_back({});
      free_ = static_cast<std::uint32_t>(places_.size() - 1);
    }
    const std::uint32_t index = free_;
    Place& place = places_[index];
    free_ = place.next;
    place.event = {time_s, priority, next_sequence_++, payload};
    ++n_event_;
    if (n_event_ > 2 * first_of_.size()) return rebuild(index);
    link(index);
  }

  heron::Event pop() {
    if (near_.empty()) next_bucket();
    const std::uint32_t index = near_.back().place;
    near_.pop_back();
    Place& place = places_[index];
    const heron::Event event = place.event;
    ++place.generation;
    place.next = free_;
    free_ = index;
    --n_event_;
    return event;
  }

 private:
  static constexpr std::uint32_t kNone = 0xffffffff;
  static constexpr double kEventsPerBucket = 2.0;
  struct Place {
    heron::Event event;
    std::uint32_t next = kNone;  // in its bucket, or of the free places
    std::uint32_t generation = 0;
  };
  struct Near {
    double time_s;
    std::uint64_t sequence;
    std::int32_t priority;
    std::uint32_t place;
  };

  static bool later(const Near& a, const Near& b) noexcept {
    if (a.time_s != b.time_s) return a.time_s > b.time_s;
    if (a.priority != b.priority) return a.priority > b.priority;
    return a.sequence > b.sequence;
  }
  Near near(std::uint32_t place) const noexcept {
    const heron::Event& event = places_[place].event;
    return {event.time_s, event.sequence, event.priority, place};
  }
  // Number of the bucket counted from time zero, so that it is monotone in time.
  std::int64_t day(double time_s) const noexcept {
    return static_cast<std::int64_t>(time_s * days_per_s_);
  }
  std::uint32_t& first_of(std::int64_t day) noexcept {
    return first_of_[static_cast<std::size_t>(day) & (first_of_.size() - 1)];
  }

  void link(std::uint32_t index) {
    Place& place = places_[index];
    const std::int64_t day_of_event = day(place.event.time_s);
    if (day_of_event <= today_) {
      const Near node = near(index);
      near_.push_back(node);
      std::size_t i = near_.size() - 1;
      for (; i > 0 && later(node, near_[i - 1]); --i) near_[i] = near_[i - 1];
      near_[i] = node;
    } else {
      std::uint32_t& first = first_of(day_of_event);
      place.next = first;
      first = index;
    }
  }

  void next_bucket() {
    if (n_event_ * 16 < first_of_.size()) return rebuild(kNone);
    std::size_t n_passed = 0;
    while (near_.empty()) {
      if (++n_passed > first_of_.size()) return jump();
      ++today_;
      std::uint32_t* link_to_next = &first_of(today_);
      while (*link_to_next != kNone) {
        const std::uint32_t index = *link_to_next;
        Place& place = places_[index];
        if (day(place.event.time_s) == today_) {
          *link_to_next = place.next;
          near_.push_back(near(index));
        } else {
          link_to_next = &place.next;
        }
      }
    }
    if (near_.size() > 1 && !std::ranges::is_sorted(near_, later)) std::ranges::sort(near_, later);
  }

  // A whole turn without an event: go to the first one directly.
  void jump() {
    double first_s = std::numeric_limits<double>::infinity();
    for (std::uint32_t index : first_of_) {
      for (; index != kNone; index = places_[index].next) {
        first_s = std::min(first_s, places_[index].event.time_s);
      }
    }
    today_ = day(first_s) - 1;
    next_bucket();
  }

  void rebuild(std::uint32_t newcomer) {
    std::vector<std::uint32_t> all;
    if (newcomer != kNone) all.push_back(newcomer);
    for (const Near& node : near_) all.push_back(node.place);
    for (std::uint32_t index : first_of_) {
      for (; index != kNone; index = places_[index].next) all.push_back(index);
    }
    double first_s = std::numeric_limits<double>::infinity();
    double last_s = -std::numeric_limits<double>::infinity();
    for (const std::uint32_t index : all) {
      first_s = std::min(first_s, places_[index].event.time_s);
      last_s = std::max(last_s, places_[index].event.time_s);
    }
    near_.clear();
    first_of_.assign(std::bit_ceil(std::max<std::size_t>(all.size(), 8)), kNone);
    if (last_s > first_s) {
      days_per_s_ = static_cast<double>(all.size()) / (last_s - first_s) / kEventsPerBucket;
    }
    today_ = day(first_s) - 1;
    for (const std::uint32_t index : all) link(index);
    if (newcomer == kNone) next_bucket();
  }

  std::vector<Place> places_;
  std::vector<std::uint32_t> first_of_ = std::vector<std::uint32_t>(8, kNone);
  std::vector<Near> near_;  // the events up to today, the next one last
  std::uint32_t free_ = kNone;
  std::int64_t today_ = -1;
  double days_per_s_ = 1.0;
  std::size_t n_event_ = 0;
  std::uint64_t next_sequence_ = 0;
};

}  // namespace candidates
