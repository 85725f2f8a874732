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

// Future events in the total order (time_s, priority, sequence): a 4-ary min-heap, in which
// cancelled events stay until they surface or until they outnumber the pending ones.
//
// The queue keeps the time of the last popped event, now_s(), and refuses an event before it, so
// time never runs backwards. Copying a queue copies its whole state; one queue serves one thread.
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

  [[nodiscard]] std::size_t size() const noexcept { return heap_.size() - n_cancelled_; }
  // Events in memory, with the cancelled ones that wait to surface or to be compacted away.
  [[nodiscard]] std::size_t n_stored() const noexcept { return heap_.size(); }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }
  [[nodiscard]] double now_s() const noexcept { return now_s_; }
  // The sequence number that the next push will get.
  [[nodiscard]] std::uint64_t next_sequence() const noexcept { return next_sequence_; }

 private:
  struct Node {
    Event event;
    std::uint32_t slot;  // index into slots_
  };
  // A place that a handle refers to. The generation changes whenever the place becomes free.
  struct Slot {
    std::uint32_t generation = 0;
    bool is_pending = false;  // false in the heap means cancelled
  };

  static bool leaves_before(const Node& a, const Node& b) noexcept;
  void make_room(std::size_t n_new);
  EventHandle insert(double time_s, std::int32_t priority, std::int64_t payload,
                     std::uint32_t tag) noexcept;
  void sift_up(std::size_t position) noexcept;
  void sift_down(std::size_t position) noexcept;
  void remove_top() noexcept;
  void drop_cancelled_top() noexcept;
  void compact() noexcept;
  void release(std::uint32_t slot) noexcept;

  std::vector<Node> heap_;                 // 4-ary heap; its top is never a cancelled event
  std::vector<Slot> slots_;                // one per node of the heap, and the free ones
  std::vector<std::uint32_t> free_slots_;  // capacity covers slots_, so releasing cannot throw
  std::size_t n_cancelled_ = 0;            // cancelled nodes still in heap_
  std::uint64_t next_sequence_ = 0;
  double now_s_ = 0.0;  // time of the last popped event, or the start [s]
};

}  // namespace heron
