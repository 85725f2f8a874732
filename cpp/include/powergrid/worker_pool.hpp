#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace powergrid {

// Threads that sleep between solves. They are made when they are first asked for; to share out work
// among those that exist allocates nothing. One caller and one job at a time.
class WorkerPool {
 public:
  WorkerPool() noexcept;
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;
  ~WorkerPool();

  // Have at least `n` workers, or as many as the system gives; none is left after a fork.
  void grow(std::size_t n);

  // Calls work(task, member) for each task below `n_task` and returns when all are done. They are
  // taken in turn by the caller, member 0, and at most `n_worker` workers, which are members 1 to
  // `n_worker`: what one member does is done by one thread, one after the other. The caller does
  // not wait for a worker to wake up. `work` must not throw.
  template <class Work>
  void run(std::size_t n_task, std::size_t n_worker, const Work& work) {
    begin(n_task, n_worker, work);
    finish();
  }

  // The same in two steps: the workers begin, and the caller joins them in `finish`, whatever it
  // does in between. `work` must live until then.
  template <class Work>
  void begin(std::size_t n_task, std::size_t n_worker, const Work& work) {
    begin({[](const void* context, std::size_t task, std::size_t member) {
             (*static_cast<const Work*>(context))(task, member);
           },
           &work, n_task},
          n_worker);
  }
  void finish() noexcept;  // nothing if nothing has begun

 private:
  struct Job {
    void (*work)(const void* context, std::size_t task, std::size_t member);
    const void* context;
    std::size_t n_task;
  };
  struct State;

  void begin(const Job& job, std::size_t n_worker) noexcept;
  void forget_if_forked() noexcept;

  std::unique_ptr<State> state_;  // null until there is a worker
  Job job_{};
  std::size_t n_member_ = 0;  // of the job; 0 between jobs
};

}  // namespace powergrid
