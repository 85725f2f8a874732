#include "heron/event_queue.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <string>

#include "event_key.hpp"
#include "heron/error.hpp"
#include "text.hpp"

namespace heron {
namespace {

// Handles have 32 bits for the place, one number names none, and a power of two is needed.
constexpr std::size_t kMostPlaces = std::size_t{1} << 31U;

void check_finite(const char* name, double time_s) {
  if (!std::isfinite(time_s)) {
    throw InvalidArgument(std::string(name) + " is " + text(time_s) +
                          ", expected a finite number of seconds");
  }
}

}  // namespace

EventQueue::EventQueue(double start_time_s) : now_s_(start_time_s) {
  check_finite("start_time_s", start_time_s);
}

void EventQueue::reserve(std::size_t n_event) {
  if (n_event > kMostPlaces) {
    throw InvalidArgument("n_event is " + std::to_string(n_event) + ", expected at most " +
                          std::to_string(kMostPlaces) + " pending events");
  }
  const std::size_t n_place = std::bit_ceil(std::max<std::size_t>(n_event, 2));
  keys_.reserve(n_place);
  places_.reserve(n_place);
  winner_.reserve(n_place);
}

EventHandle EventQueue::push(double time_s, std::int32_t priority, std::int64_t payload,
                             std::uint32_t tag) {
  check_time(time_s);
  make_room(1);
  return insert(time_s, priority, payload, tag);
}

void EventQueue::push_batch(std::span<const double> time_s, std::span<const std::int32_t> priority,
                            std::span<const std::int64_t> payload, std::span<EventHandle> handles) {
  const std::size_t n_event = time_s.size();
  if (priority.size() != n_event || payload.size() != n_event || handles.size() != n_event) {
    throw InvalidArgument(
        "a batch needs arrays of one length, one value per event: time_s has " +
        std::to_string(n_event) + ", priority " + std::to_string(priority.size()) + ", payload " +
        std::to_string(payload.size()) + ", handles " + std::to_string(handles.size()));
  }
  for (const double time : time_s) check_time(time);
  make_room(n_event);
  for (std::size_t i = 0; i < n_event; ++i) {
    handles[i] = insert(time_s[i], priority[i], payload[i], 0);
  }
}

bool EventQueue::cancel(EventHandle handle) noexcept {
  if (!is_pending(handle)) return false;
  close_hole();
  vacate(place_of(handle));
  close_hole();
  return true;
}

bool EventQueue::is_pending(EventHandle handle) const noexcept {
  const std::uint32_t place = place_of(handle);
  return place < keys_.size() && places_[place].generation == generation_of(handle) &&
         keys_[place] != kFree;
}

std::optional<Event> EventQueue::peek() const noexcept {
  if (empty()) return std::nullopt;
  std::uint32_t next = winner_[1];
  if (hole_ != kNoPlace) {
    for (std::size_t match = keys_.size() + hole_; match > 1; match /= 2) {
      const std::uint32_t rival = winner_of(match ^ 1U);
      if (leaves_before(rival, next)) next = rival;
    }
  }
  return event_at(next);
}

std::optional<Event> EventQueue::pop() noexcept {
  if (empty()) return std::nullopt;
  close_hole();
  std::optional<Event> event(std::in_place);
  take_next(*event);
  return event;
}

std::size_t EventQueue::pop_until(double t_end_s, std::span<Event> events) noexcept {
  std::size_t n_popped = 0;
  while (n_popped < events.size() && !empty()) {
    close_hole();
    if (!(to_time(keys_[winner_[1]]) <= t_end_s)) break;
    take_next(events[n_popped++]);
  }
  return n_popped;
}

void EventQueue::clear() noexcept {
  // The matches stay as they are: among free places it does not matter who won.
  for (std::size_t place = 0; place < keys_.size() && place < n_used_; ++place) {
    ++places_[place].generation;
    keys_[place] = kFree;
  }
  n_used_ = 0;
  first_free_ = kNoPlace;
  hole_ = kNoPlace;
  n_pending_ = 0;
}

void EventQueue::reset(double start_time_s) {
  check_finite("start_time_s", start_time_s);
  clear();
  next_sequence_ = 0;
  now_s_ = start_time_s;
}

void EventQueue::check_time(double time_s) const {
  // False for a NaN too.
  const bool is_acceptable = time_s >= now_s_ && time_s <= std::numeric_limits<double>::max();
  if (is_acceptable) [[likely]] {
    return;
  }
  check_finite("time_s", time_s);
  throw InvalidArgument("time_s is " + text(time_s) + ", in the past: expected at least the time " +
                        "of the last event, " + text(now_s_));
}

// All allocation happens here, so that inserting and releasing cannot fail half-way.
void EventQueue::make_room(std::size_t n_new) {
  const std::size_t n_needed = n_pending_ + n_new;
  if (n_needed > keys_.size()) reserve(n_needed);
}

// Double the number of places, within the capacity that make_room has seen to.
void EventQueue::extend() noexcept {
  const std::size_t n_place = std::max<std::size_t>(2 * keys_.size(), 2);
  keys_.resize(n_place, kFree);
  places_.resize(n_place);
  winner_.resize(n_place);
  for (std::size_t match = n_place - 1; match > 0; --match) {
    const std::uint32_t left = winner_of(2 * match);
    const std::uint32_t right = winner_of(2 * match + 1);
    winner_[match] = leaves_before(right, left) ? right : left;
  }
}

EventHandle EventQueue::insert(double time_s, std::int32_t priority, std::int64_t payload,
                               std::uint32_t tag) noexcept {
  std::uint32_t place = hole_;
  const bool fills_hole = hole_ != kNoPlace;
  if (fills_hole) {
    hole_ = kNoPlace;
  } else if (first_free_ != kNoPlace) {
    place = first_free_;
    first_free_ = static_cast<std::uint32_t>(places_[place].payload);
  } else {
    if (n_used_ == keys_.size()) extend();
    place = n_used_++;
  }
  Place& taken = places_[place];
  keys_[place] = to_key(time_s);
  taken.sequence = next_sequence_++;
  taken.payload = payload;
  taken.priority = priority;
  taken.tag = tag;
  ++n_pending_;
  // Whose event was popped had won all its matches, so all are replayed; others lose early.
  fills_hole ? replay<false>(place) : replay<true>(place);
  return to_handle(place, taken.generation);
}

// Written member by member: a copy of the whole would wait for the stores just made.
void EventQueue::take_next(Event& taken) noexcept {
  const std::uint32_t next = winner_[1];
  const Place& place = places_[next];
  taken.time_s = now_s_ = to_time(keys_[next]);
  taken.priority = place.priority;
  taken.sequence = place.sequence;
  taken.payload = place.payload;
  taken.tag = place.tag;
  vacate(next);
}

void EventQueue::vacate(std::uint32_t place) noexcept {
  keys_[place] = kFree;
  ++places_[place].generation;
  --n_pending_;
  hole_ = place;
}

void EventQueue::close_hole() noexcept {
  if (hole_ == kNoPlace) return;
  replay<false>(hole_);
  places_[hole_].payload = first_free_;
  first_free_ = hole_;
  hole_ = kNoPlace;
}

Event EventQueue::event_at(std::uint32_t place) const noexcept {
  const Place& taken = places_[place];
  return {to_time(keys_[place]), taken.priority, taken.sequence, taken.payload, taken.tag};
}

// Matches from n_place on are the places themselves.
std::uint32_t EventQueue::winner_of(std::size_t match) const noexcept {
  return match < keys_.size() ? winner_[match] : static_cast<std::uint32_t>(match - keys_.size());
}

bool EventQueue::leaves_before(std::uint32_t a, std::uint32_t b) const noexcept {
  if (keys_[a] != keys_[b]) return keys_[a] < keys_[b];
  if (places_[a].priority != places_[b].priority) return places_[a].priority < places_[b].priority;
  return places_[a].sequence < places_[b].sequence;
}

// Play the matches of a place from the bottom up, to the final or to one that still has the same
// other winner, above which nothing changes.
//
// Who wins cannot be predicted, so the winner is selected with a mask in place of a jump, which
// would be guessed wrong every other time. Which matches are played is known beforehand: the
// processor fetches all rivals at once, whereas the way down a heap is a chain of loads.
template <bool kMayEndEarly>
void EventQueue::replay(std::uint32_t place) noexcept {
  const std::uint64_t* const keys = keys_.data();
  std::uint32_t* const winner = winner_.data();
  std::size_t match = (keys_.size() + place) / 2;
  std::uint32_t rival = place ^ 1U;
  std::uint32_t best = place;
  std::uint64_t best_key = keys[place];
  for (;;) {
    const std::uint64_t rival_key = keys[rival];
    if (rival_key == best_key) [[unlikely]] {
      return replay_among_equals(place, match, best, rival);
    }
    const std::uint32_t rival_wins = 0U - static_cast<std::uint32_t>(rival_key < best_key);
    best ^= (best ^ rival) & rival_wins;
    best_key = std::min(best_key, rival_key);
    if constexpr (kMayEndEarly) {
      if (winner[match] == best && best != place) return;
    }
    winner[match] = best;
    if (match == 1) return;
    rival = winner[match ^ 1U];
    match /= 2;
  }
}

// The rest of the way once two times were equal. Ties come in crowds with a pattern that jumps
// follow well; within one comparison there are none.
void EventQueue::replay_among_equals(std::uint32_t place, std::size_t match, std::uint32_t best,
                                     std::uint32_t rival) noexcept {
  std::uint64_t best_key = keys_[best];
  std::int32_t best_priority = places_[best].priority;
  std::uint64_t best_sequence = places_[best].sequence;
  for (;;) {
    const std::uint64_t key = keys_[rival];
    const std::int32_t priority = places_[rival].priority;
    const std::uint64_t sequence = places_[rival].sequence;
    const bool is_older = (priority == best_priority) & (sequence < best_sequence);
    if ((key < best_key) | ((key == best_key) & ((priority < best_priority) | is_older))) {
      best = rival;
      best_key = key;
      best_priority = priority;
      best_sequence = sequence;
    }
    if (winner_[match] == best && best != place) return;
    winner_[match] = best;
    if (match == 1) return;
    rival = winner_[match ^ 1U];
    match /= 2;
  }
}

}  // namespace heron
