#include "worker_pool.hpp"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace powergrid {
namespace {

long process() noexcept {
#if defined(__unix__) || defined(__APPLE__)
  return getpid();
#else
  return 0;  // no fork
#endif
}

// Looks again for some ten microseconds, the time that falling asleep and being woken take. On a
// core shared with whom it waits for it gives way.
template <class Condition>
bool comes_soon(const Condition& condition) noexcept {
  for (int i = 0; i < 512; ++i) {
    if (condition()) return true;
    if (i % 64 == 63) std::this_thread::yield();
#if defined(__SSE2__)
    _mm_pause();
#endif
  }
  return condition();
}

}  // namespace

// A job is open while it has seats: each worker takes one, takes tasks until there are none, and
// leaves. The caller closes the job by taking the seats that are left, so that who comes too late
// finds nothing, and waits for those who sat down. Only they read `job`, which the caller changes
// only when all have left.
struct WorkerPool::State {
  static constexpr std::uint32_t kClosing = ~std::uint32_t{0};

  alignas(64) std::atomic<std::uint32_t> n_seat{0};
  alignas(64) std::atomic<std::uint32_t> n_left{0};  // workers that sat down and left
  alignas(64) std::atomic<std::size_t> next_task{0};
  Job job{};
  long owner = process();
  std::vector<std::jthread> workers;

  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    n_seat.store(kClosing, std::memory_order_release);
    n_seat.notify_all();
  }

  void take_tasks(std::size_t member) noexcept {
    for (;;) {
      const std::size_t task = next_task.fetch_add(1, std::memory_order_relaxed);
      if (task >= job.n_task) return;
      job.work(job.context, task, member);
    }
  }

  void attend() noexcept {
    for (;;) {
      if (!comes_soon([this] { return n_seat.load(std::memory_order_relaxed) != 0; })) {
        n_seat.wait(0, std::memory_order_relaxed);
      }
      std::uint32_t seat = n_seat.load(std::memory_order_relaxed);
      if (seat == kClosing) return;
      if (seat == 0 || !n_seat.compare_exchange_strong(seat, seat - 1, std::memory_order_acquire,
                                                       std::memory_order_relaxed)) {
        continue;
      }
      take_tasks(seat);
      n_left.fetch_add(1, std::memory_order_release);
      n_left.notify_one();
    }
  }
};

WorkerPool::WorkerPool() noexcept = default;
WorkerPool::~WorkerPool() { forget_if_forked(); }

// The threads stayed with the parent, so that there is nobody to join.
void WorkerPool::forget_if_forked() noexcept {
  if (state_ != nullptr && state_->owner != process()) static_cast<void>(state_.release());
}

void WorkerPool::grow(std::size_t n) {
  forget_if_forked();
  if (n == 0) return;
  if (state_ == nullptr) state_ = std::make_unique<State>();
  std::vector<std::jthread>& workers = state_->workers;
  if (workers.size() >= n) return;
  workers.reserve(n);
  while (workers.size() < n) {
    try {
      workers.emplace_back([state = state_.get()] { state->attend(); });
    } catch (const std::system_error&) {
      return;  // the system has no thread left
    }
  }
}

void WorkerPool::run(const Job& job, std::size_t n_worker) {
  const std::size_t n_thread = state_ == nullptr ? 0 : state_->workers.size();
  const auto n_seat = static_cast<std::uint32_t>(std::min(n_worker, n_thread));
  if (n_seat == 0) {
    for (std::size_t task = 0; task < job.n_task; ++task) job.work(job.context, task, 0);
    return;
  }
  State& state = *state_;
  state.job = job;
  state.n_left.store(0, std::memory_order_relaxed);
  state.next_task.store(0, std::memory_order_relaxed);
  state.n_seat.store(n_seat, std::memory_order_release);
  for (std::uint32_t i = 0; i < n_seat; ++i) state.n_seat.notify_one();
  state.take_tasks(0);
  const std::uint32_t n_seated = n_seat - state.n_seat.exchange(0, std::memory_order_relaxed);
  const auto n_left = [&state] { return state.n_left.load(std::memory_order_acquire); };
  while (!comes_soon([&] { return n_left() == n_seated; })) {
    const std::uint32_t n = n_left();
    if (n != n_seated) state.n_left.wait(n, std::memory_order_acquire);
  }
}

}  // namespace powergrid
