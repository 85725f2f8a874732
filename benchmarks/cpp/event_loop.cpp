// Loops of the core, to be timed in turns with others: see turns.hpp.
//
//     event_loop loop N_AGENT JITTER     TickScheduler with a handler that counts
//     event_loop queue N_AGENT JITTER    EventQueue alone, one pop and one push an event
//     event_loop broker N_QUEUE JITTER   MessageBroker, one message published and one consumed
//     event_loop clock 1 none            cycles of the processor
//     event_loop trace N_AGENT JITTER    not timed: the events themselves, "agent time" a line
//
// JITTER is none (all agents tick in step) or uniform (10 % of the interval of 1 s).
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "candidates/standard_queue.hpp"
#include "heron/event_queue.hpp"
#include "heron/message_broker.hpp"
#include "heron/tick_scheduler.hpp"
#include "hold_model.hpp"
#include "turns.hpp"

namespace {

constexpr std::uint64_t kSeed = 2024;  // as in loops.py, which compares the trace
constexpr double kGolden = 0.6180339887498949;
constexpr double kForever = std::numeric_limits<double>::infinity();

void register_agents(heron::TickScheduler& scheduler, std::int32_t n_agent, bool is_jittered) {
  heron::TickConfig config;
  if (is_jittered) config.jitter = heron::Jitter::uniform;
  for (std::int32_t agent = 0; agent < n_agent; ++agent) {
    // Jittered agents start scattered over an interval, as they are after a while: see peers.py.
    scheduler.register_agent(config, is_jittered ? std::fmod(agent * kGolden, 1.0) : 0.0);
  }
}

void serve_loop(std::int32_t n_agent, bool is_jittered) {
  heron::TickScheduler scheduler(1, kSeed);
  register_agents(scheduler, n_agent, is_jittered);
  std::uint64_t n_handled = 0;
  scheduler.set_handler(heron::EventType::agent_tick,
                        [&](heron::TickScheduler&, const heron::TickEvent&) { ++n_handled; });
  take_turns([&](std::uint64_t n_event) {
    n_handled = 0;
    scheduler.run_until(0, kForever, n_event);
    return Turn{n_handled, scheduler.now_s(0)};
  });
}

void print_trace(std::int32_t n_agent, bool is_jittered) {
  heron::TickScheduler scheduler(1, kSeed);
  register_agents(scheduler, n_agent, is_jittered);
  scheduler.set_handler(heron::EventType::agent_tick,
                        [](heron::TickScheduler&, const heron::TickEvent& event) {
                          std::printf("%d %.17g\n", event.agent, event.time_s);
                        });
  for (std::uint64_t n_event = 0; std::cin >> n_event;) scheduler.run_until(0, kForever, n_event);
}

class Library {
 public:
  void push(double time_s, std::int32_t priority, std::int64_t payload) {
    queue_.push(time_s, priority, payload);
  }
  heron::Event pop() {
    heron::Event event;
    queue_.pop_until(std::numeric_limits<double>::infinity(), {&event, 1});
    return event;
  }

 private:
  heron::EventQueue queue_;
};

void serve_queue(std::size_t n_pending, bool is_jittered) {
  const Workload workload = is_jittered ? Workload::jittered : Workload::in_step;
  HoldModel<Library> model(workload, n_pending);
  HoldModel<candidates::StandardQueue> expected(workload, n_pending);
  if (model.run(20'000) != expected.run(20'000)) {
    throw std::runtime_error("the queue and std::priority_queue leave in different orders");
  }
  take_turns([&](std::uint64_t n_event) {
    model.run(n_event);
    return Turn{n_event, 0.0};
  });
}

void serve_broker(std::int32_t n_queue) {
  heron::MessageBroker broker;
  std::vector<std::int32_t> channels;
  for (std::int32_t i = 0; i < n_queue; ++i) {
    channels.push_back(broker.intern_channel("channel " + std::to_string(i)));
  }
  const std::int64_t lag = n_queue / 2;  // messages that wait
  std::vector<heron::Message> consumed;
  std::int64_t n_published = 0;
  // Message i goes to recipient i, and recipient i - lag fetches its own.
  take_turns([&](std::uint64_t n_message) {
    Turn turn;
    for (std::uint64_t i = 0; i < n_message; ++i, ++n_published) {
      const auto recipient = static_cast<std::int32_t>(n_published % n_queue);
      heron::Message message;
      message.channel = channels[static_cast<std::size_t>(recipient)];
      message.recipient = recipient;
      message.payload = n_published;
      broker.publish(message);
      const auto reader = static_cast<std::int32_t>((n_published + n_queue - lag) % n_queue);
      consumed.clear();
      broker.consume(channels[static_cast<std::size_t>(reader)], reader, 0, consumed);
      const bool is_due = n_published >= lag;
      if (consumed.size() != (is_due ? 1 : 0)) throw std::runtime_error("a message is missing");
      if (is_due && consumed[0].payload != n_published - lag) {
        throw std::runtime_error("another message was due");
      }
      ++turn.n_done;
    }
    return turn;
  });
}

// Each product waits for the one before: three cycles on x86 since 2008, and on most others.
void serve_clock() {
  std::uint64_t product = 1;
  take_turns([&](std::uint64_t n_cycle) {
    for (std::uint64_t i = 0; i < n_cycle / 3; ++i) product *= 0x9e3779b97f4a7c15;
    return Turn{n_cycle, static_cast<double>(product)};  // used, or it would not be computed
  });
}

void serve(std::string_view what, std::int32_t n, bool is_jittered) {
  if (n < 1) throw std::runtime_error("expected at least one agent");
  if (what == "loop") return serve_loop(n, is_jittered);
  if (what == "queue") return serve_queue(static_cast<std::size_t>(n), is_jittered);
  if (what == "broker") return serve_broker(n);
  if (what == "clock") return serve_clock();
  if (what == "trace") return print_trace(n, is_jittered);
  throw std::runtime_error("nothing is called " + std::string(what));
}

}  // namespace

int main(int n_argument, char** arguments) {
  try {
    if (n_argument != 4) {
      throw std::runtime_error("expected: loop|queue|broker|clock|trace N none|uniform");
    }
    const std::string_view jitter = arguments[3];
    if (jitter != "none" && jitter != "uniform") {
      throw std::runtime_error("jitter is none or uniform");
    }
    serve(arguments[1], std::stoi(arguments[2]), jitter == "uniform");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "event_loop: %s\n", error.what());
    return 1;
  }
}
