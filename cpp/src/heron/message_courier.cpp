#include "heron/message_courier.hpp"

#include <array>
#include <cmath>
#include <string>
#include <utility>

#include "heron/error.hpp"
#include "index_map.hpp"
#include "text.hpp"

namespace heron {
namespace {

// A place for a message on its way. The generation changes whenever it becomes free, so that an
// event that outlived its message is recognised.
struct Slot {
  Message message;
  std::uint32_t generation = 0;
  std::uint32_t next_free = IndexMap::kNone;
  bool is_in_flight = false;
};

// The payload of a delivery event: the slot and its generation.
constexpr std::int64_t to_ticket(std::uint32_t slot, std::uint32_t generation) noexcept {
  return static_cast<std::int64_t>((std::uint64_t{generation} << 32U) | slot);
}
constexpr std::uint32_t slot_of(std::int64_t ticket) noexcept {
  return static_cast<std::uint32_t>(ticket);
}
constexpr std::uint32_t generation_of(std::int64_t ticket) noexcept {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(ticket) >> 32U);
}

}  // namespace

struct MessageCourier::Lane {
  std::uint64_t seed = 0;
  std::uint64_t key = 0;
  std::vector<Slot> slots;
  std::uint32_t first_free = IndexMap::kNone;
  std::size_t n_in_flight = 0;
  IndexMap index_of_sender;
  std::vector<std::uint64_t> n_sent;  // by index of the sender
  CourierCounters counters;

  // A place that `take` may fill.
  [[nodiscard]] std::uint32_t free_slot() {
    if (first_free == IndexMap::kNone) {
      slots.emplace_back();
      first_free = static_cast<std::uint32_t>(slots.size() - 1);
    }
    return first_free;
  }
  void take(std::uint32_t slot, const Message& message) noexcept {
    first_free = slots[slot].next_free;
    slots[slot].message = message;
    slots[slot].is_in_flight = true;
    ++n_in_flight;
  }
  void release(std::uint32_t slot) noexcept {
    slots[slot].is_in_flight = false;
    ++slots[slot].generation;
    slots[slot].next_free = std::exchange(first_free, slot);
    --n_in_flight;
  }

  // How many messages the sender has sent, to be counted up.
  [[nodiscard]] std::uint64_t& n_sent_by(std::int32_t sender) {
    const std::uint32_t known = index_of_sender.find({sender, 0, 0});
    if (known != IndexMap::kNone) return n_sent[known];
    n_sent.push_back(0);
    index_of_sender.put({sender, 0, 0}, static_cast<std::uint32_t>(n_sent.size() - 1));
    return n_sent.back();
  }
};

MessageCourier::MessageCourier(TickScheduler& scheduler, MessageBroker& broker,
                               MessageFaults faults, std::uint64_t seed,
                               std::int32_t delivery_priority)
    : scheduler_(scheduler),
      broker_(broker),
      faults_(std::move(faults)),
      delivery_priority_(delivery_priority),
      lanes_(static_cast<std::size_t>(scheduler.n_lane())) {
  check(faults_);
  for (std::size_t lane = 0; lane < lanes_.size(); ++lane) {
    lanes_[lane].seed = seed;
    lanes_[lane].key = lane;
  }
}

MessageCourier::~MessageCourier() {
  for (std::int32_t lane = 0; lane < static_cast<std::int32_t>(lanes_.size()); ++lane) clear(lane);
}

