#pragma once

#include "group_chain.hpp"
#include "group_memory.hpp"

// Lanes whose taps moved are solved again, round by round, without going back to the batch. Each
// round fewer of them are left, all over the groups. They are copied to a spare group, side by
// side, so that no vector is solved for the sake of one lane; voltages and taps are copied back.
namespace powergrid {
namespace {

// Lanes of groups that go together, by their place there.
struct LaneQueue {
  std::size_t n = 0;
  std::int32_t place[2 * kWidth * kGroupsTogether];

  void add(std::size_t at) noexcept { place[n++] = static_cast<std::int32_t>(at); }
};

// What a relay reads in the lanes of a vector.
struct RelayVec {
  Vec vm, p, q;
};

template <int kVec>
RelayVec read_relay(const IoView& io, const RelayPoint& point, const Group<kVec>& group,
                    int k) noexcept {
  RelayVec reading{};
  if (const int node = io.node_of_bus[point.bus]; node >= 0) {
    const Vec re = group.v_re[node * kVec + k];
    const Vec im = group.v_im[node * kVec + k];
    reading.vm = sqrt(fma(re, re, im * im));
  }
  if (const int entry = io.entry_of_branch[point.branch]; entry >= 0) {
    const IoBranch& branch = io.branches[entry];
    const Vec i_re = group.i_to_re[branch.branch * kVec + k];
    const Vec i_im = group.i_to_im[branch.branch * kVec + k];
    const Vec v_re = io.base_mva * group.v_re[branch.to * kVec + k];
    const Vec v_im = io.base_mva * group.v_im[branch.to * kVec + k];
    reading.p = fma(v_re, i_re, v_im * i_im);
    reading.q = fms(v_im, i_re, v_re * i_im);
  }
  return reading;
}

// Moves the taps of a group's solved lanes; calls moved(j) for lane j of the group if any did.
template <int kVec, class Lanes, class Moved>
void move_taps(const SolveJob& job, const Group<kVec>& group, const Lanes& lanes, std::size_t first,
               const Mask* is_solved, Moved moved) noexcept {
  const TapMover& mover = *job.mover;
  bool is_moved[kVec * kWidth] = {};
  for (std::size_t i = 0; i < mover.n_point; ++i) {
    for (int k = 0; k < kVec; ++k) {
      const RelayVec reading = read_relay(job.io, mover.points[i], group, k);
      for (std::size_t j = 0; j < kWidth; ++j) {
        if (is_solved[k][j] == 0) continue;
        const std::size_t at = static_cast<std::size_t>(k) * kWidth + j;
        is_moved[at] = mover.move(mover.context, i, lanes[first + at],
                                  {reading.vm[j], reading.p[j], reading.q[j]}, is_moved[at]);
      }
    }
  }
  for (std::size_t j = 0; j < kVec * kWidth; ++j) {
    if (is_moved[j]) moved(j);
  }
}

// Where lanes of groups that lie equally far apart are, in doubles from the first group's arrays.
template <int kFrom>
struct Places {
  const Group<kFrom>& group;  // the first one
  std::int32_t at[2 * kWidth];

