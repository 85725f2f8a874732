#include "heron/bind_message_courier.hpp"

#include <pybind11/stl.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "heron/message_courier.hpp"
#include "heron/message_faults_from.hpp"
#include "heron/payload.hpp"

namespace heron_bindings {
namespace {

using heron::CourierCounters;
using heron::MessageBroker;
using heron::MessageCourier;
using heron::TickEvent;
using heron::TickScheduler;

// A second copy brings a second reference. It is added in time, because whoever wants to release
// a payload waits for the GIL, which is held here.
int send(MessageCourier& courier, std::int32_t lane, std::int32_t channel, std::int32_t sender,
         std::int32_t recipient, std::int32_t type, py::object payload,
         std::optional<double> delay_s) {
  const std::int64_t handle = to_payload(payload);
  int n_copy = 0;
  try {
    n_copy = courier.send(lane, channel, sender, recipient, type, handle, delay_s);
  } catch (...) {
    static_cast<void>(take_payload(handle));
    throw;
  }
  if (n_copy == 0) static_cast<void>(take_payload(handle));
  if (n_copy == 2) static_cast<void>(to_payload(std::move(payload)));
  return n_copy;
}

bool deliver(MessageCourier& courier, const py::tuple& event) {
  TickEvent delivery;
  delivery.lane = event[5].cast<std::int32_t>();
  delivery.payload = event[7].cast<std::int64_t>();
  return courier.deliver(delivery);
}

// The scheduler must not keep the courier alive, since the courier does so with the scheduler; but
// it may well outlive it.
void attach(const std::shared_ptr<MessageCourier>& courier) {
  courier->scheduler().set_handler(
      heron::EventType::message_delivery,
      [weak = std::weak_ptr(courier)](TickScheduler&, const TickEvent& event) {
        if (const auto alive = weak.lock()) alive->deliver(event);
      });
}

py::dict counters(const MessageCourier& courier, std::int32_t lane) {
  const CourierCounters counters = courier.counters(lane);
  py::dict result;
  result["sent"] = counters.sent;
  result["delivered"] = counters.delivered;
  result["rejected"] = counters.rejected;
  result["lost"] = counters.lost;
  result["outage"] = counters.outage;
  result["duplicated"] = counters.duplicated;
  result["held_back"] = counters.held_back;
  result["cancelled"] = counters.cancelled;
  return result;
}

}  // namespace

void bind_message_courier(py::module_& module) {
  py::class_<MessageCourier, std::shared_ptr<MessageCourier>>(
      module, "MessageCourier", py::module_local(),
      "The compiled twin of heron.reference.message_courier.MessageCourier, which documents every "
      "method.")
      .def(py::init([](TickScheduler& scheduler, MessageBroker& broker, const py::object& faults,
                       std::uint64_t seed, std::int32_t delivery_priority) {
             return std::make_shared<MessageCourier>(scheduler, broker, message_faults_from(faults),
                                                     seed, delivery_priority);
           }),
           py::arg("scheduler"), py::arg("broker"), py::arg("faults") = py::none(),
           py::arg("seed") = 0, py::arg("delivery_priority") = 1, py::keep_alive<1, 2>(),
           py::keep_alive<1, 3>())
      .def("send", &send, py::arg("lane"), py::arg("channel"), py::arg("sender"),
           py::arg("recipient"), py::arg("type"), py::arg("payload"),
           py::arg("delay_s") = py::none())
      .def("deliver", &deliver, py::arg("event"))
      .def("attach", &attach)
      .def("clear", &MessageCourier::clear, py::arg("lane"))
      .def("seed_lane", &MessageCourier::seed_lane, py::arg("lane"), py::arg("seed"),
           py::arg("lane_key"))
      .def("n_in_flight", &MessageCourier::n_in_flight, py::arg("lane"))
      .def("counters", &counters, py::arg("lane"));
}

}  // namespace heron_bindings
