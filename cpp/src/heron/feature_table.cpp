#include "heron/feature_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <string>

#include "heron/error.hpp"
#include "text.hpp"

namespace heron {
namespace {

// Lanes to a cache line. Rows are padded to whole lines unless that would make them longer than
// the lanes themselves: the table of a single environment stays in one piece.
constexpr std::int32_t kLineLanes = kCacheLine / sizeof(double);

std::size_t index(std::int32_t value) noexcept { return static_cast<std::size_t>(value); }

// Rows that lie a multiple of 4 KiB apart would compete for the same few places of the nearest
// cache when one lane's slots are read, so such rows get one line more.
std::size_t stride_of(std::int32_t n_lane) noexcept {
  if (n_lane < kLineLanes) return index(n_lane);
  const std::size_t line = index(kLineLanes);
  const std::size_t stride = (index(n_lane) + line - 1) / line * line;
  return stride % (4096 / sizeof(double)) == 0 ? stride + line : stride;
}

std::int32_t checked(const char* name, std::int32_t value, std::int32_t least) {
  if (value >= least) return value;
  throw InvalidArgument(std::string(name) + " is " + std::to_string(value) +
                        ", expected at least " + std::to_string(least));
}

void check_length(const char* name, std::size_t n, std::size_t n_expected) {
  if (n == n_expected) return;
  throw InvalidArgument(std::string(name) + " has " + std::to_string(n) + " values, expected " +
                        std::to_string(n_expected) + ", one for each");
}

void check_index(const char* name, std::int32_t value, std::int32_t end) {
  if (value >= 0 && value < end) return;
  throw InvalidArgument(std::string(name) + " " + std::to_string(value) +
                        " does not exist; the table has " + std::to_string(end));
}

void check_not_nan(double time_s) {
  if (std::isnan(time_s)) throw InvalidArgument("time_s is nan, expected a number of seconds");
}

// Entry j of a row is value[slot[j] * stride]; what the list leaves of the row is zero. Four at a
// time, because a compiler that must fear overlap would wait for each store.
template <class Out>
void fill_row(std::span<const std::int32_t> slot, const double* value, std::size_t stride,
              std::span<Out> row) noexcept {
  const auto entry = [&](std::size_t j) { return value[index(slot[j]) * stride]; };
  std::size_t j = 0;
  for (; j + 4 <= slot.size(); j += 4) {
    const std::array<double, 4> four{entry(j), entry(j + 1), entry(j + 2), entry(j + 3)};
    for (std::size_t k = 0; k < four.size(); ++k) row[j + k] = static_cast<Out>(four[k]);
  }
  for (; j < slot.size(); ++j) row[j] = static_cast<Out>(entry(j));
  std::ranges::fill(row.subspan(j), Out{0});
}

// Rows one behind the other that hold the same observers of adjacent lanes.
struct Block {
  std::size_t n_observer;
  std::size_t n_lane;
};

// The block that the first rows make. So many lanes at the most, because rows of a large table lie
// in pages of their own, and what a slot costs is finding it.
Block first_block(std::span<const std::int32_t> observer,
                  std::span<const std::int32_t> lane) noexcept {
  constexpr std::size_t kMostLanes = 128;
  std::size_t n_observer = 1;
  while (n_observer < lane.size() && lane[n_observer] == lane[0]) ++n_observer;
  const auto is_next = [&](std::size_t n) {
    const std::size_t first = n * n_observer;
    if (first + n_observer > lane.size()) return false;
    for (std::size_t i = 0; i < n_observer; ++i) {
      if (lane[first + i] != lane[0] + static_cast<std::int32_t>(n)) return false;
      if (observer[first + i] != observer[i]) return false;
    }
    return true;
  };
  std::size_t n_lane = 1;
  while (n_lane < kMostLanes && is_next(n_lane)) ++n_lane;
  return {n_observer, n_lane};
}

// fill_row() for `n` adjacent lanes, whose rows lie `step` values apart: slot by slot, because
// neighbouring lanes share the cache line that each slot costs.
template <class Out>
void fill_rows(std::span<const std::int32_t> slot, const double* value, std::size_t stride,
               std::size_t n, Out* row, std::size_t step, std::size_t row_length) noexcept {
  for (std::size_t j = 0; j < slot.size(); ++j) {
    const double* const from = value + index(slot[j]) * stride;
    for (std::size_t i = 0; i < n; ++i) row[i * step + j] = static_cast<Out>(from[i]);
  }
  for (std::size_t i = 0; i < n; ++i) {
    std::fill(row + i * step + slot.size(), row + i * step + row_length, Out{0});
  }
}

}  // namespace

FeatureTable::FeatureTable(std::int32_t n_slot, std::int32_t n_lane, std::int32_t n_history)
    : n_slot_(checked("n_slot", n_slot, 0)),
      n_lane_(checked("n_lane", n_lane, 1)),
      lane_stride_(stride_of(n_lane)),
      // One row at least, so that there is an address to which a lane can be added.
      values_(std::max<std::size_t>(index(n_slot), 1) * lane_stride_),
      history_(n_slot, n_lane, checked("n_history", n_history, 0)),
      list_start_{0} {}

// --- history ------------------------------------------------------------------------------------

void FeatureTable::snapshot(std::span<const std::int32_t> lane, std::span<const double> time_s) {
  check_keeps_history();
  check_length("time_s", time_s.size(), lane.size());
  for (const std::int32_t one : lane) check_lane(one);
  history_.claim(lane, time_s);
  for (std::size_t i = 0; i < lane.size(); i += index(kLineLanes)) {
    const std::size_t n = std::min(index(kLineLanes), lane.size() - i);
    keep(lane.subspan(i, n), time_s.subspan(i, n));
  }
}

void FeatureTable::snapshot_all(double time_s) {
  check_keeps_history();
  history_.claim_all(time_s);
  std::array<std::int32_t, kLineLanes> lane{};
  std::array<double, kLineLanes> times_s{};
  times_s.fill(time_s);
  for (std::int32_t first = 0; first < n_lane_; first += kLineLanes) {
    const std::size_t n = index(std::min(kLineLanes, n_lane_ - first));
    std::iota(lane.begin(), lane.end(), first);
    keep(std::span(lane).first(n), std::span(times_s).first(n));
  }
}

void FeatureTable::clear_history(std::int32_t lane) {
  check_lane(lane);
  history_.clear(lane);
}

std::int32_t FeatureTable::n_snapshot(std::int32_t lane) const {
  check_lane(lane);
  return history_.n_snapshot(lane);
}

std::vector<double> FeatureTable::snapshot_times(std::int32_t lane) const {
  check_lane(lane);
  return history_.times(lane);
}

std::optional<std::span<const double>> FeatureTable::as_of(std::int32_t lane, double time_s) const {
  check_lane(lane);
  check_not_nan(time_s);
  return history_.as_of(lane, time_s);
}

// At most kLineLanes lanes.
void FeatureTable::keep(std::span<const std::int32_t> lane,
                        std::span<const double> time_s) noexcept {
  std::array<const double*, kLineLanes> from{};
  std::array<double*, kLineLanes> to{};
  for (std::size_t i = 0; i < lane.size(); ++i) {
    from[i] = values_.data() + lane[i];
    to[i] = history_.open(lane[i], time_s[i]).data();
  }
  const std::size_t n_slot = index(n_slot_);
  if (lane.size() == to.size()) {
    // Slot by slot, because neighbouring lanes share the cache line that each slot costs.
    for (std::size_t slot = 0; slot < n_slot; ++slot) {
      for (std::size_t i = 0; i < to.size(); ++i) to[i][slot] = from[i][slot * lane_stride_];
    }
    return;
  }
  for (std::size_t i = 0; i < lane.size(); ++i) {
    for (std::size_t slot = 0; slot < n_slot; ++slot) to[i][slot] = from[i][slot * lane_stride_];
  }
}

// --- observers ----------------------------------------------------------------------------------

std::int32_t FeatureTable::add_observer(std::span<const std::int32_t> slot) {
  for (const std::int32_t one : slot) check_index("slot", one, n_slot_);
  slots_.insert(slots_.end(), slot.begin(), slot.end());
  list_start_.push_back(slots_.size());
  return n_observer() - 1;
}

std::span<const std::int32_t> FeatureTable::observer(std::int32_t observer) const {
  check_index("observer", observer, n_observer());
  return list(observer);
}

std::int32_t FeatureTable::n_observer() const noexcept {
  return static_cast<std::int32_t>(list_start_.size() - 1);
}

template <class Out>
void FeatureTable::gather(std::span<const std::int32_t> observer,
                          std::span<const std::int32_t> lane, std::span<Out> out,
                          std::size_t row_length) const {
  check_rows(observer, lane, out.size(), row_length);
  for (std::size_t i = 0; i < observer.size();) {
    const Block block = first_block(observer.subspan(i), lane.subspan(i));
    for (std::size_t k = 0; k < block.n_observer; ++k) {
      const std::span<const std::int32_t> slots = list(observer[i + k]);
      const double* const value = values_.data() + lane[i];
      if (block.n_lane == 1) {
        fill_row(slots, value, lane_stride_, out.subspan((i + k) * row_length, row_length));
      } else {
        fill_rows(slots, value, lane_stride_, block.n_lane, out.data() + (i + k) * row_length,
                  block.n_observer * row_length, row_length);
      }
    }
    i += block.n_observer * block.n_lane;
  }
}

template <class Out>
void FeatureTable::gather_as_of(std::span<const std::int32_t> observer,
                                std::span<const std::int32_t> lane, std::span<const double> time_s,
                                std::span<Out> out, std::size_t row_length,
                                std::span<std::uint8_t> is_stale) const {
  check_rows(observer, lane, out.size(), row_length);
  check_length("time_s", time_s.size(), observer.size());
  check_length("is_stale", is_stale.size(), observer.size());
  for (const double time : time_s) check_not_nan(time);
  for (std::size_t i = 0; i < observer.size(); ++i) {
    const std::span<Out> row = out.subspan(i * row_length, row_length);
    const auto state = history_.as_of(lane[i], time_s[i]);
    is_stale[i] = state ? 0 : 1;
    if (state) {
      fill_row(list(observer[i]), state->data(), 1, row);
    } else {
      std::ranges::fill(row, Out{0});
    }
  }
}

template void FeatureTable::gather(std::span<const std::int32_t>, std::span<const std::int32_t>,
                                   std::span<float>, std::size_t) const;
template void FeatureTable::gather(std::span<const std::int32_t>, std::span<const std::int32_t>,
                                   std::span<double>, std::size_t) const;
template void FeatureTable::gather_as_of(std::span<const std::int32_t>,
                                         std::span<const std::int32_t>, std::span<const double>,
                                         std::span<float>, std::size_t,
                                         std::span<std::uint8_t>) const;
template void FeatureTable::gather_as_of(std::span<const std::int32_t>,
                                         std::span<const std::int32_t>, std::span<const double>,
                                         std::span<double>, std::size_t,
                                         std::span<std::uint8_t>) const;

// --- checks -------------------------------------------------------------------------------------

void FeatureTable::check_lane(std::int32_t lane) const { check_index("lane", lane, n_lane_); }

void FeatureTable::check_keeps_history() const {
  if (n_history() > 0) return;
  throw InvalidArgument("the table keeps no history; make it with n_history of at least 1");
}

void FeatureTable::check_rows(std::span<const std::int32_t> observer,
                              std::span<const std::int32_t> lane, std::size_t n_out,
                              std::size_t row_length) const {
  const std::size_t n_row = observer.size();
  check_length("lane", lane.size(), n_row);
  // By division: a product of two unchecked lengths could wrap round.
  if (n_row == 0 ? n_out != 0 : n_out % n_row != 0 || n_out / n_row != row_length) {
    throw InvalidArgument("out has " + std::to_string(n_out) + " values, expected " +
                          std::to_string(n_row) + " rows of " + std::to_string(row_length));
  }
  for (const std::int32_t one : lane) check_lane(one);
  for (const std::int32_t one : observer) {
    check_index("observer", one, n_observer());
    if (list(one).size() > row_length) {
      throw InvalidArgument("observer " + std::to_string(one) + " has " +
                            std::to_string(list(one).size()) + " slots, more than the " +
                            std::to_string(row_length) + " entries of a row of out");
    }
  }
}

std::span<const std::int32_t> FeatureTable::list(std::int32_t observer) const noexcept {
  const std::size_t start = list_start_[index(observer)];
  return {slots_.data() + start, list_start_[index(observer) + 1] - start};
}

}  // namespace heron
