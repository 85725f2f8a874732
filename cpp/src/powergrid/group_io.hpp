#pragma once

#include "group.hpp"
#include "solve_job.hpp"
#include "vector_math.hpp"

// Between a batch and a group: inputs on the way in, voltages and results on the way out.
namespace powergrid {
namespace {

inline const double* lanes(const Table<double>& table, int row, std::size_t lane) noexcept {
  return table.data + static_cast<std::size_t>(row) * table.stride + lane;
}

// Writes only the lanes of a mask.
inline void store(const Table<double>& table, int row, std::size_t lane, Mask mask,
                  Vec value) noexcept {
  double* to = table.data + static_cast<std::size_t>(row) * table.stride + lane;
  store(to, select(mask, value, load(to)));
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
}

// out = sum + terms, or out += terms; `guard` becomes NaN where a sum is not finite.
template <int kVec, bool kIsAdded>
void gather_sums(const IoSums& all, const Table<double>& first, const Table<double>& second,
                 std::size_t lane, Vec* out_re, Vec* out_im, Vec* guard) noexcept {
  for (int i = 0; i < all.n; ++i) {
    const IoSum& sum = all.sums[i];
    for (int k = 0; k < kVec; ++k) {
      const int at = sum.row * kVec + k;
      const std::size_t from = lane + static_cast<std::size_t>(k) * kWidth;
      Vec re = kIsAdded ? out_re[at] : broadcast(sum.real);
      Vec im = kIsAdded ? out_im[at] : broadcast(sum.imaginary);
      for (int n = sum.first_term; n < sum.last_term; ++n) {
        const IoTerm& term = all.terms[n];
        re = fma(load(lanes(first, term.input, from)), broadcast(term.real), re);
        im = fma(load(lanes(second, term.input, from)), broadcast(term.imaginary), im);
      }
      out_re[at] = re;
      out_im[at] = im;
      guard[k] = fma(re, Vec{}, guard[k]);
      guard[k] = fma(im, Vec{}, guard[k]);
    }
  }
}

// The factor of a changer at its position: 1 + n step, or a turn by n angles.
inline void tap_factor(const IoTap& tap, Vec position, Vec& m_re, Vec& m_im) noexcept {
  const Vec n = position - tap.neutral;
  if (tap.kind == TapKind::kRatio) {
    m_re = fma(n, broadcast(tap.step_re), broadcast(1.0));
    m_im = n * tap.step_im;
    return;
  }
  for (std::size_t j = 0; j < kWidth; ++j) {
    m_re[j] = __builtin_cos(n[j] * tap.angle_rad);
    m_im[j] = __builtin_sin(n[j] * tap.angle_rad);
  }
}

// Inputs of the lanes from `lane` on; `is_valid` tells which have none that is NaN or infinite, and
// a voltage at every tap and set-point.
template <int kVec>
void gather(const SolveJob& job, std::size_t lane, const Group<kVec>& group,
            Mask* is_valid) noexcept {
  const IoView& io = job.io;
  Vec guard[kVec];
  for (int k = 0; k < kVec; ++k) guard[k] = Vec{};
  gather_sums<kVec, false>(io.power, job.p_mw, job.q_mvar, lane, group.p, group.q, guard);
  gather_sums<kVec, false>(io.current, job.p_mw, job.q_mvar, lane, group.p_current,
                           group.q_current, guard);
  gather_sums<kVec, false>(io.impedance, job.p_mw, job.q_mvar, lane, group.g, group.b, guard);
  gather_sums<kVec, true>(io.shunt, job.shunt_step, job.shunt_step, lane, group.g, group.b, guard);
  for (int k = 0; k < kVec; ++k) {
    const std::size_t from = lane + static_cast<std::size_t>(k) * kWidth;
    Vec least = broadcast(1.0);
    for (int i = 0; i < io.n_io_tap; ++i) {
      const IoTap& tap = io.taps[i];
      const int at = tap.row * kVec + k;
      const Vec position = load(lanes(job.tap_pos, tap.row, from));
      tap_factor(tap, position, group.tap_m_re[at], group.tap_m_im[at]);
      guard[k] = fma(position, Vec{}, guard[k]);
      if (tap.kind == TapKind::kRatio) least = min(least, group.tap_m_re[at]);
    }
    for (int row = 0; row < io.n_controlled; ++row) {
      const Vec vm_set = load(lanes(job.vm_set_pu, row, from));
      group.vm_set[row * kVec + k] = vm_set;
      guard[k] = fma(vm_set, Vec{}, guard[k]);
      least = min(least, vm_set);
    }
    is_valid[k] = (guard[k] == 0.0) & (least > 0.0);
  }
}

// The lanes' last voltages.
template <int kVec>
void gather_voltages(const SolveJob& job, std::size_t lane, const Group<kVec>& group) noexcept {
  for (int i = 0; i < job.io.n_node; ++i) {
    const IoNode& node = job.io.nodes[i];
    for (int k = 0; k < kVec; ++k) {
      const std::size_t from = lane + static_cast<std::size_t>(k) * kWidth;
      Vec re = load(lanes(job.v_re_pu, node.node, from));
      Vec im = load(lanes(job.v_im_pu, node.node, from));
      if (job.io.is_rotated) {
        const Vec turned = fma(re, broadcast(node.rotation_re), im * node.rotation_im);
        im = fms(im, broadcast(node.rotation_re), re * node.rotation_im);
        re = turned;
      }
      group.v_re[i * kVec + k] = re;
      group.v_im[i * kVec + k] = im;
    }
  }
}

// Voltages of the lanes of a mask, as state and as magnitude and angle of each bus.
template <int kVec>
void scatter_voltages(const SolveJob& job, std::size_t lane, const Group<kVec>& group,
                      const Mask* mask) noexcept {
  for (int i = 0; i < job.io.n_node; ++i) {
    const IoNode& node = job.io.nodes[i];
    for (int k = 0; k < kVec; ++k) {
      const std::size_t to = lane + static_cast<std::size_t>(k) * kWidth;
      Vec re = group.v_re[i * kVec + k];
      Vec im = group.v_im[i * kVec + k];
      if (job.io.is_rotated) {
        const Vec turned = fms(re, broadcast(node.rotation_re), im * node.rotation_im);
        im = fma(im, broadcast(node.rotation_re), re * node.rotation_im);
        re = turned;
      }
      store(job.v_re_pu, node.node, to, mask[k], re);
      store(job.v_im_pu, node.node, to, mask[k], im);
      const Vec magnitude = sqrt(fma(re, re, im * im));
      const Vec angle = angle_degree(im, re);
      for (int n = node.first_bus; n < node.last_bus; ++n) {
        store(job.vm_pu, job.io.bus[n], to, mask[k], magnitude);
        store(job.va_degree, job.io.bus[n], to, mask[k], angle);
      }
    }
  }
}

// Flows, loading and exchange of the lanes of a mask, from the currents of a group.
template <int kVec>
void scatter_flows(const SolveJob& job, std::size_t lane, const Group<kVec>& group,
                   const Mask* mask) noexcept {
  const double base = job.io.base_mva;
  for (int i = 0; i < job.io.n_io_branch; ++i) {
    const IoBranch& branch = job.io.branches[i];
    for (int k = 0; k < kVec; ++k) {
      const std::size_t to = lane + static_cast<std::size_t>(k) * kWidth;
      const int at = branch.branch * kVec + k;
      const Vec from_re = group.i_from_re[at], from_im = group.i_from_im[at];
      const Vec to_re = group.i_to_re[at], to_im = group.i_to_im[at];
      const int from_row = branch.from * kVec + k;
      const int to_row = branch.to * kVec + k;
      const Vec v_from_re = base * group.v_re[from_row], v_from_im = base * group.v_im[from_row];
      const Vec v_to_re = base * group.v_re[to_row], v_to_im = base * group.v_im[to_row];
      const Vec square_from = branch.square_from * fma(from_re, from_re, from_im * from_im);
      const Vec square_to = branch.square_to * fma(to_re, to_re, to_im * to_im);
      store(job.p_from_mw, branch.branch, to, mask[k],
            fma(v_from_re, from_re, v_from_im * from_im));
      store(job.q_from_mvar, branch.branch, to, mask[k],
            fms(v_from_im, from_re, v_from_re * from_im));
      store(job.p_to_mw, branch.branch, to, mask[k], fma(v_to_re, to_re, v_to_im * to_im));
      store(job.q_to_mvar, branch.branch, to, mask[k], fms(v_to_im, to_re, v_to_re * to_im));
      store(job.loading_percent, branch.branch, to, mask[k], sqrt(max(square_from, square_to)));
    }
  }
  for (int row = 0; row < job.io.n_controlled; ++row) {
    for (int k = 0; k < kVec; ++k) {
      const std::size_t to = lane + static_cast<std::size_t>(k) * kWidth;
      store(job.p_controlled_mw, row, to, mask[k], base * group.p_controlled[row * kVec + k]);
      store(job.q_controlled_mvar, row, to, mask[k], base * group.q_controlled[row * kVec + k]);
    }
  }
}

}  // namespace
}  // namespace powergrid
