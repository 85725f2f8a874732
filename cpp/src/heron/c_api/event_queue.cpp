#include "heron/event_queue.hpp"

#include <optional>
#include <vector>

#include "handles.hpp"

using namespace heron::c_api;
using heron::Event;
using heron::EventHandle;

namespace {

heron_event to_c(const Event& event) noexcept {
  return {event.time_s, event.priority, event.sequence, event.payload};
}

void write(const std::optional<Event>& found, bool& has_event, heron_event& event) noexcept {
  has_event = found.has_value();
  if (found) event = to_c(*found);
}

}  // namespace

extern "C" {

heron_status heron_event_queue_create(double start_time_s, heron_event_queue** queue) {
  return create(queue, "queue", start_time_s);
}

void heron_event_queue_destroy(heron_event_queue* queue) { delete queue; }

heron_status heron_event_queue_push(heron_event_queue* queue, double time_s, int32_t priority,
                                    int64_t payload, heron_event_handle* handle) {
  return guarded([&] {
    const EventHandle pushed = required(queue, "queue").push(time_s, priority, payload);
    assign(handle, static_cast<heron_event_handle>(pushed));
  });
}

heron_status heron_event_queue_push_batch(heron_event_queue* queue, size_t n_event,
                                          const double* time_s, const int32_t* priority,
                                          const int64_t* payload, heron_event_handle* handle) {
  return guarded([&] {
    heron_event_queue& target = required(queue, "queue");
    const auto times = array(time_s, n_event, "time_s");
    const auto priorities = array(priority, n_event, "priority");
    const auto payloads = array(payload, n_event, "payload");
    std::vector<EventHandle> handles(n_event);
    target.push_batch(times, priorities, payloads, handles);
    if (handle == nullptr) return;
    for (size_t i = 0; i < n_event; ++i) handle[i] = static_cast<heron_event_handle>(handles[i]);
  });
}

heron_status heron_event_queue_cancel(heron_event_queue* queue, heron_event_handle handle,
                                      bool* was_pending) {
  return guarded(
      [&] { assign(was_pending, required(queue, "queue").cancel(EventHandle{handle})); });
}

heron_status heron_event_queue_peek(const heron_event_queue* queue, bool* has_event,
                                    heron_event* event) {
  return guarded([&] {
    const heron_event_queue& source = required(queue, "queue");
    write(source.peek(), required(has_event, "has_event"), required(event, "event"));
  });
}

heron_status heron_event_queue_pop(heron_event_queue* queue, bool* has_event, heron_event* event) {
  return guarded([&] {
    heron_event_queue& source = required(queue, "queue");
    bool& was_found = required(has_event, "has_event");
    heron_event& popped = required(event, "event");
    write(source.pop(), was_found, popped);
  });
}

heron_status heron_event_queue_pop_until(heron_event_queue* queue, double t_end_s,
                                         heron_event* event, size_t capacity, size_t* n_event) {
  return guarded([&] {
    heron_event_queue& source = required(queue, "queue");
    const auto events = array(event, capacity, "event");
    size_t& n_popped = required(n_event, "n_event");
    n_popped = 0;
    while (n_popped < capacity) {
      const auto next = source.peek();
      if (!next || !(next->time_s <= t_end_s)) break;
      source.pop();
      events[n_popped++] = to_c(*next);
    }
  });
}

heron_status heron_event_queue_clear(heron_event_queue* queue) {
  return guarded([&] { required(queue, "queue").clear(); });
}

heron_status heron_event_queue_reset(heron_event_queue* queue, double start_time_s) {
  return guarded([&] { required(queue, "queue").reset(start_time_s); });
}

heron_status heron_event_queue_size(const heron_event_queue* queue, size_t* n_event) {
  return guarded([&] { required(n_event, "n_event") = required(queue, "queue").size(); });
}

heron_status heron_event_queue_now(const heron_event_queue* queue, double* now_s) {
  return guarded([&] { required(now_s, "now_s") = required(queue, "queue").now_s(); });
}

}  // extern "C"
