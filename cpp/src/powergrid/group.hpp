#pragma once

#include "simd.hpp"

// A group of lanes in a workspace: kVec vectors side by side, the unit that a kernel works on.
// Arrays are [row][kVec], so that all rows of a small network stay in the nearest cache.
namespace powergrid {
namespace {

template <int kVec>
struct Group {
  // Inputs of every lane, in per unit, from the batch or another group before the first start.
  Vec* p;  // injection of constant power, (n_node)
  Vec* q;
  Vec* p_current;  // injection at 1 p.u. that grows with the voltage, (n_node); null if none does
  Vec* q_current;
  Vec* g;  // admittance to ground, loads of constant impedance included, (n_node)
  Vec* b;
  Vec* tap_m_re;  // factor on the voltage of the changer's winding, complex, (n_tap)
  Vec* tap_m_im;
  Vec* vm_set;  // (n_controlled)

  // The solution, and before it the start.
  Vec* v_re;  // (n_node)
  Vec* v_im;

  // Currents into each branch at both its ends [p.u.], written by a method's branch_currents().
  Vec* i_from_re;  // (n_branch)
  Vec* i_from_im;
  Vec* i_to_re;
  Vec* i_to_im;
  // Power [p.u.] that holds the voltage of each controlled node, by the same.
  Vec* p_controlled;  // (n_controlled)
  Vec* q_controlled;

  void* scratch;  // of the method, its scratch_size() vectors for each of kVec
};

// One run of Newton's method, of the lanes in `active`. Lanes outside keep every bit. On return a
// lane of `converged` has its solution in v_re, v_im; the other active lanes may hold anything.
template <int kVec>
struct Newton {
  double tolerance;  // largest power mismatch [p.u.]
  int max_iterations;
  bool is_damped;  // shorten the steps
  // A method that can tell a solution of low voltage refuses it, and the lane goes on to the next
  // start. The last start takes what it finds.
  bool is_low_refused;
  Mask active[kVec];
  Mask converged[kVec];  // out
  Vec mismatch[kVec];    // out, of the active lanes: the last one [p.u.]
  Vec iterations[kVec];  // in and out: each step of an active lane adds 1
};

}  // namespace
}  // namespace powergrid
