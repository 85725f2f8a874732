#include <pybind11/pybind11.h>

#include "common/errors.hpp"
#include "heron/bind_control_loop.hpp"
#include "heron/bind_event_loop.hpp"
#include "heron/bind_event_queue.hpp"
#include "heron/bind_feature_layout.hpp"
#include "heron/bind_feature_table.hpp"
#include "heron/bind_message_broker.hpp"
#include "heron/bind_message_courier.hpp"
#include "heron/bind_message_faults.hpp"
#include "heron/bind_random.hpp"
#include "heron/bind_tick_scheduler.hpp"
#include "heron/error.hpp"
#include "heron/event_object.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() = "Compiled core of heron. Import its parts from the packages that document them.";
  heron_bindings::translate_error<heron::InvalidArgument, heron_bindings::kInvalidArgument>();
  heron_bindings::translate_error<heron::QueueFull, heron_bindings::kQueueFull>();
  heron_bindings::bind_random(module);
  heron_bindings::bind_event_queue(module);
  heron_bindings::bind_feature_layout(module);
  heron_bindings::bind_feature_table(module);
  heron_bindings::bind_tick_scheduler(module);
  heron_bindings::bind_event_object(module);
  heron_bindings::bind_event_loop(module);
  heron_bindings::bind_message_broker(module);
  heron_bindings::bind_message_faults(module);
  heron_bindings::bind_message_courier(module);
  heron_bindings::bind_control_loop(module);
}
