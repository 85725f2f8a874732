/* The HERON core for C11 programs, and for every language that calls C.
 *
 * Rules of the whole header:
 *  - A call returns HERON_OK, or a status that says why not. After a failure heron_last_error()
 *    tells what came, what was expected and what to do; results behind pointers are not written.
 *  - Times are seconds of simulated time.
 *  - Objects are made by ..._create and freed by ..._destroy (NULL is allowed there). They keep
 *    copies of what they are given; pointers that they hand out say how long they are good.
 *  - An array is a pointer and its number of elements; NULL is allowed for none.
 *  - A result or argument "or NULL" may be left out; every other pointer must be given.
 *  - An object serves one thread at a time; where more is allowed, it is said.
 *
 * The C++ headers, heron/<name>.hpp, hold the same objects with a few more members, and explain the
 * order of events, the draws and the faults. */
#ifndef HERON_H
#define HERON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define HERON_VERSION "0.1.0"

/* --- errors --------------------------------------------------------------------------------- */

typedef int32_t heron_status;
enum {
  HERON_OK = 0,
  HERON_INVALID_ARGUMENT = 1, /* the object is unchanged */
  HERON_QUEUE_FULL = 2,       /* under HERON_REJECT; the message was not taken */
  HERON_HANDLER_FAILED = 3,   /* for handlers to return; any other number but 0 works as well */
  HERON_OUT_OF_MEMORY = 4,
  HERON_INTERNAL_ERROR = 5
};

/* Text of the failure that this thread's last call returned; good until its next call. */
const char* heron_last_error(void);
/* Version of the library that was linked; HERON_VERSION is that of this header. */
const char* heron_version(void);

/* --- event queue: the total order (time_s, priority, sequence) ------------------------------- */

typedef struct heron_event_queue heron_event_queue;
typedef uint64_t heron_event_handle; /* names a pushed event until it leaves */

typedef struct heron_event {
  double time_s;
  int32_t priority;  /* smaller leaves first among equal times */
  uint64_t sequence; /* number of the push; decides among equal times and priorities */
  int64_t payload;   /* the caller's own number */
} heron_event;

heron_status heron_event_queue_create(double start_time_s, heron_event_queue** queue);
void heron_event_queue_destroy(heron_event_queue* queue);
/* Refused: a time that is not finite, or before the last popped one. handle or NULL. */
heron_status heron_event_queue_push(heron_event_queue* queue, double time_s, int32_t priority,
                                    int64_t payload, heron_event_handle* handle);
/* All n_event, or none. handle[n_event] or NULL. */
heron_status heron_event_queue_push_batch(heron_event_queue* queue, size_t n_event,
                                          const double* time_s, const int32_t* priority,
                                          const int64_t* payload, heron_event_handle* handle);
/* was_pending, or NULL, is false if the event had left before. */
heron_status heron_event_queue_cancel(heron_event_queue* queue, heron_event_handle handle,
                                      bool* was_pending);
/* The next event, which stays, or which leaves. If there is none, has_event is false and event
 * untouched. */
heron_status heron_event_queue_peek(const heron_event_queue* queue, bool* has_event,
                                    heron_event* event);
heron_status heron_event_queue_pop(heron_event_queue* queue, bool* has_event, heron_event* event);
/* Take the events up to and including t_end_s, at most capacity of them. */
heron_status heron_event_queue_pop_until(heron_event_queue* queue, double t_end_s,
                                         heron_event* event, size_t capacity, size_t* n_event);
heron_status heron_event_queue_clear(heron_event_queue* queue);
heron_status heron_event_queue_reset(heron_event_queue* queue, double start_time_s);
heron_status heron_event_queue_size(const heron_event_queue* queue, size_t* n_event);
heron_status heron_event_queue_now(const heron_event_queue* queue, double* now_s);

/* --- tick scheduler: agents with jittered timing, in many lanes ------------------------------ */

typedef struct heron_tick_scheduler heron_tick_scheduler;

