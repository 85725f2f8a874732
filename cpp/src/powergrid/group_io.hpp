#pragma once

#include "group.hpp"
#include "solve_job.hpp"
#include "vector_math.hpp"

// Between a batch and its groups: inputs on the way in, voltages and results on the way out.
// Several groups side by side take each row together, because rows of a large batch lie in pages of
// their own: what a row costs is finding it.
namespace powergrid {
namespace {

constexpr std::size_t kGroupsTogether = 8;

// Lanes that fill whole vectors of the batch: they begin on a multiple of the width, and end on one
// or with the batch.
struct AdjacentLanes {
  std::size_t end;
  bool is_streamed = false;  // write whole vectors, past the caches

  std::size_t operator[](std::size_t i) const noexcept { return i; }
  Vec load(const double* row, std::size_t i) const noexcept { return powergrid::load(row + i); }
  void store(double* row, std::size_t i, Mask mask, Vec value) const noexcept {
    if (is_streamed) {
      stream(row + i, value);
    } else {
      powergrid::store(row + i, select(mask, value, powergrid::load(row + i)));
    }
  }
};

// Lanes by their numbers. No other is read or written: another thread may be at work on it.
struct ListedLanes {
  const std::int32_t* lane;  // (end), the last one repeated to whole vectors
  std::size_t end;

