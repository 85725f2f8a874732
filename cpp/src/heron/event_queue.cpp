#include "heron/event_queue.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "heron/error.hpp"
#include "text.hpp"

namespace heron {
namespace {

// Four children a node: half the levels of a binary heap, and the children lie side by side.
constexpr std::size_t kArity = 4;

// Compacting a small heap costs more than carrying its cancelled events.
constexpr std::size_t kCompactFrom = 64;

constexpr EventHandle to_handle(std::uint32_t slot, std::uint32_t generation) noexcept {
  return EventHandle{(std::uint64_t{generation} << 32U) | slot};
}
constexpr std::uint32_t slot_of(EventHandle handle) noexcept {
  return static_cast<std::uint32_t>(handle);
}
constexpr std::uint32_t generation_of(EventHandle handle) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(handle) >> 32U);
}

void check_start(double start_time_s) {
  if (!std::isfinite(start_time_s)) {
    throw InvalidArgument("start_time_s is " + text(start_time_s) +
                          ", expected a finite number of seconds");
  }
}

}  // namespace

EventQueue::EventQueue(double start_time_s) : now_s_(start_time_s) { check_start(start_time_s); }

void EventQueue::reserve(std::size_t n_event) {
  heap_.reserve(n_event);
  slots_.reserve(n_event);
  free_slots_.reserve(n_event);
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
  slots_[slot_of(handle)].is_pending = false;
  ++n_cancelled_;
  drop_cancelled_top();
  if (heap_.size() >= kCompactFrom && n_cancelled_ > heap_.size() / 2) compact();
  return true;
}

bool EventQueue::is_pending(EventHandle handle) const noexcept {
  const std::uint32_t slot = slot_of(handle);
  return slot < slots_.size() && slots_[slot].generation == generation_of(handle) &&
         slots_[slot].is_pending;
}

std::optional<Event> EventQueue::peek() const noexcept {
  if (heap_.empty()) return std::nullopt;
  return heap_.front().event;
}

std::optional<Event> EventQueue::pop() noexcept {
  if (heap_.empty()) return std::nullopt;
  const Event event = heap_.front().event;
  remove_top();
  drop_cancelled_top();
  now_s_ = event.time_s;
  return event;
}

std::size_t EventQueue::pop_until(double t_end_s, std::span<Event> events) noexcept {
  std::size_t n_popped = 0;
  while (n_popped < events.size() && !heap_.empty() && heap_.front().event.time_s <= t_end_s) {
    events[n_popped++] = *pop();
  }
  return n_popped;
}

void EventQueue::clear() noexcept {
  for (const Node& node : heap_) release(node.slot);
  heap_.clear();
  n_cancelled_ = 0;
}

void EventQueue::reset(double start_time_s) {
  check_start(start_time_s);
  clear();
  next_sequence_ = 0;
  now_s_ = start_time_s;
}

bool EventQueue::leaves_before(const Node& a, const Node& b) noexcept {
  if (a.event.time_s != b.event.time_s) return a.event.time_s < b.event.time_s;
  if (a.event.priority != b.event.priority) return a.event.priority < b.event.priority;
  return a.event.sequence < b.event.sequence;
}

void EventQueue::check_time(double time_s) const {
  if (!std::isfinite(time_s)) {
    throw InvalidArgument("time_s is " + text(time_s) + ", expected a finite number of seconds");
  }
  if (time_s < now_s_) {
    throw InvalidArgument("time_s is " + text(time_s) + ", in the past: expected at " +
                          "least the time of the last event, " + text(now_s_));
  }
}

// All allocation happens here, so that inserting and releasing cannot fail half-way.
void EventQueue::make_room(std::size_t n_new) {
  const std::size_t n_needed = heap_.size() + n_new;
  if (n_needed <= heap_.capacity() && n_needed <= slots_.capacity() &&
      n_needed <= free_slots_.capacity()) {
    return;
  }
  reserve(std::max(n_needed, 2 * heap_.capacity()));
}

EventHandle EventQueue::insert(double time_s, std::int32_t priority, std::int64_t payload,
                               std::uint32_t tag) noexcept {
  std::uint32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.push_back(Slot{});
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
  }
  slots_[slot].is_pending = true;
  heap_.push_back(Node{Event{time_s, priority, next_sequence_++, payload, tag}, slot});
  sift_up(heap_.size() - 1);
  return to_handle(slot, slots_[slot].generation);
}

void EventQueue::sift_up(std::size_t position) noexcept {
  const Node moving = heap_[position];
  while (position > 0) {
    const std::size_t parent = (position - 1) / kArity;
    if (!leaves_before(moving, heap_[parent])) break;
    heap_[position] = heap_[parent];
    position = parent;
  }
  heap_[position] = moving;
}

void EventQueue::sift_down(std::size_t position) noexcept {
  const Node moving = heap_[position];
  const std::size_t n_node = heap_.size();
  for (;;) {
    const std::size_t first_child = position * kArity + 1;
    if (first_child >= n_node) break;
    const std::size_t end_child = std::min(first_child + kArity, n_node);
    std::size_t best = first_child;
    for (std::size_t child = first_child + 1; child < end_child; ++child) {
      if (leaves_before(heap_[child], heap_[best])) best = child;
    }
    if (!leaves_before(heap_[best], moving)) break;
    heap_[position] = heap_[best];
    position = best;
  }
  heap_[position] = moving;
}

void EventQueue::remove_top() noexcept {
  release(heap_.front().slot);
  heap_.front() = heap_.back();
  heap_.pop_back();
  if (!heap_.empty()) sift_down(0);
}

void EventQueue::drop_cancelled_top() noexcept {
  while (!heap_.empty() && !slots_[heap_.front().slot].is_pending) {
    remove_top();
    --n_cancelled_;
  }
}

// Without this, a caller who schedules and cancels for ever would fill the memory.
void EventQueue::compact() noexcept {
  std::size_t n_kept = 0;
  for (const Node& node : heap_) {
    if (slots_[node.slot].is_pending) {
      heap_[n_kept++] = node;
    } else {
      release(node.slot);
    }
  }
  heap_.resize(n_kept);
  n_cancelled_ = 0;
  if (n_kept < 2) return;
  for (std::size_t position = (n_kept - 2) / kArity + 1; position-- > 0;) sift_down(position);
}

void EventQueue::release(std::uint32_t slot) noexcept {
  slots_[slot].is_pending = false;
  ++slots_[slot].generation;
  free_slots_.push_back(slot);
}

}  // namespace heron