  const double* row(const Vec* array, int i) const noexcept {
    return reinterpret_cast<const double*>(array + i * kFrom);
  }
  double* row(Vec* array, int i) const noexcept {
    return reinterpret_cast<double*>(array + i * kFrom);
  }
};

// Powers and voltages of those lanes, into a group that has what no lane changes.
template <int kTo, int kFrom>
void copy_in(const IoView& io, const Places<kFrom>& from, const Group<kTo>& to) noexcept {
  const auto copy = [&](const Vec* source, Vec* target, int i) {
    const double* row = from.row(source, i);
    for (int k = 0; k < kTo; ++k) {
      target[i * kTo + k] = pick(row, from.at + static_cast<std::size_t>(k) * kWidth);
    }
  };
  for (int n = 0; n < io.power.n; ++n) {
    copy(from.group.p, to.p, io.power.sums[n].row);
    copy(from.group.q, to.q, io.power.sums[n].row);
  }
  for (int n = 0; n < io.current.n; ++n) {
    copy(from.group.p_current, to.p_current, io.current.sums[n].row);
    copy(from.group.q_current, to.q_current, io.current.sums[n].row);
  }
  for (int i = 0; i < io.n_node; ++i) {
    copy(from.group.v_re, to.v_re, i);
    copy(from.group.v_im, to.v_im, i);
  }
}

// Voltages and tap factors of the lanes of a mask, back to where they came from.
template <int kTo, int kFrom>
void copy_back(const IoView& io, const Group<kTo>& from, const Mask* mask, std::size_t n,
               const Places<kFrom>& to) noexcept {
  std::int32_t lane[2 * kWidth];
  std::int32_t at[2 * kWidth];
  std::size_t n_lane = 0;
  for (std::size_t j = 0; j < n; ++j) {
    if (mask[j / kWidth][j % kWidth] == 0) continue;
    lane[n_lane] = static_cast<std::int32_t>(j);
    at[n_lane++] = to.at[j];
  }
  const auto copy = [&](const Vec* source, Vec* target, int i) {
    const double* source_row = reinterpret_cast<const double*>(source + i * kTo);
    double* row = to.row(target, i);
    for (std::size_t j = 0; j < n_lane; ++j) row[at[j]] = source_row[lane[j]];
  };
  for (int i = 0; i < io.n_node; ++i) {
    copy(from.v_re, to.group.v_re, i);
    copy(from.v_im, to.group.v_im, i);
  }
  for (int i = 0; i < io.n_io_tap; ++i) {
    copy(from.tap_m_re, to.group.tap_m_re, io.taps[i].row);
    copy(from.tap_m_im, to.group.tap_m_im, io.taps[i].row);
  }
}

// Solve the first `n` lanes of a queue again, at most those of kTo vectors; those whose taps move
// once more are added to `next`.
template <int kTo, int kFrom, class Method, class Lanes>
void solve_moved(const SolveJob& job, const Method& method, GroupMemory& memory,
                 const Groups<kFrom, Lanes>& groups, const std::int32_t* place, std::size_t n,
                 LaneQueue* next, SolveCounters& counters) noexcept {
  constexpr std::size_t kMost = kTo * kWidth;
  constexpr std::size_t kGroup = kFrom * kWidth;
  const auto apart = static_cast<std::size_t>(groups.group[1].p - groups.group[0].p) * kWidth;
  Places<kFrom> places{groups.group[0], {}};
  std::int32_t number[kMost];  // in the batch
  for (std::size_t j = 0; j < kMost; ++j) {
    const auto at = static_cast<std::size_t>(place[j < n ? j : n - 1]);
    places.at[j] = static_cast<std::int32_t>(at / kGroup * apart + at % kGroup);
    number[j] = static_cast<std::int32_t>(groups.lanes[groups.first + at]);
  }
  Groups<kTo, ListedLanes> spare;
  spare.lanes = {number, n};
  spare.n = 1;
  spare.group[0] = spare_group<kTo>(job, method, memory);
  const Group<kTo>& group = spare.group[0];
  copy_in(job.io, places, group);
  Vec squares[kGroupsTogether][kTo]{};
  gather_admittances(job, spare, squares);
  Masks<kTo> is_valid;
  gather_taps(job, spare, is_valid);
  Mask is_tried[kTo];
  Mask is_solved[kTo];
  for (std::size_t j = 0; j < kMost; ++j) is_tried[j / kWidth][j % kWidth] = j < n ? -1 : 0;
  for (int k = 0; k < kTo; ++k) is_tried[k] &= is_valid[0][k];
  solve_group(job, method, group, spare.lanes, 0, is_tried, is_tried, is_valid[0], is_solved,
              counters);
  copy_back(job.io, group, is_solved, n, places);
  if (next == nullptr) return;
  move_taps(job, group, spare.lanes, 0, is_solved,
            [&](std::size_t j) { next->add(static_cast<std::size_t>(place[j])); });
}

// Solve lanes whose taps have moved until none moves, and find the currents of the groups anew.
// Taps of a lane without a solution stay where they are, and its results those of the solve before.
template <int kVec, class Method, class Lanes>
void settle(const SolveJob& job, const Method& method, GroupMemory& memory,
            const Groups<kVec, Lanes>& groups, const LaneQueue& moved,
            SolveCounters& counters) noexcept {
  LaneQueue queues[2];
  queues[0] = moved;
  for (int round = 1; round <= job.mover->most_rounds && queues[0].n != 0; ++round) {
    LaneQueue* next = round < job.mover->most_rounds ? &queues[1] : nullptr;
    queues[1].n = 0;
    const std::size_t n = queues[0].n;
    for (std::size_t first = 0; first < n;) {
      const std::int32_t* place = queues[0].place + first;
      const std::size_t n_left = n - first;
      if (n_left > kWidth) {
        const std::size_t n_now = n_left < 2 * kWidth ? n_left : 2 * kWidth;
        solve_moved<2>(job, method, memory, groups, place, n_now, next, counters);
        first += n_now;
      } else {
        solve_moved<1>(job, method, memory, groups, place, n_left, next, counters);
        first = n;
      }
    }
    queues[0] = queues[1];
  }
  Vec squares[kGroupsTogether][kVec]{};
  gather_admittances(job, groups, squares);
  for (std::size_t n = 0; n < groups.n; ++n) {
    method.prepare_group(groups.group[n]);
    method.find_currents(groups.group[n]);
  }
}

}  // namespace
}  // namespace powergrid
