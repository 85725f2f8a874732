#include "heron/message_courier.hpp"

#include "handles.hpp"

using namespace heron::c_api;
using heron::MessageFaults;

namespace {

MessageFaults from_c(const heron_message_faults& faults) {
  MessageFaults result{.loss = faults.loss,
                       .duplication = faults.duplication,
                       .reordering = faults.reordering,
                       .reordering_delay_s = faults.reordering_delay_s,
                       .outages = {}};
  for (const heron_outage& outage : array(faults.outages, faults.n_outage, "faults.outages")) {
    result.outages.push_back({outage.start_s, outage.end_s, outage.sender});
  }
  return result;
}

}  // namespace

extern "C" {

heron_status heron_message_courier_create(heron_tick_scheduler* scheduler,
                                          heron_message_broker* broker,
                                          const heron_message_faults* faults, uint64_t seed,
                                          int32_t delivery_priority,
                                          heron_message_courier** courier) {
  return guarded([&] {
    heron_message_courier*& created = required(courier, "courier");
    created = std::make_unique<heron_message_courier>(
                  required(scheduler, "scheduler"), required(broker, "broker"),
                  faults == nullptr ? MessageFaults{} : from_c(*faults), seed, delivery_priority)
                  .release();
  });
}

void heron_message_courier_destroy(heron_message_courier* courier) { delete courier; }

heron_status heron_message_courier_attach(heron_message_courier* courier) {
  return guarded([&] { required(courier, "courier").attach(); });
}

heron_status heron_message_courier_send(heron_message_courier* courier, int32_t lane,
                                        int32_t channel, int32_t sender, int32_t recipient,
                                        int32_t type, int64_t payload, const double* delay_s,
                                        int32_t* n_copy) {
  return guarded([&] {
    const int n_travelling =
        required(courier, "courier")
            .send(lane, channel, sender, recipient, type, payload, optional(delay_s));
    assign(n_copy, int32_t{n_travelling});
  });
}

heron_status heron_message_courier_deliver(heron_message_courier* courier,
                                           const heron_tick_event* event, bool* was_in_flight) {
  return guarded([&] {
    const heron::TickEvent delivered = heron::c_api::from_c(required(event, "event"));
    assign(was_in_flight, required(courier, "courier").deliver(delivered));
  });
}

heron_status heron_message_courier_clear(heron_message_courier* courier, int32_t lane) {
  return guarded([&] { required(courier, "courier").clear(lane); });
}

heron_status heron_message_courier_seed_lane(heron_message_courier* courier, int32_t lane,
                                             uint64_t seed, uint64_t lane_key) {
  return guarded([&] { required(courier, "courier").seed_lane(lane, seed, lane_key); });
}

heron_status heron_message_courier_in_flight(const heron_message_courier* courier, int32_t lane,
                                             size_t* n_message) {
  return guarded(
      [&] { required(n_message, "n_message") = required(courier, "courier").n_in_flight(lane); });
}

heron_status heron_message_courier_counters(const heron_message_courier* courier, int32_t lane,
                                            heron_courier_counters* counters) {
  return guarded([&] {
    const heron::CourierCounters found = required(courier, "courier").counters(lane);
    required(counters, "counters") = {.sent = found.sent,
                                      .delivered = found.delivered,
                                      .rejected = found.rejected,
                                      .lost = found.lost,
                                      .outage = found.outage,
                                      .duplicated = found.duplicated,
                                      .held_back = found.held_back,
                                      .cancelled = found.cancelled};
  });
}

}  // extern "C"
