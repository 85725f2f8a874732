#include "heron/tick_config_from.hpp"

#include <pybind11/stl.h>

#include <string>

#include "heron/error.hpp"

namespace heron_bindings {
namespace {

heron::Jitter jitter_from(const std::string& name) {
  if (name == "uniform") return heron::Jitter::uniform;
  if (name == "gaussian") return heron::Jitter::gaussian;
  return heron::Jitter::none;
}

}  // namespace

heron::TickConfig tick_config_from(const py::object& config) {
  if (!py::hasattr(config, "own_seed")) {
    throw py::type_error("expected a heron.scheduling.TickConfig, got " +
                         std::string(Py_TYPE(config.ptr())->tp_name));
  }
  if (!config.attr("rng").is_none()) {
    throw heron::InvalidArgument(
        "a tick configuration with rng= cannot be scheduled: its draws would depend on who else "
        "uses the generator; use with_jitter(seed=...) or seed(n)");
  }
  return heron::TickConfig{
      config.attr("tick_interval").cast<double>(),
      config.attr("obs_delay").cast<double>(),
      config.attr("act_delay").cast<double>(),
      config.attr("msg_delay").cast<double>(),
      jitter_from(config.attr("jitter_type").attr("value").cast<std::string>()),
      config.attr("jitter_ratio").cast<double>(),
      config.attr("min_delay").cast<double>(),
      config.attr("own_seed").cast<std::optional<std::uint64_t>>()};
}

heron::EventType event_type_from(int type) {
  if (type < 0 || type >= static_cast<int>(heron::kEventTypeCount)) {
    throw heron::InvalidArgument("event type " + std::to_string(type) +
                                 " is not known; expected 0 to 5");
  }
  return static_cast<heron::EventType>(type);
}

}  // namespace heron_bindings