int MessageCourier::send(std::int32_t lane, std::int32_t channel, std::int32_t sender,
                         std::int32_t recipient, std::int32_t type, std::int64_t payload,
                         std::optional<double> delay_s) {
  Lane& here = lane_at(lane);
  broker_.check_channel(channel);
  if (sender < 0) {
    throw InvalidArgument("sender is " + std::to_string(sender) + ", expected at least 0");
  }
  if (delay_s && !(*delay_s >= 0.0 && std::isfinite(*delay_s))) {
    throw InvalidArgument("delay_s is " + text(*delay_s) +
                          ", expected a finite number of seconds, at least 0");
  }
  const double now_s = scheduler_.now_s(lane);
  std::uint64_t& n_sent = here.n_sent_by(sender);
  // Drawn for lost messages too: then faults leave the delays of all others as they were.
  const double travel_s = delay_s ? *delay_s : scheduler_.draw_s(lane, sender, Stream::msg_delay);
  const MessageFate fate = message_fate(faults_, here.seed, here.key, sender, n_sent, now_s);
  const auto n_copy = static_cast<std::size_t>(fate.n_copy);
  std::array<double, 2> arrival_s{};
  for (std::size_t copy = 0; copy < n_copy; ++copy) {
    arrival_s[copy] = now_s + (travel_s + fate.held_back_s[copy]);
    // Known before any copy leaves, since a message is sent as a whole or not at all.
    if (!std::isfinite(arrival_s[copy])) {
      throw InvalidArgument("the message would arrive at " + text(arrival_s[copy]) +
                            " s, expected a finite time: give it a shorter delay");
    }
  }
  for (std::size_t copy = 0; copy < n_copy; ++copy) {
    const std::uint32_t slot = here.free_slot();
    scheduler_.schedule(lane, arrival_s[copy], EventType::message_delivery, kNoAgent,
                        delivery_priority_, to_ticket(slot, here.slots[slot].generation));
    here.take(slot, {channel, lane, sender, recipient, type, now_s, payload});
    here.counters.held_back += fate.is_held_back[copy];
  }
  ++n_sent;
  ++here.counters.sent;
  here.counters.lost += fate.is_lost;
  here.counters.outage += fate.is_outage;
  here.counters.duplicated += fate.n_copy == 2;
  return fate.n_copy;
}

bool MessageCourier::deliver(const TickEvent& event) {
  Lane& here = lane_at(event.lane);
  const std::uint32_t slot = slot_of(event.payload);
  if (slot >= here.slots.size() || !here.slots[slot].is_in_flight ||
      here.slots[slot].generation != generation_of(event.payload)) {
    return false;
  }
  const Message message = here.slots[slot].message;
  here.release(slot);
  if (broker_.try_publish(message) == Publication::rejected) {
    ++here.counters.rejected;
    broker_.release(message.payload);
  } else {
    ++here.counters.delivered;
  }
  return true;
}

void MessageCourier::attach() {
  scheduler_.set_handler(EventType::message_delivery,
                         [this](TickScheduler&, const TickEvent& event) { deliver(event); });
}

void MessageCourier::clear(std::int32_t lane) {
  Lane& here = lane_at(lane);
  here.index_of_sender.clear();
  here.n_sent.clear();
  // Released last, since that may run code which sends again: such a message stays.
  std::vector<std::int64_t> payloads;
  payloads.reserve(here.n_in_flight);
  for (std::uint32_t slot = 0; slot < here.slots.size(); ++slot) {
    if (!here.slots[slot].is_in_flight) continue;
    payloads.push_back(here.slots[slot].message.payload);
    here.release(slot);
  }
  here.counters.cancelled += payloads.size();
  for (const std::int64_t payload : payloads) broker_.release(payload);
}

void MessageCourier::seed_lane(std::int32_t lane, std::uint64_t seed, std::uint64_t lane_key) {
  Lane& here = lane_at(lane);
  here.seed = seed;
  here.key = lane_key;
}

std::size_t MessageCourier::n_in_flight(std::int32_t lane) const {
  return lane_at(lane).n_in_flight;
}

CourierCounters MessageCourier::counters(std::int32_t lane) const { return lane_at(lane).counters; }

const MessageCourier::Lane& MessageCourier::lane_at(std::int32_t lane) const {
  if (lane < 0 || static_cast<std::size_t>(lane) >= lanes_.size()) {
    throw InvalidArgument("lane is " + std::to_string(lane) + ", expected 0 to " +
                          std::to_string(lanes_.size() - 1));
  }
  return lanes_[static_cast<std::size_t>(lane)];
}

MessageCourier::Lane& MessageCourier::lane_at(std::int32_t lane) {
  return const_cast<Lane&>(std::as_const(*this).lane_at(lane));
}

}  // namespace heron
