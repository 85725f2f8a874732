#include "solve_job.hpp"

namespace powergrid {

// Of a last-level cache that others use too.
constexpr std::size_t kLargeBatch = std::size_t{16} << 20;  // bytes

void bind_network(SolveJob& job, const Network& network) {
  job.sparse = network.sparse();
  if (network.tree() != nullptr) job.tree = network.tree()->view();
  job.io = network.io().view();
}

void bind_batch(SolveJob& job, Batch& batch) {
  job.p_mw = batch.p_mw;
  job.q_mvar = batch.q_mvar;
  job.tap_pos = batch.tap_pos;
  job.shunt_step = batch.shunt_step;
  job.vm_set_pu = batch.vm_set_pu;
  job.v_re_pu = batch.v_re_pu;
  job.v_im_pu = batch.v_im_pu;
  job.vm_pu = batch.vm_pu;
  job.va_degree = batch.va_degree;
  job.p_from_mw = batch.p_from_mw;
  job.q_from_mvar = batch.q_from_mvar;
  job.p_to_mw = batch.p_to_mw;
  job.q_to_mvar = batch.q_to_mvar;
  job.loading_percent = batch.loading_percent;
  job.p_controlled_mw = batch.p_controlled_mw;
  job.q_controlled_mvar = batch.q_controlled_mvar;
  job.mismatch_pu = batch.mismatch_pu.data();
  job.iterations = batch.iterations.data();
  job.status = batch.status.data();
  job.start = batch.start.data();
  job.is_warm = batch.is_warm.data();
  job.is_bus_told = batch.is_bus_told();
  job.is_branch_told = batch.is_branch_told();
  job.is_large = batch.n_byte() > kLargeBatch;
}

}  // namespace powergrid
