#include "heron/message_faults.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "heron/error.hpp"
#include "heron/random.hpp"
#include "text.hpp"

namespace heron {
namespace {

void check_probability(const char* name, double value) {
  if (!(value >= 0.0 && value <= 1.0)) {
    throw InvalidArgument(std::string(name) + " is " + text(value) +
                          ", expected a probability from 0 to 1");
  }
}

void check(const Outage& outage, std::size_t index) {
  const std::string name = "outage " + std::to_string(index);
  if (!(outage.start_s < outage.end_s)) {
    throw InvalidArgument(name + " lasts from " + text(outage.start_s) + " s to " +
                          text(outage.end_s) + " s, expected a start before the end");
  }
  if (outage.sender < -1) {
    throw InvalidArgument(name + " has sender " + std::to_string(outage.sender) +
                          ", expected the number of an agent, or -1 for every sender");
  }
}

}  // namespace

void check(const MessageFaults& faults) {
  check_probability("loss", faults.loss);
  check_probability("duplication", faults.duplication);
  check_probability("reordering", faults.reordering);
  if (!(faults.reordering_delay_s >= 0.0) || std::isinf(faults.reordering_delay_s)) {
    throw InvalidArgument("reordering_delay is " + text(faults.reordering_delay_s) +
                          ", expected a finite number of seconds, at least 0");
  }
  for (std::size_t i = 0; i < faults.outages.size(); ++i) check(faults.outages[i], i);
}

bool is_out(std::span<const Outage> outages, std::int32_t sender, double time_s) noexcept {
  return std::ranges::any_of(outages, [&](const Outage& outage) {
    return (outage.sender == -1 || outage.sender == sender) && outage.start_s <= time_s &&
           time_s < outage.end_s;
  });
}

MessageFate message_fate(const MessageFaults& faults, std::uint64_t seed, std::uint64_t lane_key,
                         std::int32_t sender, std::uint64_t message, double time_s) noexcept {
  const auto uniform = [&](Stream stream, std::uint64_t draw) {
    return to_uniform(
        random_bits({seed, lane_key, static_cast<std::uint64_t>(sender), stream}, draw));
  };
  const auto happens = [&](double probability, Stream stream, std::uint64_t draw) {
    return probability > 0.0 && uniform(stream, draw) < probability;
  };

  MessageFate fate;
  fate.is_outage = is_out(faults.outages, sender, time_s);
  fate.is_lost = !fate.is_outage && happens(faults.loss, Stream::message_loss, message);
  if (fate.is_outage || fate.is_lost) {
    fate.n_copy = 0;
    return fate;
  }
  if (happens(faults.duplication, Stream::message_duplication, message)) fate.n_copy = 2;
  for (std::size_t copy = 0; copy < static_cast<std::size_t>(fate.n_copy); ++copy) {
    const std::uint64_t draw = 4 * message + 2 * copy;
    if (!happens(faults.reordering, Stream::message_reordering, draw)) continue;
    fate.is_held_back[copy] = true;
    fate.held_back_s[copy] =
        faults.reordering_delay_s * uniform(Stream::message_reordering, draw + 1);
  }
  return fate;
}

}  // namespace heron
