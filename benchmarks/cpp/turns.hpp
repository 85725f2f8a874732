#pragma once

#include <cstdint>
#include <cstdio>
#include <ctime>
#include <iostream>

// What a turn did, for the caller to check.
struct Turn {
  std::uint64_t n_done = 0;
  double time_s = 0.0;  // simulated
};

// Take turns with another process: for each number on standard input do that much work, and answer
// in one line of JSON. What was built before stays, so no turn pays for building it.
template <typename Work>
void take_turns(const Work& work) {
  for (std::uint64_t n = 0; std::cin >> n;) {
    // Processor time, so that what else the machine does counts less.
    const std::clock_t began = std::clock();
    const Turn turn = work(n);
    const double seconds = static_cast<double>(std::clock() - began) / CLOCKS_PER_SEC;
    std::printf("{\"seconds\": %.9g, \"n_done\": %llu, \"time_s\": %.17g}\n", seconds,
                static_cast<unsigned long long>(turn.n_done), turn.time_s);
    std::fflush(stdout);
  }
}
