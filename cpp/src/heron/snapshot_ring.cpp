#include "heron/snapshot_ring.hpp"

#include <cmath>
#include <string>

#include "text.hpp"

namespace heron {
namespace {

std::size_t index(std::int32_t value) noexcept { return static_cast<std::size_t>(value); }

// Three 31-bit factors can wrap round; a table that wraps would be small, and written beyond.
std::size_t n_value(std::int32_t n_slot, std::int32_t n_lane, std::int32_t n_history) {
  const std::size_t n_state = index(n_lane) * index(n_history);
  if (n_slot != 0 && n_state > std::vector<double>().max_size() / index(n_slot)) {
    throw InvalidArgument("a history of " + std::to_string(n_history) + " states of " +
                          std::to_string(n_lane) + " lanes with " + std::to_string(n_slot) +
                          " slots does not fit into memory; keep fewer");
  }
  return n_state * index(n_slot);
}

}  // namespace

SnapshotRing::SnapshotRing(std::int32_t n_slot, std::int32_t n_lane, std::int32_t n_history)
    : n_slot_(n_slot),
      n_history_(n_history),
      lanes_(index(n_lane)),
      times_s_(index(n_lane) * index(n_history)),
      states_(n_value(n_slot, n_lane, n_history)) {}

void SnapshotRing::claim(std::span<const std::int32_t> lane, std::span<const double> time_s) {
  for (std::size_t i = 0; i < lane.size(); ++i) {
    if (!accepts(lane[i], time_s[i])) {
      const InvalidArgument error = refusal(lane[i], time_s[i]);
      for (const std::int32_t claimed : lane.first(i)) unclaim(claimed);
      throw error;
    }
    lanes_[index(lane[i])].last_time_s = time_s[i];
  }
}

void SnapshotRing::claim_all(double time_s) const {
  const auto n_lane = static_cast<std::int32_t>(lanes_.size());
  for (std::int32_t lane = 0; lane < n_lane; ++lane) {
    if (!accepts(lane, time_s)) throw refusal(lane, time_s);
  }
}

std::span<double> SnapshotRing::open(std::int32_t lane, double time_s) noexcept {
  Lane& ring = lanes_[index(lane)];
  const bool is_new =
      ring.n_snapshot == 0 || times_s_[time_at(lane, place(ring, ring.n_snapshot - 1))] != time_s;
  if (is_new && ring.n_snapshot == n_history_) {
    ring.first = place(ring, 1);
  } else if (is_new) {
    ++ring.n_snapshot;
  }
  const std::int32_t newest = place(ring, ring.n_snapshot - 1);
  times_s_[time_at(lane, newest)] = time_s;
  ring.last_time_s = time_s;
  return {states_.data() + state_at(lane, newest), index(n_slot_)};
}

std::optional<std::span<const double>> SnapshotRing::as_of(std::int32_t lane,
                                                           double time_s) const noexcept {
  const Lane& ring = lanes_[index(lane)];
  const double* times_s = times_s_.data() + time_at(lane, 0);
  std::int32_t n = ring.n_snapshot;
  if (n == 0 || times_s[index(ring.first)] > time_s) return std::nullopt;
  // The answer is among n snapshots from `rank` on, whose first is old enough. Most often it is
  // the newest; a search without branches takes any other.
  std::int32_t rank = n - 1;
  if (times_s[index(place(ring, rank))] > time_s) {
    for (rank = 0; n > 1;) {
      const std::int32_t half = n / 2;
      rank += times_s[index(place(ring, rank + half))] <= time_s ? half : 0;
      n -= half;
    }
  }
  return std::span(states_.data() + state_at(lane, place(ring, rank)), index(n_slot_));
}

void SnapshotRing::clear(std::int32_t lane) noexcept { lanes_[index(lane)] = Lane{}; }

std::int32_t SnapshotRing::n_snapshot(std::int32_t lane) const noexcept {
  return lanes_[index(lane)].n_snapshot;
}

std::vector<double> SnapshotRing::times(std::int32_t lane) const {
  const Lane& ring = lanes_[index(lane)];
  std::vector<double> times_s;
  times_s.reserve(index(ring.n_snapshot));
  for (std::int32_t rank = 0; rank < ring.n_snapshot; ++rank) {
    times_s.push_back(times_s_[time_at(lane, place(ring, rank))]);
  }
  return times_s;
}

std::int32_t SnapshotRing::place(const Lane& lane, std::int32_t rank) const noexcept {
  const std::int32_t to_end = n_history_ - lane.first;
  return rank < to_end ? lane.first + rank : rank - to_end;
}

std::size_t SnapshotRing::time_at(std::int32_t lane, std::int32_t place) const noexcept {
  return index(lane) * index(n_history_) + index(place);
}

std::size_t SnapshotRing::state_at(std::int32_t lane, std::int32_t place) const noexcept {
  return (index(place) * lanes_.size() + index(lane)) * index(n_slot_);
}

bool SnapshotRing::accepts(std::int32_t lane, double time_s) const noexcept {
  return std::isfinite(time_s) && time_s >= lanes_[index(lane)].last_time_s;
}

InvalidArgument SnapshotRing::refusal(std::int32_t lane, double time_s) const {
  const std::string given = "time_s of lane " + std::to_string(lane) + " is " + text(time_s);
  if (!std::isfinite(time_s)) {
    return InvalidArgument(given + ", expected a finite number of seconds");
  }
  return InvalidArgument(given + ", before its last snapshot at " +
                         text(lanes_[index(lane)].last_time_s) +
                         "; clear_history() lets a lane's time start anew");
}

// The ring itself still knows what the claim has overwritten.
void SnapshotRing::unclaim(std::int32_t lane) noexcept {
  Lane& ring = lanes_[index(lane)];
  ring.last_time_s = ring.n_snapshot == 0
                         ? Lane{}.last_time_s
                         : times_s_[time_at(lane, place(ring, ring.n_snapshot - 1))];
}

}  // namespace heron
