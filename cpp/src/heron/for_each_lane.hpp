#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <thread>
#include <vector>

#include "heron/error.hpp"

namespace heron {

// Do work(lane) for lanes 0 to n_lane - 1, shared out among n_thread threads. Every lane gets its
// turn even if one throws, so that the outcome is the same for any n_thread; the exception of the
// lowest lane is rethrown. One thread allocates nothing.
template <class Work>
void for_each_lane(std::int32_t n_lane, int n_thread, const Work& work) {
  if (n_thread < 1) {
    throw InvalidArgument("n_thread is " + std::to_string(n_thread) + ", expected at least 1");
  }
  const std::int32_t n = std::min(static_cast<std::int32_t>(n_thread), n_lane);
  const auto run_part = [&](std::int32_t part) {
    const std::int64_t begin = std::int64_t{n_lane} * part / n;
    const std::int64_t end = std::int64_t{n_lane} * (part + 1) / n;
    std::exception_ptr error;
    for (auto lane = static_cast<std::int32_t>(begin); lane < end; ++lane) {
      try {
        work(lane);
      } catch (...) {
        if (!error) error = std::current_exception();
      }
    }
    return error;
  };
  if (n == 1) {
    if (const std::exception_ptr error = run_part(0)) std::rethrow_exception(error);
    return;
  }
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(n));
  {
    std::vector<std::jthread> threads;
    for (std::int32_t part = 1; part < n; ++part) {
      threads.emplace_back([&, part] { errors[static_cast<std::size_t>(part)] = run_part(part); });
    }
    errors[0] = run_part(0);
  }
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

}  // namespace heron