typedef int32_t heron_event_type;
enum {
  HERON_AGENT_TICK = 0,
  HERON_ACTION_EFFECT = 1,
  HERON_MESSAGE_DELIVERY = 2,
  HERON_OBSERVATION_READY = 3,
  HERON_ENV_UPDATE = 4,
  HERON_CUSTOM = 5
};

typedef int32_t heron_jitter;
enum { HERON_JITTER_NONE = 0, HERON_JITTER_UNIFORM = 1, HERON_JITTER_GAUSSIAN = 2 };

/* Which timing heron_tick_scheduler_draw draws. */
typedef int32_t heron_timing;
enum { HERON_TICK_INTERVAL = 0, HERON_OBS_DELAY = 1, HERON_ACT_DELAY = 2, HERON_MSG_DELAY = 3 };

enum { HERON_NO_AGENT = -1 };

typedef struct heron_tick_config {
  double tick_interval_s; /* at least 0.001 */
  double obs_delay_s;     /* age of what is observed */
  double act_delay_s;     /* until an action takes effect */
  double msg_delay_s;     /* travel time of a message */
  heron_jitter jitter;
  double jitter_ratio; /* uniform: half width, Gaussian: standard deviation [of the base value] */
  double min_delay_s;  /* least delay that jitter may leave */
  bool has_seed;       /* draws of the agent's own, keyed by seed */
  uint64_t seed;
} heron_tick_config;

typedef struct heron_tick_event {
  double time_s;
  int32_t priority;
  uint64_t sequence; /* counted from 0 in each lane */
  heron_event_type type;
  bool is_periodic; /* the tick that re-arms itself */
  int32_t lane;
  int32_t agent; /* or HERON_NO_AGENT */
  int64_t payload;
} heron_tick_event;

/* Events that surfaced, side by side, ordered by lane and then as they are due. */
typedef struct heron_due_events {
  size_t n_event;
  const int32_t* lane;
  const int32_t* agent;
  const double* time_s;
  const uint8_t* type; /* a heron_event_type each */
  const int64_t* payload;
} heron_due_events;

/* Handles one event, on the thread of its lane. May call the scheduler for that lane. Anything but
 * HERON_OK stops the run, which then returns this status; leave by return only. */
typedef heron_status (*heron_handler)(heron_tick_scheduler* scheduler,
                                      const heron_tick_event* event, void* context);

/* A tick a second, no delays, no jitter. */
heron_tick_config heron_default_tick_config(void);
heron_status heron_tick_scheduler_create(int32_t n_lane, uint64_t seed, double start_time_s,
                                         heron_tick_scheduler** scheduler);
void heron_tick_scheduler_destroy(heron_tick_scheduler* scheduler);

/* Add an agent to every lane. Its first tick is at first_tick_s, or at the lane's now if NULL.
 * Agents are numbered 0, 1, 2, ... */
heron_status heron_tick_scheduler_register(heron_tick_scheduler* scheduler,
                                           const heron_tick_config* config,
                                           const double* first_tick_s, int32_t tick_priority,
                                           int32_t* agent);
heron_status heron_tick_scheduler_register_again(heron_tick_scheduler* scheduler, int32_t agent,
                                                 const heron_tick_config* config,
                                                 const double* first_tick_s, int32_t tick_priority);
/* Its pending events are counted and skipped when their time comes. */
heron_status heron_tick_scheduler_unregister(heron_tick_scheduler* scheduler, int32_t agent);

/* Refused: a time that is not finite, or before the lane's now. handle or NULL. */
heron_status heron_tick_scheduler_schedule(heron_tick_scheduler* scheduler, int32_t lane,
                                           double time_s, heron_event_type type, int32_t agent,
                                           int32_t priority, int64_t payload,
                                           heron_event_handle* handle);
/* was_pending, or NULL, is false if the event had left before. */
heron_status heron_tick_scheduler_cancel(heron_tick_scheduler* scheduler, int32_t lane,
                                         heron_event_handle handle, bool* was_pending);
/* Draw one of a registered agent's timings; the next draw of the same one differs. */
heron_status heron_tick_scheduler_draw(heron_tick_scheduler* scheduler, int32_t lane, int32_t agent,
                                       heron_timing timing, double* drawn_s);

