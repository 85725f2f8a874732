#pragma once

#include <string>

#include "heron.h"

namespace c_handles {

// The object that a ..._create function made.
template <auto kDestroy, class Handle>
class Owned {
 public:
  Owned() = default;
  ~Owned() { kDestroy(handle_); }
  Owned(const Owned&) = delete;
  Owned& operator=(const Owned&) = delete;
  Handle** out() { return &handle_; }
  operator Handle*() const { return handle_; }

 private:
  Handle* handle_ = nullptr;
};
using Queue = Owned<heron_event_queue_destroy, heron_event_queue>;
using Scheduler = Owned<heron_tick_scheduler_destroy, heron_tick_scheduler>;
using Broker = Owned<heron_message_broker_destroy, heron_message_broker>;
using Courier = Owned<heron_message_courier_destroy, heron_message_courier>;
using Layout = Owned<heron_feature_layout_destroy, heron_feature_layout>;
using Table = Owned<heron_feature_table_destroy, heron_feature_table>;

inline bool error_has(const char* part) {
  return std::string(heron_last_error()).find(part) != std::string::npos;
}

}  // namespace c_handles
