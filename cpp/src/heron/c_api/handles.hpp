#pragma once

// The opaque types of heron.h: each is its C++ object under the name that C knows.

#include <memory>
#include <utility>

#include "guard.hpp"
#include "heron.h"
#include "heron/event_queue.hpp"
#include "heron/feature_layout.hpp"
#include "heron/feature_table.hpp"
#include "heron/message_broker.hpp"
#include "heron/message_courier.hpp"
#include "heron/tick_scheduler.hpp"

struct heron_event_queue final : heron::EventQueue {
  using EventQueue::EventQueue;
};

struct heron_tick_scheduler final : heron::TickScheduler {
  using TickScheduler::TickScheduler;
  heron::DueEvents due;  // what heron_tick_scheduler_next_due last gave out
};

struct heron_message_broker final : heron::MessageBroker {
  using MessageBroker::MessageBroker;
};

struct heron_message_courier final : heron::MessageCourier {
  using MessageCourier::MessageCourier;
};

struct heron_feature_layout final : heron::FeatureLayout {
  using FeatureLayout::FeatureLayout;
};

struct heron_feature_table final : heron::FeatureTable {
  using FeatureTable::FeatureTable;
};

namespace heron::c_api {

// Make an object for the C caller, who then owns it.
template <class Handle, class... Arguments>
heron_status create(Handle** result, const char* name, Arguments&&... arguments) noexcept {
  return guarded([&] {
    Handle*& created = required(result, name);
    created = std::make_unique<Handle>(std::forward<Arguments>(arguments)...).release();
  });
}

[[nodiscard]] heron_tick_event to_c(const TickEvent& event) noexcept;
[[nodiscard]] TickEvent from_c(const heron_tick_event& event);

}  // namespace heron::c_api