/* A handler for a type of event, or NULL for none. The context is passed to it and must outlive
 * the scheduler or the next handler of this type; with several threads, handlers of different
 * lanes share it at once. */
heron_status heron_tick_scheduler_set_handler(heron_tick_scheduler* scheduler,
                                              heron_event_type type, heron_handler handler,
                                              void* context);
/* Handle the events up to and including t_end_s, in one lane (at most max_events) or in all (on
 * n_thread threads; results do not depend on it). n_event, or NULL, counts skipped ones too. */
heron_status heron_tick_scheduler_run_until(heron_tick_scheduler* scheduler, int32_t lane,
                                            double t_end_s, uint64_t max_events, uint64_t* n_event);
heron_status heron_tick_scheduler_run_all_until(heron_tick_scheduler* scheduler, double t_end_s,
                                                int32_t n_thread, uint64_t* n_event);

/* Which events surface in next_due: ticks of every agent do, unless switched off here. */
heron_status heron_tick_scheduler_set_surfacing(heron_tick_scheduler* scheduler, int32_t agent,
                                                bool is_surfacing);
heron_status heron_tick_scheduler_set_surfacing_type(heron_tick_scheduler* scheduler,
                                                     heron_event_type type, bool is_surfacing);
/* Run every lane to its next decision: its first surfacing event up to t_end_s, with those that
 * follow directly at the same time, priority and type. The next call finishes them, which arms the
 * next ticks. The arrays are good until the next call for this scheduler; none is left if n_event
 * is 0. */
heron_status heron_tick_scheduler_next_due(heron_tick_scheduler* scheduler, double t_end_s,
                                           int32_t n_thread, heron_due_events* due);

/* Drop a lane's pending events, or start it again with the first tick of every agent. */
heron_status heron_tick_scheduler_clear(heron_tick_scheduler* scheduler, int32_t lane);
heron_status heron_tick_scheduler_reset(heron_tick_scheduler* scheduler, int32_t lane,
                                        double start_time_s);
/* Key of the lane's draws from its next reset on. */
heron_status heron_tick_scheduler_seed_lane(heron_tick_scheduler* scheduler, int32_t lane,
                                            uint64_t seed, uint64_t lane_key);
heron_status heron_tick_scheduler_now(const heron_tick_scheduler* scheduler, int32_t lane,
                                      double* now_s);
heron_status heron_tick_scheduler_pending(const heron_tick_scheduler* scheduler, int32_t lane,
                                          size_t* n_event);
heron_status heron_tick_scheduler_processed(const heron_tick_scheduler* scheduler, int32_t lane,
                                            uint64_t* n_event);

/* --- message broker: bounded queues of unread messages; any thread may call it at any time --- */

typedef struct heron_message_broker heron_message_broker;

typedef int32_t heron_queue_policy; /* what happens when a queue has no room */
enum { HERON_DROP_OLDEST = 0, HERON_DROP_NEWEST = 1, HERON_REJECT = 2 };

typedef struct heron_message {
  int32_t channel; /* from heron_message_broker_intern_channel */
  int32_t env;     /* a courier puts the lane here */
  int32_t sender;
  int32_t recipient;
  int32_t type;
  double time_s;   /* when it was sent */
  int64_t payload; /* the caller's own number */
} heron_message;

/* published = consumed + dropped_oldest + dropped_newest + cleared + still unread. */
typedef struct heron_broker_counters {
  uint64_t published;
  uint64_t consumed;
  uint64_t dropped_oldest;
  uint64_t dropped_newest;
  uint64_t rejected;
  uint64_t cleared;
} heron_broker_counters;

/* Gets the payload of every message that leaves unread: dropped, cleared, or left when the broker
 * goes. A consumed payload is the consumer's, a rejected one stays the publisher's. */
typedef void (*heron_release)(int64_t payload, void* context);

/* release or NULL; its context must outlive the broker. */
heron_status heron_message_broker_create(size_t capacity, heron_queue_policy policy,
                                         heron_release release, void* context,
                                         heron_message_broker** broker);
