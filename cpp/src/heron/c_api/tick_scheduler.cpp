#include "heron/tick_scheduler.hpp"

#include "handles.hpp"

using namespace heron::c_api;
using heron::EventHandle;
using heron::EventType;
using heron::TickConfig;
using heron::TickEvent;
using heron::TickScheduler;

namespace {

constexpr std::size_t kJitterCount = 3;

EventType event_type(heron_event_type type) {
  return choice<EventType>(type, heron::kEventTypeCount, "type");
}

TickConfig from_c(const heron_tick_config& config) {
  TickConfig result;
  result.tick_interval_s = config.tick_interval_s;
  result.obs_delay_s = config.obs_delay_s;
  result.act_delay_s = config.act_delay_s;
  result.msg_delay_s = config.msg_delay_s;
  result.jitter = choice<heron::Jitter>(config.jitter, kJitterCount, "jitter");
  result.jitter_ratio = config.jitter_ratio;
  result.min_delay_s = config.min_delay_s;
  if (config.has_seed) result.seed = config.seed;
  return result;
}

// The C function as a C++ handler. Its failure travels as an exception, with the text that it left
// on the thread of its lane.
TickScheduler::Handler handler_of(heron_handler handler, void* context) {
  if (handler == nullptr) return {};
  return [handler, context](TickScheduler& scheduler, const TickEvent& event) {
    const heron_tick_event c_event = to_c(event);
    remember_error({});
    const heron_status status =
        handler(&static_cast<heron_tick_scheduler&>(scheduler), &c_event, context);
    if (status != HERON_OK) throw HandlerFailed(status);
  };
}

}  // namespace

heron_tick_event heron::c_api::to_c(const TickEvent& event) noexcept {
  return {.time_s = event.time_s,
          .priority = event.priority,
          .sequence = event.sequence,
          .type = static_cast<heron_event_type>(event.type),
          .is_periodic = event.is_periodic,
          .lane = event.lane,
          .agent = event.agent,
          .payload = event.payload};
}

TickEvent heron::c_api::from_c(const heron_tick_event& event) {
  return {.time_s = event.time_s,
          .priority = event.priority,
          .sequence = event.sequence,
          .type = event_type(event.type),
          .is_periodic = event.is_periodic,
          .lane = event.lane,
          .agent = event.agent,
          .payload = event.payload};
}

