#pragma once

#include "group_io.hpp"

// The memory of groups.
namespace powergrid {
namespace {

// Calls take(array, n_row) for each array of a group.
template <int kVec, class Take>
void each_array(const IoView& io, Group<kVec>& group, Take take) noexcept {
  take(group.p, io.n_node);
  take(group.q, io.n_node);
  take(group.p_current, io.has_current ? io.n_node : 0);
  take(group.q_current, io.has_current ? io.n_node : 0);
  take(group.g, io.n_node);
  take(group.b, io.n_node);
  take(group.tap_m_re, io.n_tap);
  take(group.tap_m_im, io.n_tap);
  take(group.vm_set, io.n_controlled);
  take(group.v_re, io.n_node);
  take(group.v_im, io.n_node);
  take(group.i_from_re, io.n_branch);
  take(group.i_from_im, io.n_branch);
  take(group.i_to_re, io.n_branch);
  take(group.i_to_im, io.n_branch);
  take(group.p_controlled, io.n_controlled);
  take(group.q_controlled, io.n_controlled);
}

// Vectors that the arrays of a group take.
template <int kVec>
std::size_t group_size(const IoView& io) noexcept {
  std::size_t n_row = 0;
  Group<kVec> group;
  each_array(io, group, [&](Vec*&, std::int32_t n) { n_row += static_cast<std::size_t>(n); });
  return n_row * kVec;
}

// Lays the arrays of groups one behind the other, which share one scratch before them. They lie
// equally far apart.
template <int kVec>
void lay_out(const IoView& io, std::size_t n_scratch, Vec* memory, std::size_t n_group,
             Group<kVec>* groups) noexcept {
  Vec* next = memory + n_scratch * kVec;
  for (std::size_t n = 0; n < n_group; ++n) {
    Group<kVec>& group = groups[n];
    each_array(io, group, [&](Vec*& array, std::int32_t n_row) {
      array = next;
      next += n_row * kVec;
    });
    if (!io.has_current) group.p_current = group.q_current = nullptr;
    group.scratch = memory;
  }
}

// Groups that go together: fewer of a large network, so that a thread keeps within 16 MiB or one,
// beside the spare one.
template <int kVec>
std::size_t most_groups(const IoView& io) noexcept {
  constexpr std::size_t kMostDoubles = std::size_t{1} << 21;
  if (kVec == 1) return 1;
  const std::size_t n_double = group_size<kVec>(io) * kWidth;
  const std::size_t n = kMostDoubles / n_double;
  return n < 1 ? 1 : (n < kGroupsTogether ? n : kGroupsTogether);
}

// The group behind those that go together, which has what no lane changes.
template <int kVec, class Method>
Group<kVec> spare_group(const SolveJob& job, const Method& method, GroupMemory& memory) noexcept {
  const std::size_t n_most = most_groups<kVec>(job.io);
  Group<kVec> groups[kGroupsTogether + 1];
  lay_out(job.io, method.scratch_size(), reinterpret_cast<Vec*>(memory.data[kVec - 1]), n_most + 1,
          groups);
  if (!memory.is_spare_filled[kVec - 1]) fill(job.io, groups[n_most]);
  memory.is_spare_filled[kVec - 1] = true;
  return groups[n_most];
}

}  // namespace
}  // namespace powergrid
