#include "powergrid/worker_pool.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <deque>
#include <system_error>
#include <thread>
#include <utility>

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

// The caller calls workers, and each that wakes up in time joins. At the end the caller withdraws
// the calls that nobody has heard, so that who comes too late finds nothing, and waits for those
// that joined: only they read the job, and all have left before it changes.
struct WorkerPool::State {
  enum Call : std::uint32_t { kIdle, kCalled, kJoined, kEnd };

  struct alignas(64) Member {
    std::atomic<std::uint32_t> call{kIdle};
    // Its share of the tasks. Shares are the same in equal jobs, so that what a task works on is
    // still in the caches of its member's core.
    std::atomic<std::size_t> next{0};
    std::size_t last = 0;
    std::jthread thread;  // of a worker
  };

  std::deque<Member> members;  // the caller first
  std::size_t n_member = 0;    // of the job
  Job job{};
  long owner = process();

  State() { members.emplace_back(); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    for (Member& member : members) {
      member.call.store(kEnd, std::memory_order_release);
      member.call.notify_one();
    }
  }

  void take_tasks(std::size_t self) noexcept {
    for (std::size_t i = 0; i < n_member; ++i) {
      Member& share = members[(self + i) % n_member];
      for (;;) {
        const std::size_t task = share.next.fetch_add(1, std::memory_order_relaxed);
        if (task >= share.last) break;
        job.work(job.context, task, self);
      }
    }
  }

  void attend(std::size_t self, std::atomic<std::uint32_t>& call) noexcept {
    for (;;) {
      if (!comes_soon([&] { return call.load(std::memory_order_relaxed) != kIdle; })) {
        call.wait(kIdle, std::memory_order_relaxed);
      }
      std::uint32_t expected = kCalled;
      if (call.compare_exchange_strong(expected, kJoined, std::memory_order_acquire,
                                       std::memory_order_relaxed)) {
        take_tasks(self);
        call.store(kIdle, std::memory_order_release);
        call.notify_one();
      } else if (expected == kEnd) {
        return;
      }
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
  State& state = *state_;
  while (state.members.size() < n + 1) {
    State::Member& member = state.members.emplace_back();
    try {
      member.thread = std::jthread([&state, &call = member.call, self = state.members.size() - 1] {
        state.attend(self, call);
      });
    } catch (const std::system_error&) {
      state.members.pop_back();
      return;  // the system has no thread left
    }
  }
}

void WorkerPool::begin(const Job& job, std::size_t n_worker) noexcept {
  job_ = job;
  n_member_ = state_ == nullptr ? 1 : std::min(n_worker + 1, state_->members.size());
  if (n_member_ == 1) return;
  State& state = *state_;
  state.job = job;
  state.n_member = n_member_;
  for (std::size_t i = 0; i < n_member_; ++i) {
    State::Member& member = state.members[i];
    member.next.store(job.n_task * i / n_member_, std::memory_order_relaxed);
    member.last = job.n_task * (i + 1) / n_member_;
  }
  for (std::size_t i = 1; i < n_member_; ++i) {
    state.members[i].call.store(State::kCalled, std::memory_order_release);
    state.members[i].call.notify_one();
  }
}

void WorkerPool::finish() noexcept {
  const std::size_t n_member = std::exchange(n_member_, 0);
  if (n_member == 1) {
    for (std::size_t task = 0; task < job_.n_task; ++task) job_.work(job_.context, task, 0);
  }
  if (n_member <= 1) return;
  State& state = *state_;
  state.take_tasks(0);
  for (std::size_t i = 1; i < n_member; ++i) {
    std::atomic<std::uint32_t>& call = state.members[i].call;
    std::uint32_t expected = State::kCalled;
    if (call.compare_exchange_strong(expected, State::kIdle, std::memory_order_relaxed)) continue;
    const auto has_left = [&] { return call.load(std::memory_order_acquire) == State::kIdle; };
    while (!comes_soon(has_left)) call.wait(State::kJoined, std::memory_order_acquire);
  }
}

}  // namespace powergrid
