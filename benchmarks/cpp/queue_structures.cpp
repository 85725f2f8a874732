// Times one pop and one push of heron::EventQueue and of other structures with the same order.
//
//     queue_structures                  check all, then time all: JSON to stdout, table to stderr
//     queue_structures NAME N_STEP      run one at 1,000 jittered agents and time nothing, for
//                                       counting instructions
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "candidates/fat_heap.hpp"
#include "candidates/lazy_wheel.hpp"
#include "candidates/slim_heap.hpp"
#include "candidates/standard_queue.hpp"
#include "candidates/winner_tree.hpp"
#include "heron/event_queue.hpp"
#include "hold_model.hpp"

namespace {

using heron::Event;

constexpr std::array<std::size_t, 6> kPending{10, 100, 1'000, 10'000, 100'000, 1'000'000};
constexpr std::size_t kRepeats = 5;

// The class of the library as a candidate.
class Library {
 public:
  void push(double time_s, std::int32_t priority, std::int64_t payload) {
    queue_.push(time_s, priority, payload);
  }
  Event pop() {
    Event event;
    queue_.pop_until(std::numeric_limits<double>::infinity(), {&event, 1});
    return event;
  }

 private:
  heron::EventQueue queue_;
};

// Slow and plainly right.
class Reference {
 public:
  void push(double time_s, std::int32_t priority, std::int64_t payload) {
    events_.emplace(time_s, priority, next_sequence_++, payload);
  }
  Event pop() {
    const auto [time_s, priority, sequence, payload] = *events_.begin();
    events_.erase(events_.begin());
    return {time_s, priority, sequence, payload};
  }

 private:
  std::set<std::tuple<double, std::int32_t, std::uint64_t, std::int64_t>> events_;
  std::uint64_t next_sequence_ = 0;
};

// Bursts of pushes and pops, with many equal times and priorities.
template <typename Queue>
std::vector<Event> mixed_program() {
  std::mt19937_64 random(7);
  Queue queue;
  std::vector<Event> popped;
  std::size_t n_pending = 0;
  double now_s = 0.0;
  for (std::int64_t i = 0; i < 200'000; ++i) {
    if (n_pending == 0 || random() % 1000 < (i / 10'000 % 2 == 0 ? 520U : 480U)) {
      const double offset_s = random() % 2 == 0 ? static_cast<double>(random() % 8)
                                                : static_cast<double>(random() % 100'000) * 1e-4;
      queue.push(now_s + offset_s, static_cast<std::int32_t>(random() % 3) - 1, i);
      ++n_pending;
    } else {
      popped.push_back(queue.pop());
      now_s = popped.back().time_s;
      --n_pending;
    }
  }
  return popped;
}

using Run = std::function<std::uint64_t(std::size_t n_step)>;

struct Candidate {
  std::string_view name;
  std::vector<Event> (*mixed_program)();
  Run (*hold_model)(Workload, std::size_t n_pending);
};

template <typename Queue>
Run hold_model(Workload workload, std::size_t n_pending) {
  const auto model = std::make_shared<HoldModel<Queue>>(workload, n_pending);
  return [model](std::size_t n_step) { return model->run(n_step); };
}

template <typename Queue>
constexpr Candidate candidate(std::string_view name) {
  return {name, &mixed_program<Queue>, &hold_model<Queue>};
}

constexpr std::array kCandidates{
    candidate<Library>("heron::EventQueue"),
    candidate<candidates::StandardQueue>("std::priority_queue"),
    candidate<candidates::FatHeap>("4-ary heap, 40-byte nodes"),
    candidate<candidates::SlimHeap<4, false>>("4-ary heap, 24-byte nodes"),
    candidate<candidates::SlimHeap<4, true>>("same, hole at the root"),
    candidate<candidates::SlimHeap<8, true>>("8-ary heap, hole at the root"),
    candidate<candidates::WinnerTree>("tournament of 32-byte leaves"),
    candidate<candidates::LazyWheel>("calendar, buckets sorted late"),
};

void check_all() {
  const std::vector<Event> expected = mixed_program<Reference>();
  for (const Candidate& candidate : kCandidates) {
    if (candidate.mixed_program() != expected) {
      throw std::runtime_error(std::string(candidate.name) + " leaves in another order");
    }
  }
}

double seconds_of(const Run& run, std::size_t n_step) {
  // Processor time, so that what else the machine does counts less.
  const std::clock_t began = std::clock();
  run(n_step);
  return static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
}

// Median time of a pop and a push [ns], for all candidates. They take turns, so that a slow spell
// of the machine falls on all.
std::vector<double> time_all(Workload workload, std::size_t n_pending) {
  std::vector<Run> runs;
  std::set<std::uint64_t> digests;
  for (const Candidate& candidate : kCandidates) {
    runs.push_back(candidate.hold_model(workload, n_pending));
    digests.insert(runs.back()(n_pending + n_pending / 2));
  }
  if (digests.size() != 1) throw std::runtime_error("the hold model runs in different orders");
  constexpr std::size_t kStep = 200'000;
  std::vector<std::array<double, kRepeats>> times_ns(runs.size());
  for (std::size_t repeat = 0; repeat < kRepeats; ++repeat) {
    for (std::size_t i = 0; i < runs.size(); ++i) {
      times_ns[i][repeat] = seconds_of(runs[i], kStep) / kStep * 1e9;
    }
  }
  std::vector<double> median_ns;
  for (auto& times : times_ns) {
    std::ranges::sort(times);
    median_ns.push_back(times[kRepeats / 2]);
  }
  return median_ns;
}

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

void time_all() {
  std::printf("{\n \"processor\": \"%s\",\n \"compiler\": \"%s\",\n", processor().c_str(),
              __VERSION__);
  std::printf(" \"unit\": \"ns of processor time for one pop and one push, median of %zu\",\n",
              kRepeats);
  std::printf(" \"results\": [");
  const char* separator = "";
  for (std::size_t i = 0; i < kWorkloads.size(); ++i) {
    std::vector<std::vector<double>> columns;
    for (const std::size_t n_pending : kPending) {
      // One structure takes a time that grows with the number here.
      if (kWorkloads[i] == Workload::one_late && n_pending > 1'000) break;
      columns.push_back(time_all(kWorkloads[i], n_pending));
      for (std::size_t k = 0; k < kCandidates.size(); ++k) {
        std::printf(
            "%s\n  {\"workload\": \"%s\", \"pending\": %zu, \"structure\": \"%s\", \"ns\": %.1f}",
            separator, kWorkloadNames[i], n_pending, kCandidates[k].name.data(), columns.back()[k]);
        separator = ",";
      }
    }
    std::fprintf(stderr, "\n| %s |", kWorkloadNames[i]);
    for (std::size_t n = 0; n < columns.size(); ++n) std::fprintf(stderr, " %zu |", kPending[n]);
    std::fprintf(stderr, "\n|---|");
    for (std::size_t n = 0; n < columns.size(); ++n) std::fprintf(stderr, "--:|");
    for (std::size_t k = 0; k < kCandidates.size(); ++k) {
      std::fprintf(stderr, "\n| %s |", kCandidates[k].name.data());
      for (const auto& column : columns) std::fprintf(stderr, " %.0f |", column[k]);
    }
    std::fprintf(stderr, "\n");
  }
  std::printf("\n ]\n}\n");
}

void run_one(std::string_view name, std::size_t n_step) {
  for (const Candidate& candidate : kCandidates) {
    if (candidate.name != name) continue;
    candidate.hold_model(Workload::jittered, 1'000)(n_step);
    return;
  }
  throw std::runtime_error("no structure is called " + std::string(name));
}

}  // namespace

int main(int n_argument, char** arguments) {
  try {
    if (n_argument == 3) {
      run_one(arguments[1], std::stoul(arguments[2]));
    } else {
      check_all();
      time_all();
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "queue_structures: %s\n", error.what());
    return 1;
  }
}
