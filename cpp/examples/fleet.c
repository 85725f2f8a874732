/* A winter day of 100 thermostats and a coordinator who keeps their total heat under a limit, with
 * late observations, late actions, and messages that are delayed, lost, doubled and overtaken.
 *
 * Thermostats report their heat, the coordinator answers with set-points. fleet.cpp is the same
 * program in C++ and prints the same numbers. */
#include <heron.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "fleet.h"

typedef struct fleet {
  heron_tick_scheduler* scheduler;
  heron_message_broker* broker;
  heron_message_courier* courier;
  heron_feature_table* table;
  double (*room)[kSlotCount];   /* of the table: one lane, so a slot's stride is 1 */
  int32_t reports, set_points;  /* channels */
  double sent_s[2][kRoomCount]; /* by type and room: the newest message that was read */
  double reported_w[kRoomCount];
  double set_point_c; /* the coordinator's */
  double error_sum_k, peak_w;
  int n_error, n_too_early;
} fleet;

static void check(heron_status status) {
  if (status == HERON_OK) return;
  fprintf(stderr, "heron: status %" PRId32 ": %s\n", status, heron_last_error());
  exit(2);
}

/* Messages overtake each other: one sent before the newest that was read is out of date. */
static void receive(fleet* self, int32_t channel, int32_t recipient, double now_s) {
  heron_message inbox[kCapacity];
  size_t n_message = 0;
  check(heron_message_broker_consume(self->broker, channel, recipient, kLane, inbox, kCapacity,
                                     &n_message));
  for (size_t i = 0; i < n_message; ++i) {
    const heron_message* message = &inbox[i];
    if (now_s < message->time_s + kMinDelay_s) ++self->n_too_early;
    const int32_t number = message->type == kReport ? message->sender : recipient;
    double* newest_s = &self->sent_s[message->type][number];
    if (message->time_s < *newest_s) continue;
    *newest_s = message->time_s;
    if (message->type == kReport) {
      self->reported_w[number] = (double)message->payload;
    } else {
      self->room[number][kSetPoint_c] = (double)message->payload / 1000.0;
    }
  }
}

/* A thermostat sees its room as it was some time ago, and what it does takes effect later. */
static void control(fleet* self, int32_t thermostat, double now_s) {
  const int32_t lane = kLane;
  double delay_s = 0.0, seen[kSlotCount];
  uint8_t is_stale = 0;
  receive(self, self->set_points, thermostat, now_s);
  check(heron_tick_scheduler_draw(self->scheduler, kLane, thermostat, HERON_OBS_DELAY, &delay_s));
  const double as_of_s = now_s - delay_s;
  check(heron_feature_table_gather_as_of_f64(self->table, &thermostat, &lane, &as_of_s, 1, seen,
                                             kSlotCount, &is_stale));
  if (is_stale) return; /* nothing is as old as that yet */
  const double wanted_w = kGain_w_per_k * (seen[kSetPoint_c] - seen[kTemperature_c]);
  const int64_t heat_w = (int64_t)clamp(wanted_w, 0.0, kMaxHeat_w);
  check(heron_tick_scheduler_draw(self->scheduler, kLane, thermostat, HERON_ACT_DELAY, &delay_s));
  check(heron_tick_scheduler_schedule(self->scheduler, kLane, now_s + delay_s, HERON_ACTION_EFFECT,
                                      thermostat, 0, heat_w, NULL));
  check(heron_message_courier_send(self->courier, kLane, self->reports, thermostat, kCoordinator,
                                   kReport, heat_w, NULL, NULL));
}

/* The coordinator moves the set-point to the hour's, or down while the rooms report too much. */
static void coordinate(fleet* self, double now_s) {
  double total_w = 0.0;
  receive(self, self->reports, kCoordinator, now_s);
  for (int number = 0; number < kRoomCount; ++number) total_w += self->reported_w[number];
  self->set_point_c +=
      clamp(wanted_c(now_s, total_w) - self->set_point_c, -kSetPointStep_k, kSetPointStep_k);
  for (int32_t number = 0; number < kRoomCount; ++number) {
    check(heron_message_courier_send(self->courier, kLane, self->set_points, kCoordinator, number,
                                     kSetPoint, (int64_t)(1000.0 * self->set_point_c), NULL, NULL));
  }
}

/* The physics of the last step, then a snapshot for those who look back. */
static void advance(fleet* self, double now_s) {
  double total_w = 0.0;
  for (int number = 0; number < kRoomCount; ++number) {
    double* slots = self->room[number];
    const double heat_w = slots[kHeat_w] - loss_w(number, slots[kTemperature_c], now_s);
    slots[kTemperature_c] += kStep_s * heat_w / kRoom_j_per_k;
    self->error_sum_k += fabs(slots[kTemperature_c] - slots[kSetPoint_c]);
    ++self->n_error;
    total_w += slots[kHeat_w];
  }
  self->peak_w = fmax(self->peak_w, total_w);
  check(heron_feature_table_snapshot_all(self->table, now_s));
  check(heron_tick_scheduler_schedule(self->scheduler, kLane, now_s + kStep_s, HERON_ENV_UPDATE,
                                      HERON_NO_AGENT, 0, 0, NULL));
}