  std::size_t operator[](std::size_t i) const noexcept { return static_cast<std::size_t>(lane[i]); }
  Vec load(const double* row, std::size_t i) const noexcept { return pick(row, lane + i); }
  void store(double* row, std::size_t i, Mask mask, Vec value) const noexcept {
    const bool is_all = all(mask);  // nearly always, and a test takes as long as a store
    for (std::size_t j = 0; j < kWidth; ++j) {
      if (is_all || mask[j] != 0) row[lane[i + j]] = value[j];
    }
  }
};

// Groups of lanes that follow each other in `lanes`.
template <int kVec, class Lanes>
struct Groups {
  Lanes lanes;
  std::size_t n = 0;
  std::size_t first = 0;                   // index in `lanes` of the first lane
  Group<kVec> group[kGroupsTogether + 1];  // the spare one as well, behind as many as fit
};

// Which lanes of each group.
template <int kVec>
using Masks = Mask[kGroupsTogether][kVec];

// Index of a vector's first lane.
template <int kVec, class Lanes>
inline std::size_t index_of(const Groups<kVec, Lanes>& groups, std::size_t n, int k) noexcept {
  return groups.first + (n * kVec + static_cast<std::size_t>(k)) * kWidth;
}

// A row of the batch at the lanes of a vector, the first of which has index `i`.
template <class Lanes>
inline Vec load(const Lanes& lanes, const Table<double>& table, int row, std::size_t i) noexcept {
  return lanes.load(table.data + static_cast<std::size_t>(row) * table.stride, i);
}
// Writes only the lanes of a mask.
template <class Lanes>
inline void store(const Lanes& lanes, const Table<double>& table, int row, std::size_t i, Mask mask,
                  Vec value) noexcept {
  lanes.store(table.data + static_cast<std::size_t>(row) * table.stride, i, mask, value);
}

// What no lane changes, once for each memory.
template <int kVec>
void fill(const IoView& io, const Group<kVec>& group) noexcept {
  for (int at = 0; at < io.n_node * kVec; ++at) {
    const IoNode& node = io.nodes[at / kVec];
    group.p[at] = broadcast(node.p);
    group.q[at] = broadcast(node.q);
    group.g[at] = broadcast(node.g);
    group.b[at] = broadcast(node.b);
    if (io.has_current) group.p_current[at] = group.q_current[at] = Vec{};
  }
  for (int at = 0; at < io.n_tap * kVec; ++at) {
    group.tap_m_re[at] = broadcast(1.0);
    group.tap_m_im[at] = Vec{};
  }
  // Some may be out of supply, and none writes those.
  for (int at = 0; at < io.n_controlled * kVec; ++at) {
    group.p_controlled[at] = group.q_controlled[at] = Vec{};
  }
}

// rows = sum + terms, or rows += terms; `squares` adds up the squares of all rows.
template <bool kIsAdded, int kVec, class Lanes>
void gather_sums(const IoSums& all, const Table<double>& first, const Table<double>& second,
                 const Groups<kVec, Lanes>& groups, Vec* Group<kVec>::* real,
                 Vec* Group<kVec>::* imaginary, Vec (*squares)[kVec]) noexcept {
  for (int i = 0; i < all.n; ++i) {
    const IoSum& sum = all.sums[i];
    for (std::size_t n = 0; n < groups.n; ++n) {
      Vec* const real_row = groups.group[n].*real + sum.row * kVec;
      Vec* const imaginary_row = groups.group[n].*imaginary + sum.row * kVec;
      for (int k = 0; k < kVec; ++k) {
        const std::size_t from = index_of(groups, n, k);
        Vec re = kIsAdded ? real_row[k] : broadcast(sum.real);
        Vec im = kIsAdded ? imaginary_row[k] : broadcast(sum.imaginary);
        for (int term = sum.first_term; term < sum.last_term; ++term) {
          const IoTerm& of = all.terms[term];
          re = fma(load(groups.lanes, first, of.input, from), broadcast(of.real), re);
          im = fma(load(groups.lanes, second, of.input, from), broadcast(of.imaginary), im);
        }
        real_row[k] = re;
        imaginary_row[k] = im;
        squares[n][k] = fma(re, re, squares[n][k]);
        squares[n][k] = fma(im, im, squares[n][k]);
      }
    }
  }
}

// Beyond so many steps from neutral the position of a changer cannot be meant, and a shifter's
// angle would be lost in rounding.
constexpr double kMostSteps = 1e9;
constexpr double kRadian = 0.017453292519943295;  // a degree

// The factor of a changer at its position: 1 + n step, or a turn by n angles.
inline void tap_factor(const IoTap& tap, Vec position, Vec& m_re, Vec& m_im) noexcept {
  const Vec n = position - tap.neutral;
  if (tap.kind == TapKind::kRatio) {
    m_re = fma(n, broadcast(tap.step_re), broadcast(1.0));
    m_im = n * tap.step_im;
    return;
  }
  for (std::size_t j = 0; j < kWidth; ++j) {
    const double turn = kRadian * __builtin_remainder(n[j] * tap.angle_degree, 360.0);
    m_re[j] = __builtin_cos(turn);
    m_im[j] = __builtin_sin(turn);
  }
}

// Inputs that no tap changer acts on; `squares` adds up those of all rows.
template <int kVec, class Lanes>
void gather_powers(const SolveJob& job, const Groups<kVec, Lanes>& groups,
                   Vec (*squares)[kVec]) noexcept {
  using G = Group<kVec>;
  const IoView& io = job.io;
  gather_sums<false>(io.power, job.p_mw, job.q_mvar, groups, &G::p, &G::q, squares);
  gather_sums<false>(io.current, job.p_mw, job.q_mvar, groups, &G::p_current, &G::q_current,
                     squares);
}

// The others, as the method's prepare_group() takes them, without the changers' own.
template <int kVec, class Lanes>
void gather_admittances(const SolveJob& job, const Groups<kVec, Lanes>& groups,
                        Vec (*squares)[kVec]) noexcept {
  using G = Group<kVec>;
  const IoView& io = job.io;
  gather_sums<false>(io.impedance, job.p_mw, job.q_mvar, groups, &G::g, &G::b, squares);
  gather_sums<true>(io.shunt, job.shunt_step, job.shunt_step, groups, &G::g, &G::b, squares);
}

// Tap changers and set-points; `is_valid` tells which lanes have none that is NaN or beyond the
// limits of batch.hpp.
template <int kVec, class Lanes>
void gather_taps(const SolveJob& job, const Groups<kVec, Lanes>& groups,
                 Masks<kVec>& is_valid) noexcept {
  const IoView& io = job.io;
  for (std::size_t n = 0; n < groups.n; ++n) {
    const Group<kVec>& group = groups.group[n];
    for (int k = 0; k < kVec; ++k) {
      const std::size_t from = index_of(groups, n, k);
      Vec guard{};  // NaN if an input is not finite
      Vec least = broadcast(1.0);
      Vec most = broadcast(1.0);
      Vec farthest{};
      for (int i = 0; i < io.n_io_tap; ++i) {
        const IoTap& tap = io.taps[i];
        const int at = tap.row * kVec + k;
        const Vec position = load(groups.lanes, job.tap_pos, tap.row, from);
        tap_factor(tap, position, group.tap_m_re[at], group.tap_m_im[at]);
        guard = fma(position, Vec{}, guard);
        farthest = max(farthest, abs(position - tap.neutral));
        if (tap.kind == TapKind::kRatio) {
          least = min(least, group.tap_m_re[at]);
          most = max(most, max(group.tap_m_re[at], abs(group.tap_m_im[at])));
        }
      }
      for (int row = 0; row < io.n_controlled; ++row) {
        const Vec vm_set = load(groups.lanes, job.vm_set_pu, row, from);
        group.vm_set[row * kVec + k] = vm_set;
        guard = fma(vm_set, Vec{}, guard);
        least = min(least, vm_set);
        most = max(most, vm_set);
      }
      is_valid[n][k] = (guard == 0.0) & (least >= kLeastVoltageFactor) &
                       (most <= kLargestVoltageFactor) & (farthest <= kMostSteps);
    }
  }
}

// All inputs; `is_valid` tells which lanes have none that is NaN or beyond the limits.
template <int kVec, class Lanes>
void gather(const SolveJob& job, const Groups<kVec, Lanes>& groups,
            Masks<kVec>& is_valid) noexcept {
  Vec squares[kGroupsTogether][kVec]{};
  gather_powers(job, groups, squares);
  gather_admittances(job, groups, squares);
  gather_taps(job, groups, is_valid);
  for (std::size_t n = 0; n < groups.n; ++n) {
    for (int k = 0; k < kVec; ++k) {
      is_valid[n][k] &= squares[n][k] <= kLargestInputPu * kLargestInputPu;
    }
  }
}

// The lanes' last voltages.
template <int kVec, class Lanes>
void gather_voltages(const SolveJob& job, const Groups<kVec, Lanes>& groups) noexcept {
  for (int i = 0; i < job.io.n_node; ++i) {
    const IoNode& node = job.io.nodes[i];
    for (std::size_t n = 0; n < groups.n; ++n) {
      for (int k = 0; k < kVec; ++k) {
        const std::size_t from = index_of(groups, n, k);
        Vec re = load(groups.lanes, job.v_re_pu, node.voltage_row, from);
        Vec im = load(groups.lanes, job.v_im_pu, node.voltage_row, from);
        if (job.io.is_rotated) {
          const Vec turned = fma(re, broadcast(node.rotation_re), im * node.rotation_im);
          im = fms(im, broadcast(node.rotation_re), re * node.rotation_im);
          re = turned;
        }
        groups.group[n].v_re[i * kVec + k] = re;
        groups.group[n].v_im[i * kVec + k] = im;
      }
    }
  }
}

// The lanes of groups as results are best written to them: past the caches into a large batch,
// where all lanes are written and a group fills whole lines. To write into memory otherwise is to
// read it first.
template <int kVec>
AdjacentLanes for_results(const SolveJob& job, const Groups<kVec, AdjacentLanes>& groups,
                          const Masks<kVec>& mask) noexcept {
  AdjacentLanes lanes = groups.lanes;
  if (kVec * sizeof(Vec) % 64 != 0 || !job.is_large) return lanes;
  Mask is_all = Mask{} == Mask{};
  for (std::size_t n = 0; n < groups.n; ++n) {
    for (int k = 0; k < kVec; ++k) is_all &= mask[n][k];
  }
  lanes.is_streamed = !any(~is_all);
  return lanes;
}
template <int kVec>
ListedLanes for_results(const SolveJob&, const Groups<kVec, ListedLanes>& groups,
                        const Masks<kVec>&) noexcept {
  return groups.lanes;
}

// Voltages of the lanes of a mask, as state and as magnitude and, where it is told, angle of each
// bus.
template <int kVec, class Lanes>
void scatter_voltages(const SolveJob& job, const Groups<kVec, Lanes>& groups,
                      const Masks<kVec>& mask) noexcept {
  const Lanes lanes = for_results(job, groups, mask);
  for (int i = 0; i < job.io.n_node; ++i) {
    const IoNode& node = job.io.nodes[i];
    for (std::size_t n = 0; n < groups.n; ++n) {
      for (int k = 0; k < kVec; ++k) {
        const std::size_t to = index_of(groups, n, k);
        Vec re = groups.group[n].v_re[i * kVec + k];
        Vec im = groups.group[n].v_im[i * kVec + k];
        if (job.io.is_rotated) {
          const Vec turned = fms(re, broadcast(node.rotation_re), im * node.rotation_im);
          im = fma(im, broadcast(node.rotation_re), re * node.rotation_im);
          re = turned;
        }
        store(lanes, job.v_re_pu, node.voltage_row, to, mask[n][k], re);
        store(lanes, job.v_im_pu, node.voltage_row, to, mask[n][k], im);
        const Vec magnitude = sqrt(fma(re, re, im * im));
        for (int i_bus = node.first_bus; i_bus < node.last_bus; ++i_bus) {
          const int bus = job.io.bus[i_bus];
          store(lanes, job.vm_pu, bus, to, mask[n][k], magnitude);
          if (job.is_bus_told[bus] == 0) continue;
          store(lanes, job.va_degree, bus, to, mask[n][k], angle_degree(im, re));
        }
      }
    }
  }
}

// Flows and loading of one branch.
template <int kVec, class Lanes>
inline void scatter_branch(const SolveJob& job, const Lanes& lanes, const IoBranch& branch,
                           const Group<kVec>& group, int k, std::size_t to, Mask mask) noexcept {
  const double base = job.io.base_mva;
  const int at = branch.branch * kVec + k;
  const Vec from_re = group.i_from_re[at];
  const Vec from_im = group.i_from_im[at];
  const Vec to_re = group.i_to_re[at];
  const Vec to_im = group.i_to_im[at];
  const Vec v_from_re = base * group.v_re[branch.from * kVec + k];
  const Vec v_from_im = base * group.v_im[branch.from * kVec + k];
  const Vec v_to_re = base * group.v_re[branch.to * kVec + k];
  const Vec v_to_im = base * group.v_im[branch.to * kVec + k];
  const Vec square_from = branch.square_from * fma(from_re, from_re, from_im * from_im);
  const Vec square_to = branch.square_to * fma(to_re, to_re, to_im * to_im);
  const int row = branch.branch;
  store(lanes, job.p_from_mw, row, to, mask, fma(v_from_re, from_re, v_from_im * from_im));
  store(lanes, job.loading_percent, row, to, mask, sqrt(max(square_from, square_to)));
  if (job.is_branch_told[row] == 0) return;
  store(lanes, job.q_from_mvar, row, to, mask, fms(v_from_im, from_re, v_from_re * from_im));
  store(lanes, job.p_to_mw, row, to, mask, fma(v_to_re, to_re, v_to_im * to_im));
  store(lanes, job.q_to_mvar, row, to, mask, fms(v_to_im, to_re, v_to_re * to_im));
}

// Flows, loading and exchange of the lanes of a mask, from the currents of the groups.
template <int kVec, class Lanes>
void scatter_flows(const SolveJob& job, const Groups<kVec, Lanes>& groups,
                   const Masks<kVec>& mask) noexcept {
  const Lanes lanes = for_results(job, groups, mask);
  for (int i = 0; i < job.io.n_io_branch; ++i) {
    for (std::size_t n = 0; n < groups.n; ++n) {
      for (int k = 0; k < kVec; ++k) {
        scatter_branch(job, lanes, job.io.branches[i], groups.group[n], k, index_of(groups, n, k),
                       mask[n][k]);
      }
    }
  }
  const double base = job.io.base_mva;
  for (int row = 0; row < job.io.n_controlled; ++row) {
    for (std::size_t n = 0; n < groups.n; ++n) {
      for (int k = 0; k < kVec; ++k) {
        const int at = row * kVec + k;
        const std::size_t to = index_of(groups, n, k);
        store(lanes, job.p_controlled_mw, row, to, mask[n][k],
              base * groups.group[n].p_controlled[at]);
        store(lanes, job.q_controlled_mvar, row, to, mask[n][k],
              base * groups.group[n].q_controlled[at]);
      }
    }
  }
}

}  // namespace
}  // namespace powergrid
