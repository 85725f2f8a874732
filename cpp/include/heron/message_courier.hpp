#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "heron/message_broker.hpp"
#include "heron/message_faults.hpp"
#include "heron/tick_scheduler.hpp"

namespace heron {

// sent + duplicated = delivered + rejected + lost + outage + cancelled + still in flight.
struct CourierCounters {
  std::uint64_t sent = 0;
  std::uint64_t delivered = 0;  // copies handed to the broker, which may drop one for want of room
  std::uint64_t rejected = 0;   // copies that came to a full queue whose policy is reject
  std::uint64_t lost = 0;
  std::uint64_t outage = 0;
  std::uint64_t duplicated = 0;  // second copies
  std::uint64_t held_back = 0;   // copies
  std::uint64_t cancelled = 0;   // copies in flight when their lane was cleared

  friend bool operator==(const CourierCounters&, const CourierCounters&) = default;
};

// Carries messages from a scheduler's agents to a broker: each travels for the sender's drawn
// message delay, meets its faults on the way, and reaches its queue at a message_delivery event.
// The message's environment is the lane. Scheduler and broker must outlive the courier.
//
// Lanes may send and deliver on different threads. Where as many messages are in flight again and
// again, nothing is allocated.
class MessageCourier {
 public:
  // Throws InvalidArgument if the faults are out of range.
  MessageCourier(TickScheduler& scheduler, MessageBroker& broker, MessageFaults faults = {},
                 std::uint64_t seed = 0, std::int32_t delivery_priority = 1);
  // What is in flight goes to the broker's release. A scheduler to which this is attached must not
  // run any more, or have another handler by then.
  ~MessageCourier();
  MessageCourier(const MessageCourier&) = delete;
  MessageCourier& operator=(const MessageCourier&) = delete;

  // Send at the lane's now. `delay_s` replaces the sender's drawn delay; without it the sender must
  // be an agent of the scheduler. Returns how many copies travel (0, 1 or 2): so many times the
  // payload is delivered or released, and if it is 0 the payload stays the sender's. Throws
  // InvalidArgument, and sends nothing, for an unknown lane or channel, a negative sender, or a
  // delay or arrival that is negative or not finite.
  int send(std::int32_t lane, std::int32_t channel, std::int32_t sender, std::int32_t recipient,
           std::int32_t type, std::int64_t payload, std::optional<double> delay_s = {});

  // Put the message of a message_delivery event into its queue. The courier's handler, which
  // `attach` sets in the scheduler, does this; loops of one's own call it themselves. False, and
  // nothing happens, if the event's message is not in flight (any more). A full queue that rejects
  // is counted, not thrown: its sender has gone on long ago.
  bool deliver(const TickEvent& event);
  void attach();

  // Forget what is in flight in a lane and number its messages from 0: call it with the scheduler's
  // clear or reset of that lane. Counters stay.
  void clear(std::int32_t lane);
  // Key of the fates of what the lane sends from now on; at first (seed, lane).
  void seed_lane(std::int32_t lane, std::uint64_t seed, std::uint64_t lane_key);

  [[nodiscard]] TickScheduler& scheduler() const noexcept { return scheduler_; }
  [[nodiscard]] std::size_t n_in_flight(std::int32_t lane) const;
  [[nodiscard]] CourierCounters counters(std::int32_t lane) const;

 private:
  struct Lane;

  [[nodiscard]] const Lane& lane_at(std::int32_t lane) const;
  [[nodiscard]] Lane& lane_at(std::int32_t lane);

  TickScheduler& scheduler_;
  MessageBroker& broker_;
  const MessageFaults faults_;
  const std::int32_t delivery_priority_;
  std::vector<Lane> lanes_;  // (n_lane)
};

}  // namespace heron
