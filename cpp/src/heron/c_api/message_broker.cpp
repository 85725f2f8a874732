#include "heron/message_broker.hpp"

#include <utility>
#include <vector>

#include "handles.hpp"

using namespace heron::c_api;
using heron::Message;
using heron::MessageBroker;
using heron::QueuePolicy;

namespace {

constexpr std::size_t kPolicyCount = 3;

QueuePolicy queue_policy(heron_queue_policy policy) {
  return choice<QueuePolicy>(policy, kPolicyCount, "policy");
}

heron_message to_c(const Message& message) noexcept {
  return {.channel = message.channel,
          .env = message.env,
          .sender = message.sender,
          .recipient = message.recipient,
          .type = message.type,
          .time_s = message.time_s,
          .payload = message.payload};
}

Message from_c(const heron_message& message) noexcept {
  return {.channel = message.channel,
          .env = message.env,
          .sender = message.sender,
          .recipient = message.recipient,
          .type = message.type,
          .time_s = message.time_s,
          .payload = message.payload};
}

MessageBroker::Release release_of(heron_release release, void* context) {
  if (release == nullptr) return {};
  return [release, context](std::int64_t payload) { release(payload, context); };
}

}  // namespace

extern "C" {

heron_status heron_message_broker_create(size_t capacity, heron_queue_policy policy,
                                         heron_release release, void* context,
                                         heron_message_broker** broker) {
  return guarded([&] {
    heron_message_broker*& created = required(broker, "broker");
    created = std::make_unique<heron_message_broker>(capacity, queue_policy(policy),
                                                     release_of(release, context))
                  .release();
  });
}

void heron_message_broker_destroy(heron_message_broker* broker) { delete broker; }

heron_status heron_message_broker_intern_channel(heron_message_broker* broker, const char* name,
                                                 int32_t* channel) {
  return guarded([&] {
    heron_message_broker& target = required(broker, "broker");
    int32_t& number = required(channel, "channel");
    number = target.intern_channel(&required(name, "name"));
  });
}

heron_status heron_message_broker_configure_channel(heron_message_broker* broker, int32_t channel,
                                                    size_t capacity, heron_queue_policy policy) {
  return guarded([&] {
    required(broker, "broker").configure_channel(channel, capacity, queue_policy(policy));
  });
}

heron_status heron_message_broker_publish(heron_message_broker* broker,
                                          const heron_message* message, bool* was_accepted) {
  return guarded([&] {
    assign(was_accepted, required(broker, "broker").publish(from_c(required(message, "message"))));
  });
}

heron_status heron_message_broker_consume(heron_message_broker* broker, int32_t channel,
                                          int32_t recipient, int32_t env, heron_message* message,
                                          size_t capacity, size_t* n_message) {
  return guarded([&] {
    heron_message_broker& source = required(broker, "broker");
    const auto messages = array(message, capacity, "message");
    size_t& n_taken = required(n_message, "n_message");
    // Kept between calls, so that reading messages does not allocate.
    thread_local std::vector<Message> taken;
    taken.clear();
    n_taken = source.consume(channel, recipient, env, taken, true, capacity);
    for (size_t i = 0; i < n_taken; ++i) messages[i] = to_c(taken[i]);
  });
}

heron_status heron_message_broker_unread(const heron_message_broker* broker, size_t* n_message) {
  return guarded([&] { required(n_message, "n_message") = required(broker, "broker").n_unread(); });
}

heron_status heron_message_broker_clear_environment(heron_message_broker* broker, int32_t env,
                                                    size_t* n_message) {
  return guarded([&] { assign(n_message, required(broker, "broker").clear_environment(env)); });
}

heron_status heron_message_broker_counters(const heron_message_broker* broker,
                                           heron_broker_counters* counters) {
  return guarded([&] {
    const heron::BrokerCounters found = required(broker, "broker").counters();
    required(counters, "counters") = {.published = found.published,
                                      .consumed = found.consumed,
                                      .dropped_oldest = found.dropped_oldest,
                                      .dropped_newest = found.dropped_newest,
                                      .rejected = found.rejected,
                                      .cleared = found.cleared};
  });
}

}  // extern "C"
