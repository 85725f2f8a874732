#pragma once

#include <pybind11/pybind11.h>

#include <array>
#include <cstdint>
#include <limits>
#include <vector>

#include "heron/tick_scheduler.hpp"

namespace heron_bindings {

namespace py = pybind11;

// A one-lane TickScheduler whose handlers, payloads and agents' names are Python objects. The core
// knows agents by number and events by where they are kept here.
//
// Scheduled events are resolved by their agent's name when they are due, since the agent may be
// registered, replaced or taken out until then; armed ticks carry their agent's number.
class EventLoop {
 public:
  // `event_types` are the members of EventType in the order of their values.
  EventLoop(double start_time_s, std::uint64_t seed, const py::list& event_types);

  void add_agent(const py::object& agent_id, const py::object& config,
                 std::optional<double> first_tick_s, std::int32_t tick_priority);
  void remove_agent(const py::object& agent_id);
  double draw_s(const py::object& agent_id, heron::Stream stream);

  void schedule(const py::object& event);
  [[nodiscard]] py::object peek() const;
  py::object pop();
  void set_handler(const py::object& event_type, const py::object& handler);
  [[nodiscard]] py::dict handlers() const;

  // `self` is the Python object that handlers are given.
  std::uint64_t run_until(const py::object& self, double t_end_s, std::uint64_t max_events);
  void clear();
  void reset(double start_time_s);

  [[nodiscard]] double now_s() const { return scheduler_.now_s(0); }
  [[nodiscard]] std::size_t n_pending() const { return scheduler_.n_pending(0); }
  [[nodiscard]] std::uint64_t n_processed() const noexcept { return n_processed_; }

  // Python's garbage collector.
  int traverse(visitproc visit, void* arg) const;
  void drop_references();

 private:
  [[nodiscard]] std::int32_t number_of(py::handle agent_id) const;  // kNoAgent if not registered
  [[nodiscard]] std::size_t type_index(py::handle event_type) const;
  py::object make_tick(const heron::TickEvent& tick) const;
  py::object take_stored(const heron::TickEvent& event);
  void process(const py::object& self, heron::TickEvent event);

  heron::TickScheduler scheduler_;
  std::array<py::object, heron::kEventTypeCount> event_types_;
  std::array<py::object, heron::kEventTypeCount> handlers_;
  std::vector<py::object> agent_ids_;  // by number
  py::dict number_of_agent_;           // of every agent that was ever registered
  std::vector<py::object> events_;     // scheduled ones, by the payload that the core carries
  std::vector<std::int64_t> free_events_;
  std::uint64_t n_processed_ = 0;
};

}  // namespace heron_bindings