void heron_message_broker_destroy(heron_message_broker* broker);
/* The number of a channel's name, given at first use. */
heron_status heron_message_broker_intern_channel(heron_message_broker* broker, const char* name,
                                                 int32_t* channel);
heron_status heron_message_broker_configure_channel(heron_message_broker* broker, int32_t channel,
                                                    size_t capacity, heron_queue_policy policy);
/* was_accepted, or NULL, is false if the message was dropped. */
heron_status heron_message_broker_publish(heron_message_broker* broker,
                                          const heron_message* message, bool* was_accepted);
/* Take out the oldest unread messages of one queue, at most capacity of them. */
heron_status heron_message_broker_consume(heron_message_broker* broker, int32_t channel,
                                          int32_t recipient, int32_t env, heron_message* message,
                                          size_t capacity, size_t* n_message);
heron_status heron_message_broker_unread(const heron_message_broker* broker, size_t* n_message);
/* Drop what one environment has not read. n_message or NULL. */
heron_status heron_message_broker_clear_environment(heron_message_broker* broker, int32_t env,
                                                    size_t* n_message);
heron_status heron_message_broker_counters(const heron_message_broker* broker,
                                           heron_broker_counters* counters);

/* --- message courier: delay, loss, duplication, reordering and outages on the way ------------ */

typedef struct heron_message_courier heron_message_courier;

typedef struct heron_outage {
  double start_s; /* what is sent in [start_s, end_s) is lost */
  double end_s;
  int32_t sender; /* -1: every sender */
} heron_outage;

/* Probabilities in [0, 1]. All zero: no faults. */
typedef struct heron_message_faults {
  double loss;
  double duplication;
  double reordering;         /* of being held back */
  double reordering_delay_s; /* for a time uniform in [0, reordering_delay_s) */
  const heron_outage* outages;
  size_t n_outage;
} heron_message_faults;

/* sent + duplicated = delivered + rejected + lost + outage + cancelled + still in flight. */
typedef struct heron_courier_counters {
  uint64_t sent;
  uint64_t delivered; /* copies handed to the broker, which may drop one for want of room */
  uint64_t rejected;  /* copies that came to a full queue under HERON_REJECT */
  uint64_t lost;
  uint64_t outage;
  uint64_t duplicated;
  uint64_t held_back;
  uint64_t cancelled;
} heron_courier_counters;

/* faults or NULL. Scheduler and broker must outlive the courier. Lanes may send from different
 * threads. */
heron_status heron_message_courier_create(heron_tick_scheduler* scheduler,
                                          heron_message_broker* broker,
                                          const heron_message_faults* faults, uint64_t seed,
                                          int32_t delivery_priority,
                                          heron_message_courier** courier);
/* What is in flight goes to the broker's release. A scheduler to which it is attached must not run
 * any more. */
void heron_message_courier_destroy(heron_message_courier* courier);
/* Make the courier the scheduler's handler of HERON_MESSAGE_DELIVERY. */
heron_status heron_message_courier_attach(heron_message_courier* courier);
/* Send at the lane's now. delay_s, or NULL for one drawn from the sender's msg_delay_s. n_copy, or
 * NULL: how many copies travel (0, 1 or 2); so many times the payload is delivered or released. */
heron_status heron_message_courier_send(heron_message_courier* courier, int32_t lane,
                                        int32_t channel, int32_t sender, int32_t recipient,
                                        int32_t type, int64_t payload, const double* delay_s,
                                        int32_t* n_copy);
/* For handlers of one's own instead of attach. was_in_flight, or NULL, is false if the message of
 * the event was delivered or cleared before. */
heron_status heron_message_courier_deliver(heron_message_courier* courier,
                                           const heron_tick_event* event, bool* was_in_flight);
/* Forget what is in flight: with every clear or reset of the scheduler's lane. */
heron_status heron_message_courier_clear(heron_message_courier* courier, int32_t lane);
heron_status heron_message_courier_seed_lane(heron_message_courier* courier, int32_t lane,
                                             uint64_t seed, uint64_t lane_key);
