#include "heron/bind_message_broker.hpp"

#include <pybind11/stl.h>

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/garbage_collection.hpp"
#include "heron/message_broker.hpp"
#include "heron/payload.hpp"

// Calls keep the GIL while they wait for the broker's lock. That cannot deadlock, since nobody who
// holds the lock ever waits for the GIL: payloads are released after it is let go. And it makes
// reading without clearing safe: all that was read gets references of its own at once, before
// anything is made of it that could run foreign code, such as a garbage collection, or let another
// thread have the GIL.
namespace heron_bindings {
namespace {

using heron::BrokerCounters;
using heron::Message;
using heron::MessageBroker;

constexpr auto kAll = std::numeric_limits<std::size_t>::max();

void release(std::int64_t payload) {
  const py::gil_scoped_acquire acquired;
  static_cast<void>(take_payload(payload));
}

// Messages read from the broker, with a reference to each payload. Those that nobody took over are
// given up, whatever goes wrong on the way to Python.
class ReadMessages {
 public:
  ReadMessages(MessageBroker& broker, std::int32_t channel, std::int32_t recipient,
               std::int32_t env, bool clear, std::size_t max_messages) {
    broker.consume(channel, recipient, env, messages_, clear, max_messages);
    if (!clear) share();
  }
  explicit ReadMessages(const MessageBroker& broker) : messages_(broker.unread()) { share(); }
  ~ReadMessages() {
    for (; n_taken_ < messages_.size(); ++n_taken_) {
      static_cast<void>(take_payload(messages_[n_taken_].payload));
    }
  }
  ReadMessages(const ReadMessages&) = delete;
  ReadMessages& operator=(const ReadMessages&) = delete;

  // A list with what `convert` makes of each message and its payload.
  template <class Convert>
  py::list to_list(const Convert& convert) {
    py::list result(messages_.size());
    while (n_taken_ < messages_.size()) {
      const std::size_t i = n_taken_++;
      result[i] = convert(messages_[i], take_payload(messages_[i].payload));
    }
    return result;
  }

 private:
  void share() const noexcept {
    for (const Message& message : messages_) Py_INCREF(object_at(message.payload));
  }

  std::vector<Message> messages_;
  std::size_t n_taken_ = 0;
};

py::object to_tuple(const Message& message, py::object payload) {
  return py::make_tuple(message.channel, message.env, message.sender, message.recipient,
                        message.type, message.time_s, std::move(payload));
}

bool publish(MessageBroker& broker, std::int32_t channel, std::int32_t env, std::int32_t sender,
             std::int32_t recipient, std::int32_t type, double time_s, py::object payload) {
  const std::int64_t handle = to_payload(std::move(payload));
  try {
    return broker.publish({channel, env, sender, recipient, type, time_s, handle});
  } catch (...) {
    static_cast<void>(take_payload(handle));
    throw;
  }
}

py::list consume(MessageBroker& broker, std::int32_t channel, std::int32_t recipient,
                 std::int32_t env, bool clear, std::optional<std::size_t> max_messages) {
  ReadMessages read(broker, channel, recipient, env, clear, max_messages.value_or(kAll));
  return read.to_list(to_tuple);
}

py::list consume_payloads(MessageBroker& broker, std::int32_t channel, std::int32_t recipient,
                          std::int32_t env, bool clear) {
  ReadMessages read(broker, channel, recipient, env, clear, kAll);
  return read.to_list([](const Message&, py::object payload) { return payload; });
}

py::list unread(const MessageBroker& broker) { return ReadMessages(broker).to_list(to_tuple); }

py::dict counters(const MessageBroker& broker) {
  const BrokerCounters counters = broker.counters();
  py::dict result;
  result["published"] = counters.published;
  result["consumed"] = counters.consumed;
  result["dropped_oldest"] = counters.dropped_oldest;
  result["dropped_newest"] = counters.dropped_newest;
  result["rejected"] = counters.rejected;
  result["cleared"] = counters.cleared;
  return result;
}

// Payloads may lead back to whoever holds the broker, so the collector must see through. It runs
// under the GIL, which whoever holds the broker's lock never waits for.
int traverse(const MessageBroker& broker, visitproc visit, void* arg) {
  for (const Message& message : broker.unread()) Py_VISIT(object_at(message.payload));
  return 0;
}
void drop(MessageBroker& broker) {
  for (const Message& message : broker.unread()) broker.clear_environment(message.env);
}

}  // namespace

void bind_message_broker(py::module_& module) {
  py::class_<MessageBroker>(
      module, "MessageBroker", py::module_local(),
      py::custom_type_setup(&take_part_in_garbage_collection<MessageBroker, traverse, drop>),
      "The compiled twin of heron.reference.message_broker.MessageBroker, "
      "which documents every method.")
      .def(py::init([](std::size_t capacity, std::string_view policy) {
             return std::make_unique<MessageBroker>(capacity, heron::queue_policy(policy),
                                                    &release);
           }),
           py::arg("capacity") = 1024, py::arg("policy") = "drop_oldest")
      .def("intern_channel", &MessageBroker::intern_channel, py::arg("name"))
      .def("find_channel", &MessageBroker::find_channel, py::arg("name"))
      .def("channel_name", &MessageBroker::channel_name, py::arg("channel"))
      .def_property_readonly("n_channel", &MessageBroker::n_channel)
      .def(
          "configure_channel",
          [](MessageBroker& broker, std::int32_t channel, std::size_t capacity,
             std::string_view policy) {
            broker.configure_channel(channel, capacity, heron::queue_policy(policy));
          },
          py::arg("channel"), py::arg("capacity"), py::arg("policy"))
      .def("publish", &publish, py::arg("channel"), py::arg("env"), py::arg("sender"),
           py::arg("recipient"), py::arg("type"), py::arg("time_s"), py::arg("payload"))
      .def("consume", &consume, py::arg("channel"), py::arg("recipient"), py::arg("env"),
           py::arg("clear") = true, py::arg("max_messages") = py::none())
      .def("consume_payloads", &consume_payloads, py::arg("channel"), py::arg("recipient"),
           py::arg("env"), py::arg("clear") = true)
      .def("n_unread",
           py::overload_cast<std::int32_t, std::int32_t, std::int32_t>(&MessageBroker::n_unread,
                                                                       py::const_),
           py::arg("channel"), py::arg("recipient"), py::arg("env"))
      .def("__len__", py::overload_cast<>(&MessageBroker::n_unread, py::const_))
      .def("unread", &unread)
      .def("clear_environment", &MessageBroker::clear_environment, py::arg("env"))
      .def("environment_channels", &MessageBroker::environment_channels, py::arg("env"))
      .def("counters", &counters);
}

}  // namespace heron_bindings
