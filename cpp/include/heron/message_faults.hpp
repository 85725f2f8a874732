#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace heron {

// A span of simulated time [start_s, end_s) in which what an agent sends is lost; end_s may be
// infinite.
struct Outage {
  double start_s = 0.0;
  double end_s = 0.0;
  std::int32_t sender = -1;  // -1: every sender

  friend bool operator==(const Outage&, const Outage&) = default;
};

// What may befall a message on its way. Probabilities are in [0, 1].
struct MessageFaults {
  double loss = 0.0;                // it never arrives
  double duplication = 0.0;         // it arrives twice, each copy with its own reordering
  double reordering = 0.0;          // it is held back, so that later ones may overtake it,
  double reordering_delay_s = 0.0;  // for a time uniform in [0, reordering_delay_s)
  std::vector<Outage> outages = {};

  friend bool operator==(const MessageFaults&, const MessageFaults&) = default;
};

// Throws InvalidArgument, naming the member, if a value is out of range.
void check(const MessageFaults& faults);

// Whether an outage loses what the sender sends at time_s.
[[nodiscard]] bool is_out(std::span<const Outage> outages, std::int32_t sender,
                          double time_s) noexcept;

// What became of one message: how many copies travel (0, 1 or 2) and how long each is held back.
struct MessageFate {
  int n_copy = 1;
  std::array<bool, 2> is_held_back{};   // by copy
  std::array<double, 2> held_back_s{};  // by copy; 0 if it is not
  bool is_lost = false;                 // by chance
  bool is_outage = false;  // in an outage; then no chance is taken, but the draws are used up

  friend bool operator==(const MessageFate&, const MessageFate&) = default;
};

// The fate of message number `message` (0, 1, ...) that `sender` sends at time_s in a lane. It is a
// function of these numbers alone. Loss, duplication and reordering have streams of their own, so
// switching one on leaves the draws of the others as they were: draw `message` of message_loss and
// of message_duplication; draws 4 * message to 4 * message + 3 of message_reordering are for the
// first copy whether and how long it is held back, then the same for the second.
[[nodiscard]] MessageFate message_fate(const MessageFaults& faults, std::uint64_t seed,
                                       std::uint64_t lane_key, std::int32_t sender,
                                       std::uint64_t message, double time_s) noexcept;

}  // namespace heron