static heron_status on_event(heron_tick_scheduler* scheduler, const heron_tick_event* event,
                             void* context) {
  fleet* self = context;
  (void)scheduler; /* the fleet's own */
  if (event->type == HERON_ENV_UPDATE) {
    advance(self, event->time_s);
  } else if (event->type == HERON_ACTION_EFFECT) {
    self->room[event->agent][kHeat_w] = (double)event->payload;
  } else if (event->agent == kCoordinator) {
    coordinate(self, event->time_s);
  } else {
    control(self, event->agent, event->time_s);
  }
  return HERON_OK;
}

static void register_agent(fleet* self, double interval_s) {
  heron_tick_config config = heron_default_tick_config();
  int32_t agent;
  config.tick_interval_s = interval_s;
  config.obs_delay_s = 90.0;
  config.act_delay_s = 5.0;
  config.msg_delay_s = 2.0;
  config.jitter = HERON_JITTER_UNIFORM;
  config.min_delay_s = kMinDelay_s;
  check(heron_tick_scheduler_register(self->scheduler, &config, NULL, 0, &agent));
}

static void set_up(fleet* self) {
  const heron_outage outage = {.start_s = 6.0 * kHour_s, .end_s = 8.0 * kHour_s, .sender = 7};
  const heron_message_faults faults = {.loss = 0.05,
                                       .duplication = 0.02,
                                       .reordering = 0.1,
                                       .reordering_delay_s = 400.0,
                                       .outages = &outage,
                                       .n_outage = 1};
  heron_feature_layout* layout;
  double* data;
  size_t stride, n_slot;
  check(heron_feature_layout_create(&layout));
  check(heron_feature_table_create(kRoomCount * kSlotCount, 1, 16, &self->table));
  check(heron_tick_scheduler_create(1, kSeed, 0.0, &self->scheduler));
  check(heron_message_broker_create(kCapacity, HERON_DROP_OLDEST, NULL, NULL, &self->broker));
  check(heron_message_courier_create(self->scheduler, self->broker, &faults, kSeed, 1,
                                     &self->courier));
  check(heron_message_broker_intern_channel(self->broker, "reports", &self->reports));
  check(heron_message_broker_intern_channel(self->broker, "set points", &self->set_points));
  check(heron_feature_table_data(self->table, &data, &stride));
  self->room = (double (*)[kSlotCount])data;
  self->set_point_c = kFirstSetPoint_c;
  for (int number = 0; number < kRoomCount; ++number) {
    char name[16];
    int32_t slots[kSlotCount], observer;
    self->room[number][kTemperature_c] = kFirstRoom_c;
    self->room[number][kSetPoint_c] = self->set_point_c;
    snprintf(name, sizeof name, "room %d", number);
    check(heron_feature_layout_add_block(layout, name, "climate", kSlotCount, 1,
                                         HERON_VISIBLE_TO_OWNER, NULL));
    check(heron_feature_layout_visible_slots(layout, name, 1, NULL, slots, kSlotCount, &n_slot));
    check(heron_feature_table_add_observer(self->table, slots, n_slot, &observer));
    register_agent(self, kThermostat_s);
  }
  register_agent(self, kCoordinator_s);
  heron_feature_layout_destroy(layout);
  const heron_event_type handled[] = {HERON_AGENT_TICK, HERON_ACTION_EFFECT, HERON_ENV_UPDATE};
  for (int i = 0; i < 3; ++i) {
    check(heron_tick_scheduler_set_handler(self->scheduler, handled[i], on_event, self));
  }
  check(heron_message_courier_attach(self->courier));
  check(heron_tick_scheduler_schedule(self->scheduler, kLane, kStep_s, HERON_ENV_UPDATE,
                                      HERON_NO_AGENT, 0, 0, NULL));
}

static int run(fleet* self) {
  heron_courier_counters sent;
  heron_broker_counters queued;
  size_t n_in_flight, n_unread;
  uint64_t n_event;
  check(heron_tick_scheduler_run_until(self->scheduler, kLane, kDay_s, UINT64_MAX, &n_event));
  check(heron_message_courier_counters(self->courier, kLane, &sent));
  check(heron_message_courier_in_flight(self->courier, kLane, &n_in_flight));
  check(heron_message_broker_counters(self->broker, &queued));
  check(heron_message_broker_unread(self->broker, &n_unread));
  printf("events      %9" PRIu64 "\nsent        %9" PRIu64 "\n", n_event, sent.sent);
  printf("lost        %9" PRIu64 "\nin outage   %9" PRIu64 "\n", sent.lost, sent.outage);
  printf("duplicated  %9" PRIu64 "\ndelivered   %9" PRIu64 "\n", sent.duplicated, sent.delivered);
  printf("in flight   %9zu\nunread      %9zu\n", n_in_flight, n_unread);
  printf("error [K]   %9.4f\n", self->error_sum_k / self->n_error);
  printf("peak [kW]   %9.3f\n", self->peak_w / 1000.0);

  const bool is_closed =
      sent.sent + sent.duplicated == sent.delivered + sent.lost + sent.outage + n_in_flight &&
      sent.delivered == queued.published && queued.published == queued.consumed + n_unread;
  if (!is_closed) fputs("the counters of messages do not close\n", stderr);
  if (self->n_too_early > 0) fputs("a message arrived before it could\n", stderr);
  return is_closed && self->n_too_early == 0 ? 0 : 1;
}

int main(void) {
  fleet self = {0};
  set_up(&self);
  const int status = run(&self);
  heron_message_courier_destroy(self.courier);
  heron_message_broker_destroy(self.broker);
  heron_tick_scheduler_destroy(self.scheduler);
  heron_feature_table_destroy(self.table);
  return status;
}
