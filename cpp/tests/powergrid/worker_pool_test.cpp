#include "powergrid/worker_pool.hpp"

#include <doctest.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "allocations.hpp"

#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace {

using powergrid::WorkerPool;

// How often each task was done, and which members there were, in memory that only one thread at a
// time may write.
struct Record {
  std::vector<int> n_done;
  std::array<int, 8> n_of_member{};

  explicit Record(std::size_t n_task) : n_done(n_task) {}

  void operator()(std::size_t task, std::size_t member) {
    ++n_done[task];
    ++n_of_member[member];
  }
  [[nodiscard]] bool is_complete() const {
    int n = 0;
    for (const int of_member : n_of_member) n += of_member;
    for (const int done : n_done) {
      if (done != 1) return false;
    }
    return n == static_cast<int>(n_done.size());
  }
};

Record run(WorkerPool& pool, std::size_t n_task, std::size_t n_worker) {
  Record record(n_task);
  pool.run(n_task, n_worker, [&](std::size_t task, std::size_t member) { record(task, member); });
  return record;
}

}  // namespace

TEST_CASE("workers begin while the caller does something else") {
  WorkerPool pool;
  pool.finish();  // nothing has begun
  for (std::size_t n_worker = 0; n_worker < 3; ++n_worker) {
    CAPTURE(n_worker);
    pool.grow(n_worker);
    std::atomic<int> n_done{0};
    const auto work = [&](std::size_t, std::size_t) { n_done.fetch_add(1); };
    pool.begin(5, n_worker, work);
    // The workers do the caller's share as well, however late they wake up.
    while (n_worker > 0 && n_done.load() < 5) std::this_thread::yield();
    CHECK(n_done.load() == (n_worker > 0 ? 5 : 0));
    pool.finish();
    pool.finish();
    CHECK(n_done.load() == 5);
  }
}

TEST_CASE("every task is done once, by the caller and at most so many workers") {
  WorkerPool pool;
  for (std::size_t n_worker = 0; n_worker < 5; ++n_worker) {
    CAPTURE(n_worker);
    pool.grow(n_worker);  // from the third round on there are more workers than seats
    for (std::size_t round = 0; round < 400; ++round) {
      const std::size_t n_seat = round % (n_worker + 1);
      const Record record = run(pool, round % 23, n_seat);
      REQUIRE(record.is_complete());
      for (std::size_t member = n_seat + 1; member < 8; ++member) {
        REQUIRE(record.n_of_member[member] == 0);
      }
    }
  }
}

TEST_CASE("without workers the caller does the tasks in order") {
  WorkerPool pool;
  std::vector<std::size_t> order;
  pool.run(4, 3, [&](std::size_t task, std::size_t member) {
    order.push_back(task);
    CHECK(member == 0);
  });
  CHECK(order == std::vector<std::size_t>{0, 1, 2, 3});
}

TEST_CASE("a worker that has time takes its part") {
  WorkerPool pool;
  pool.grow(1);
  // The caller's first task ends only when a worker has come.
  std::atomic<bool> has_come = false;
  pool.run(2, 1, [&](std::size_t, std::size_t member) {
    if (member == 1) has_come = true;
    while (!has_come) std::this_thread::yield();
  });
  CHECK(has_come);
}

TEST_CASE("sharing out work allocates nothing, in no thread") {
  WorkerPool pool;
  pool.grow(3);
  std::array<std::uint64_t, 4> before{};
  std::array<bool, 4> is_met{};
  int n_more = 0;
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t of_caller = heron_tests::n_allocation();
    std::array<int, 4> more{};
    pool.run(16, 3, [&](std::size_t, std::size_t member) {
      const std::uint64_t n = heron_tests::n_allocation();
      if (is_met[member] && n != before[member]) ++more[member];
      is_met[member] = true;
      before[member] = n;
    });
    for (const int n : more) n_more += n;
    CHECK(heron_tests::n_allocation() == of_caller);
  }
  CHECK(n_more == 0);
}

TEST_CASE("a pool without work to do ends its workers") {
  for (int round = 0; round < 50; ++round) {
    WorkerPool pool;
    pool.grow(3);
    if (round % 2 == 0) CHECK(run(pool, 5, 3).is_complete());
  }
}

// The thread sanitizer lets no forked process start threads.
#if defined(__unix__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("a forked process makes workers of its own, and its parent keeps its") {
  WorkerPool pool;
  pool.grow(2);
  CHECK(run(pool, 9, 2).is_complete());
  const pid_t child = fork();
  if (child == 0) {
    pool.grow(2);
    _exit(run(pool, 9, 2).is_complete() ? 0 : 1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(run(pool, 9, 2).is_complete());
}
#endif
