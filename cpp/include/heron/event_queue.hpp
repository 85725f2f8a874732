#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace heron {

// One event as it leaves the queue.
struct Event {
  double time_s = 0.0;         // simulated time [s]
  std::int32_t priority = 0;   // smaller leaves first among equal times
  std::uint64_t sequence = 0;  // number of the push; decides among equal times and priorities
  std::int64_t payload = 0;    // the caller's own number, never read here
  std::uint32_t tag = 0;       // another one, for what kind of event it is

  friend bool operator==(const Event&, const Event&) = default;
};

// Names one pushed event until it is popped, cancelled or cleared; a handle is never given twice
// within 2^32 uses of its slot, so that cancelling an old one is recognised and harmless.
enum class EventHandle : std::uint64_t {};

// Future events in the total order (time_s, priority, sequence): a knock-out tournament whose
// entrants are the pending events. An event keeps its place from push to pop; the event that is
// pushed after a pop takes the freed place, and one replay of that place's matches serves both.
// Cancelling takes an event out at once, so memory is bounded by the most that were ever pending.
//
// The queue keeps the time of the last popped event, now_s(), and refuses an event before it, so
// time never runs backwards. Copying a queue copies its whole state; a queue that was moved from
// may be assigned, reset or destroyed. One queue serves one thread.
class EventQueue {
 public:
  explicit EventQueue(double start_time_s = 0.0);

  // Throws InvalidArgument if push would refuse the time.
  void check_time(double time_s) const;

  // Prepare for n_event events at once: up to that many, push allocates nothing.
  void reserve(std::size_t n_event);

  // Add one event. Throws InvalidArgument if time_s is not finite or lies before now_s().
  EventHandle push(double time_s, std::int32_t priority, std::int64_t payload,
                   std::uint32_t tag = 0);

  // Add all events in index order, or none: the arrays and every time are checked first. The
  // handles are written to `handles`. All spans have the same length.
  void push_batch(std::span<const double> time_s, std::span<const std::int32_t> priority,
                  std::span<const std::int64_t> payload, std::span<EventHandle> handles);

  // Take a pending event out. False, and no change, if it was popped, cancelled or cleared before.
  bool cancel(EventHandle handle) noexcept;

  // True while the event is still to come.
  [[nodiscard]] bool is_pending(EventHandle handle) const noexcept;

  // The next event, which stays; nothing if the queue is empty.
  [[nodiscard]] std::optional<Event> peek() const noexcept;

  // Take the next event and move now_s() to its time; nothing if the queue is empty.
  std::optional<Event> pop() noexcept;

  // Take events up to and including t_end_s, in order, at most events.size() of them; returns how
  // many were written. now_s() is left at the last one. A NaN t_end_s takes none.
  std::size_t pop_until(double t_end_s, std::span<Event> events) noexcept;

  // Drop every pending event. Time and the sequence numbers go on.
  void clear() noexcept;

  // Drop every pending event and start again at start_time_s with sequence number 0.
  void reset(double start_time_s = 0.0);

  [[nodiscard]] std::size_t size() const noexcept { return n_pending_; }
  // Places in memory, taken or free: less than twice the most events ever pending at once, or 2.
  [[nodiscard]] std::size_t n_stored() const noexcept { return keys_.size(); }
  [[nodiscard]] bool empty() const noexcept { return n_pending_ == 0; }
  [[nodiscard]] double now_s() const noexcept { return now_s_; }
  // The sequence number that the next push will get.
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_sequence_; }

 private:
  static constexpr std::uint32_t kNoPlace = 0xffff'ffff;

  struct Place {
    std::uint64_t sequence = 0;
    std::int64_t payload = 0;  // while the place is free, the next free one
    std::int32_t priority = 0;
    std::uint32_t generation = 0;  // changes whenever the place is vacated
    std::uint32_t tag = 0;
  };

  void make_room(std::size_t n_new);
  void extend() noexcept;
  EventHandle insert(double time_s, std::int32_t priority, std::int64_t payload,
                     std::uint32_t tag) noexcept;
  void take_next(Event& taken) noexcept;
  void vacate(std::uint32_t place) noexcept;
  void close_hole() noexcept;
  [[nodiscard]] Event event_at(std::uint32_t place) const noexcept;
  [[nodiscard]] std::uint32_t winner_of(std::size_t match) const noexcept;
  [[nodiscard]] bool leaves_before(std::uint32_t a, std::uint32_t b) const noexcept;
  template <bool kMayEndEarly>
  void replay(std::uint32_t place) noexcept;
  void replay_among_equals(std::uint32_t place, std::size_t match, std::uint32_t best,
                           std::uint32_t rival) noexcept;

  // The number of places is a power of two, so that all have equally many matches to the final.
  std::vector<std::uint64_t> keys_;    // time as an ordered integer, or kFree; (n_place)
  std::vector<Place> places_;          // what the key leaves out; (n_place)
  std::vector<std::uint32_t> winner_;  // place that won match i, of matches 2i and 2i + 1; [1] is
                                       // the final, [0] unused; (n_place)
  std::uint32_t n_used_ = 0;           // places from here on were never taken since the last clear
  std::uint32_t first_free_ = kNoPlace;  // head of the list of the places before that are free
  // The place vacated last, if its matches were not yet replayed: all of them still name it.
  std::uint32_t hole_ = kNoPlace;
  std::size_t n_pending_ = 0;
  std::uint64_t next_sequence_ = 0;
  double now_s_ = 0.0;  // time of the last popped event, or the start [s]
};

}  // namespace heron
