#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "heron/message_broker.hpp"
#include "heron/message_faults.hpp"
#include "heron/tick_scheduler.hpp"

namespace heron {

// sent = delivered + lost + outage + in flight - duplicated.
struct CourierCounters {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;  // to the broker, copies included
  std::uint64_t lost = 0;
  std::uint64_t outage = 0;
  std::uint64_t duplicated = 0;  // second copies
  std::uint64_t held_back = 0;   // copies
  std::uint64_t cancelled = 0;   // in flight when their lane was cleared

  friend bool operator==(const CourierCounters&, const CourierCounters&) = default;
};

// Carries messages from a scheduler's agents to a broker: each travels for the sender's drawn
// message delay, meets its faults on the way, and reaches its queue at a message_delivery event.
// The message's environment is the lane. Scheduler and broker must outlive the courier.
class MessageCourier {
 public:
  MessageCourier(TickScheduler& scheduler, MessageBroker& broker, MessageFaults faults = {},
                 std::uint64_t seed = 0, std::int32_t delivery_priority = 1);

  // Send at the lane's now. `delay_s` replaces the sender's drawn delay. The sender is the number
  // of a registered agent if delay_s is not given. Returns how many copies travel.
  int send(std::int32_t lane, std::int32_t channel, std::int32_t sender, std::int32_t recipient,
           std::int32_t type, std::int64_t payload, std::optional<double> delay_s = {});

  // Put the message of a message_delivery event into its queue. The courier's handler, which
  // `attach` sets in the scheduler, does this; loops of one's own call it themselves.
  void deliver(const TickEvent& event);
  void attach();

  // Forget what is in flight in a lane and number its messages from 0: call it with the scheduler's
  // clear or reset of that lane.
  void clear(std::int32_t lane);
  // Key of the lane's fates; at first (seed, lane).
  void seed_lane(std::int32_t lane, std::uint64_t seed, std::uint64_t lane_key);

  [[nodiscard]] std::size_t n_in_flight(std::int32_t lane) const;
  [[nodiscard]] CourierCounters counters(std::int32_t lane) const;
};

}  // namespace heron