heron_status heron_message_courier_in_flight(const heron_message_courier* courier, int32_t lane,
                                             size_t* n_message);
heron_status heron_message_courier_counters(const heron_message_courier* courier, int32_t lane,
                                            heron_courier_counters* counters);

/* --- features: who owns which slots, and who may see them ------------------------------------ */

typedef struct heron_feature_layout heron_feature_layout;

/* May be or-ed: any one that allows it is enough. */
enum {
  HERON_VISIBLE_TO_NOBODY = 0,
  HERON_VISIBLE_TO_ALL = 1,
  HERON_VISIBLE_TO_OWNER = 2,
  HERON_VISIBLE_TO_UPPER_LEVEL = 4, /* agents exactly one level above the owner */
  HERON_VISIBLE_TO_SYSTEM = 8       /* agents of level 3 and up */
};

heron_status heron_feature_layout_create(heron_feature_layout** layout);
void heron_feature_layout_destroy(heron_feature_layout* layout);
/* Reserve the next n_slot slots. first_slot or NULL. */
heron_status heron_feature_layout_add_block(heron_feature_layout* layout, const char* owner,
                                            const char* name, int32_t n_slot, int32_t owner_level,
                                            uint8_t visibility, int32_t* first_slot);
heron_status heron_feature_layout_n_slot(const heron_feature_layout* layout, int32_t* n_slot);
/* Slots that an agent may see, ascending, of one owner or, if NULL, of all. n_slot is how many
 * there are; the first capacity of them are written. */
heron_status heron_feature_layout_visible_slots(const heron_feature_layout* layout,
                                                const char* requestor, int32_t requestor_level,
                                                const char* owner, int32_t* slot, size_t capacity,
                                                size_t* n_slot);

/* --- feature table: [n_slot, n_lane] of double, with a ring of past states a lane ------------ */

typedef struct heron_feature_table heron_feature_table;

/* Lanes may be written and read from different threads. */
heron_status heron_feature_table_create(int32_t n_slot, int32_t n_lane, int32_t n_history,
                                        heron_feature_table** table);
void heron_feature_table_destroy(heron_feature_table* table);
/* Slot s of lane l is data[s * lane_stride + l]; it never moves, and lives as long as the table. */
heron_status heron_feature_table_data(heron_feature_table* table, double** data,
                                      size_t* lane_stride);
/* Keep the present state of n_lane lanes, or of all, each under a time that does not go back. */
heron_status heron_feature_table_snapshot(heron_feature_table* table, const int32_t* lane,
                                          const double* time_s, size_t n_lane);
heron_status heron_feature_table_snapshot_all(heron_feature_table* table, double time_s);
heron_status heron_feature_table_clear_history(heron_feature_table* table, int32_t lane);
/* A gather list: which slots an observation holds, in which order. */
heron_status heron_feature_table_add_observer(heron_feature_table* table, const int32_t* slot,
                                              size_t n_slot, int32_t* observer);
/* Row i of out, of row_length values, gets what observer[i] sees of lane[i] now; what is left of
 * the row is 0. */
heron_status heron_feature_table_gather_f64(const heron_feature_table* table,
                                            const int32_t* observer, const int32_t* lane,
                                            size_t n_row, double* out, size_t row_length);
heron_status heron_feature_table_gather_f32(const heron_feature_table* table,
                                            const int32_t* observer, const int32_t* lane,
                                            size_t n_row, float* out, size_t row_length);
/* The same as of time_s[i]: from the newest snapshot that is not younger. Without one the row is 0
 * and is_stale[i] is 1. */
heron_status heron_feature_table_gather_as_of_f64(const heron_feature_table* table,
                                                  const int32_t* observer, const int32_t* lane,
                                                  const double* time_s, size_t n_row, double* out,
                                                  size_t row_length, uint8_t* is_stale);
heron_status heron_feature_table_gather_as_of_f32(const heron_feature_table* table,
                                                  const int32_t* observer, const int32_t* lane,
                                                  const double* time_s, size_t n_row, float* out,
                                                  size_t row_length, uint8_t* is_stale);

#ifdef __cplusplus
}
#endif

#endif