extern "C" {

heron_tick_config heron_default_tick_config(void) {
  const TickConfig config;
  return {.tick_interval_s = config.tick_interval_s,
          .obs_delay_s = config.obs_delay_s,
          .act_delay_s = config.act_delay_s,
          .msg_delay_s = config.msg_delay_s,
          .jitter = static_cast<heron_jitter>(config.jitter),
          .jitter_ratio = config.jitter_ratio,
          .min_delay_s = config.min_delay_s,
          .has_seed = false,
          .seed = 0};
}

heron_status heron_tick_scheduler_create(int32_t n_lane, uint64_t seed, double start_time_s,
                                         heron_tick_scheduler** scheduler) {
  return create(scheduler, "scheduler", n_lane, seed, start_time_s);
}

void heron_tick_scheduler_destroy(heron_tick_scheduler* scheduler) { delete scheduler; }

heron_status heron_tick_scheduler_register(heron_tick_scheduler* scheduler,
                                           const heron_tick_config* config,
                                           const double* first_tick_s, int32_t tick_priority,
                                           int32_t* agent) {
  return guarded([&] {
    int32_t& number = required(agent, "agent");
    number = required(scheduler, "scheduler")
                 .register_agent(from_c(required(config, "config")), optional(first_tick_s),
                                 tick_priority);
  });
}

heron_status heron_tick_scheduler_register_again(heron_tick_scheduler* scheduler, int32_t agent,
                                                 const heron_tick_config* config,
                                                 const double* first_tick_s,
                                                 int32_t tick_priority) {
  return guarded([&] {
    required(scheduler, "scheduler")
        .register_again(agent, from_c(required(config, "config")), optional(first_tick_s),
                        tick_priority);
  });
}

heron_status heron_tick_scheduler_unregister(heron_tick_scheduler* scheduler, int32_t agent) {
  return guarded([&] { required(scheduler, "scheduler").unregister_agent(agent); });
}

heron_status heron_tick_scheduler_schedule(heron_tick_scheduler* scheduler, int32_t lane,
                                           double time_s, heron_event_type type, int32_t agent,
                                           int32_t priority, int64_t payload,
                                           heron_event_handle* handle) {
  return guarded([&] {
    const EventHandle scheduled =
        required(scheduler, "scheduler")
            .schedule(lane, time_s, event_type(type), agent, priority, payload);
    assign(handle, static_cast<heron_event_handle>(scheduled));
  });
}

heron_status heron_tick_scheduler_cancel(heron_tick_scheduler* scheduler, int32_t lane,
                                         heron_event_handle handle, bool* was_pending) {
  return guarded([&] {
    assign(was_pending, required(scheduler, "scheduler").cancel(lane, EventHandle{handle}));
  });
}

heron_status heron_tick_scheduler_draw(heron_tick_scheduler* scheduler, int32_t lane, int32_t agent,
                                       heron_timing timing, double* drawn_s) {
  return guarded([&] {
    double& drawn = required(drawn_s, "drawn_s");
    drawn = required(scheduler, "scheduler")
                .draw_s(lane, agent,
                        choice<heron::Stream>(timing, heron::kTimingStreamCount, "timing"));
  });
}

heron_status heron_tick_scheduler_set_handler(heron_tick_scheduler* scheduler,
                                              heron_event_type type, heron_handler handler,
                                              void* context) {
  return guarded([&] {
    required(scheduler, "scheduler").set_handler(event_type(type), handler_of(handler, context));
  });
}

heron_status heron_tick_scheduler_run_until(heron_tick_scheduler* scheduler, int32_t lane,
                                            double t_end_s, uint64_t max_events,
                                            uint64_t* n_event) {
  return guarded([&] {
    assign(n_event, required(scheduler, "scheduler").run_until(lane, t_end_s, max_events));
  });
}

heron_status heron_tick_scheduler_run_all_until(heron_tick_scheduler* scheduler, double t_end_s,
                                                int32_t n_thread, uint64_t* n_event) {
  return guarded(
      [&] { assign(n_event, required(scheduler, "scheduler").run_all_until(t_end_s, n_thread)); });
}

heron_status heron_tick_scheduler_set_surfacing(heron_tick_scheduler* scheduler, int32_t agent,
                                                bool is_surfacing) {
  return guarded([&] { required(scheduler, "scheduler").set_surfacing(agent, is_surfacing); });
}

heron_status heron_tick_scheduler_set_surfacing_type(heron_tick_scheduler* scheduler,
                                                     heron_event_type type, bool is_surfacing) {
  return guarded(
      [&] { required(scheduler, "scheduler").set_surfacing_type(event_type(type), is_surfacing); });
}

heron_status heron_tick_scheduler_next_due(heron_tick_scheduler* scheduler, double t_end_s,
                                           int32_t n_thread, heron_due_events* due) {
  return guarded([&] {
    static_assert(sizeof(EventType) == sizeof(uint8_t));
    heron_tick_scheduler& target = required(scheduler, "scheduler");
    heron_due_events& result = required(due, "due");
    target.next_due(t_end_s, target.due, n_thread);
    const heron::DueEvents& found = target.due;
    result = {.n_event = found.size(),
              .lane = found.lane.data(),
              .agent = found.agent.data(),
              .time_s = found.time_s.data(),
              .type = reinterpret_cast<const uint8_t*>(found.type.data()),
              .payload = found.payload.data()};
  });
}

heron_status heron_tick_scheduler_clear(heron_tick_scheduler* scheduler, int32_t lane) {
  return guarded([&] { required(scheduler, "scheduler").clear(lane); });
}

heron_status heron_tick_scheduler_reset(heron_tick_scheduler* scheduler, int32_t lane,
                                        double start_time_s) {
  return guarded([&] { required(scheduler, "scheduler").reset(lane, start_time_s); });
}

heron_status heron_tick_scheduler_seed_lane(heron_tick_scheduler* scheduler, int32_t lane,
                                            uint64_t seed, uint64_t lane_key) {
  return guarded([&] { required(scheduler, "scheduler").seed_lane(lane, seed, lane_key); });
}

heron_status heron_tick_scheduler_now(const heron_tick_scheduler* scheduler, int32_t lane,
                                      double* now_s) {
  return guarded([&] { required(now_s, "now_s") = required(scheduler, "scheduler").now_s(lane); });
}

heron_status heron_tick_scheduler_pending(const heron_tick_scheduler* scheduler, int32_t lane,
                                          size_t* n_event) {
  return guarded(
      [&] { required(n_event, "n_event") = required(scheduler, "scheduler").n_pending(lane); });
}

heron_status heron_tick_scheduler_processed(const heron_tick_scheduler* scheduler, int32_t lane,
                                            uint64_t* n_event) {
  return guarded(
      [&] { required(n_event, "n_event") = required(scheduler, "scheduler").n_processed(lane); });
}

}  // extern "C"
