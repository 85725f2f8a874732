#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "powergrid/network.hpp"

namespace powergrid {

// One product of a block elimination: target -= factor[l] * factor[u].
struct SparseTerm {
  std::uint32_t l;
  std::uint32_t u;
};

// One block of a row under elimination: where it stands and what is subtracted from it. Terms of
// one-dimensional nodes come before those of two-dimensional ones.
struct SparseTarget {
  std::uint32_t at;         // in the factor
  std::uint32_t n_one;      // terms through nodes of one unknown
  std::uint32_t n_two;      // and of two
  std::uint32_t n_unknown;  // of the block's column: 1 or 2
};

// Where a row's off-diagonal admittances stand: those to nodes of one unknown, of two, to sources.
struct SparseRange {
  std::uint32_t begin;
  std::uint32_t one_end;
  std::uint32_t two_end;
  std::uint32_t end;
};

// One node that is no source, in the order of elimination. Its unknowns are the change of the
// complex voltage, or of the angle alone where the magnitude is held.
struct SparseRow {
  std::int32_t node;
  std::int32_t controlled;  // its row among the controlled nodes if the magnitude is held, else -1
  std::int32_t diagonal_slot;  // what its diagonal admittance adds by lane, or -1
  SparseRange fixed;           // admittances that all lanes share
  SparseRange varying;         // those that differ by lane
  std::uint32_t fill_end;  // blocks that start as zero end here, those of the row before it begin
  std::uint32_t n_lower;   // blocks left of the diagonal
  std::uint32_t n_upper_one;  // right of it, of one column; the right-hand side counts as the first
  std::uint32_t n_upper_two;  // right of it, of two columns
  std::uint32_t upper;        // the right-hand side and the blocks right of it, in the factor
  std::uint32_t upper_column;  // the first of the row's entries in `column`
  std::uint32_t unknown;       // position of its first unknown
};

// A controlled node: a source, or one whose magnitude is held.
struct SparseControlled {
  std::uint32_t row;  // among the network's controlled nodes, of which some may be out of supply
  std::int32_t node;
  std::uint32_t end;  // its branch ends end here, those of the node before it begin
  bool is_source;
  double first_vm;  // set-point that the start voltages stand for [p.u.]
  double cos_va;    // direction of a source's voltage
  double sin_va;
};

// A branch between two nodes in service as a two-port: i_from = ff v_from + ft v_to, and so on.
// Without tap changers, or at neutral.
struct SparseBranch {
  std::int32_t branch;
  std::int32_t from;
  std::int32_t to;
  double y[8];  // ff, ft, tf, tt: real, imaginary [p.u.]
};

struct SparseTap {
  std::uint32_t tap;     // row of the network's tap changers
  std::uint32_t branch;  // among the varying branches
  bool is_to;
};

// Adds one of a varying branch's four admittances to a slot.
struct SparseAddition {
  std::uint32_t slot;
  std::uint32_t part;  // 4 * varying branch + (0 ff, 1 ft, 2 tf, 3 tt)
};

// A branch end: 2 * branch + (0 from, 1 to), of the network's numbering.
using SparseEnd = std::uint32_t;

struct SparseComplex {
  double re;
  double im;
};

// A node and the one that supplies it when the network is unloaded.
struct SparseSupply {
  std::int32_t node;
  std::int32_t parent;
  std::int32_t branch;  // between them
  std::int32_t tap;     // row of its changer, or -1
  bool is_raised;       // the changer's factor multiplies the node's voltage, else it divides it
  SparseComplex first;  // the factor that the start voltages stand for
};

// An array of the plan, readable without any function, so that kernels compiled for different
// instructions share no code.
template <class T>
struct SparseArray {
  const T* data = nullptr;
  std::uint32_t size = 0;
};

// Newton's method on a sparse matrix of fixed pattern, laid out as lists that the kernels follow
// from front to back without any search.
//
// The factor holds, per vector of lanes, first the blocks left of the diagonal of the row in work,
// then of each row the right-hand side and the blocks right of the diagonal; all positions count
// vectors. A block of rows r and columns c has r * c of them, row by row.
struct SparsePlan {
  SparseArray<SparseRow> row;         // in order of elimination
  SparseArray<SparseTarget> target;   // row by row: lower, diagonal, upper
  SparseArray<SparseTerm> term;       // target by target
  SparseArray<std::uint32_t> fill;    // positions of single vectors that start as zero
  SparseArray<std::uint32_t> column;  // first unknown of each upper block but the first
  // Off-diagonal admittances, row by row: node at the other end and block in the factor.
  SparseArray<std::int32_t> fixed_node;
  SparseArray<std::uint32_t> fixed_at;
  SparseArray<SparseComplex> fixed_y;
  SparseArray<std::int32_t> varying_node;
  SparseArray<std::uint32_t> varying_at;
  SparseArray<SparseComplex> diagonal_y;  // (n_row)
  // Slots of admittances that differ by lane: the varying ones above, then shares of diagonals.
  SparseArray<SparseComplex> slot_y;  // what all lanes share of them, (n_slot)
  SparseArray<SparseAddition> addition;
  SparseArray<SparseTap> tap;
  SparseArray<SparseBranch> fixed_branch;
  SparseArray<SparseBranch> varying_branch;  // those with tap changers
  SparseArray<SparseControlled> controlled;
  SparseArray<SparseEnd> end;
  SparseArray<SparseComplex> start;  // at the first tap positions and set-points, (n_node)
  // Along what the start follows the lanes', parents first: magnitudes from the held nodes, angles
  // from the sources.
  SparseArray<SparseSupply> magnitude_supply;
  SparseArray<SparseSupply> angle_supply;
  double unloaded_sign = 1.0;  // of the Jacobian's determinant without load
  std::uint32_t n_unknown = 0;
  std::uint32_t n_factor = 0;  // vectors of the factor

  struct Storage;
  std::unique_ptr<const Storage> storage;

  SparsePlan();
  ~SparsePlan();
};

// Prepare a network that is checked already: lengths agree, every node is supplied and every branch
// between two nodes has an impedance.
[[nodiscard]] std::unique_ptr<const SparsePlan> make_sparse_plan(const NetworkData& data);

}  // namespace powergrid
