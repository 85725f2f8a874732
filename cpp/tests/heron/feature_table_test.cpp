#include "heron/feature_table.hpp"

#include <doctest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "heron/error.hpp"

namespace {

using heron::FeatureTable;
using heron::InvalidArgument;

using Ints = std::vector<std::int32_t>;
using Doubles = std::vector<double>;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double& at(FeatureTable& table, std::size_t slot, std::size_t lane) {
  return table.data()[slot * table.lane_stride() + lane];
}

// Values that name their place: 100 * slot + lane, plus an offset.
void fill(FeatureTable& table, double offset = 0.0) {
  for (std::size_t slot = 0; slot < static_cast<std::size_t>(table.n_slot()); ++slot) {
    for (std::size_t lane = 0; lane < static_cast<std::size_t>(table.n_lane()); ++lane) {
      at(table, slot, lane) =
          offset + 100.0 * static_cast<double>(slot) + static_cast<double>(lane);
    }
  }
}

// The first slot of a lane's state as of a time; nothing if there is no state.
std::optional<double> first_as_of(const FeatureTable& table, std::int32_t lane, double time_s) {
  const auto state = table.as_of(lane, time_s);
  if (!state) return std::nullopt;
  return state->front();
}

}  // namespace

TEST_CASE("a table starts at zero on a cache line, with rows padded from eight lanes on") {
  constexpr std::array<std::pair<std::int32_t, std::size_t>, 9> kStrides{{{1, 1},
                                                                          {7, 7},
                                                                          {8, 8},
                                                                          {9, 16},
                                                                          {16, 16},
                                                                          {250, 256},
                                                                          {504, 504},
                                                                          {510, 520},
                                                                          {1024, 1032}}};
  for (const auto& [n_lane, stride] : kStrides) {
    FeatureTable table(3, n_lane);
    CHECK(table.lane_stride() == stride);
    CHECK(reinterpret_cast<std::uintptr_t>(table.data()) % 64 == 0);
    for (std::size_t lane = 0; lane < static_cast<std::size_t>(n_lane); ++lane) {
      CHECK(at(table, 2, lane) == 0.0);
    }
  }
}

TEST_CASE("sizes that cannot be are refused") {
  CHECK_THROWS_AS(FeatureTable(-1, 1), InvalidArgument);
  CHECK_THROWS_AS(FeatureTable(1, 0), InvalidArgument);
  CHECK_THROWS_AS(FeatureTable(1, 1, -1), InvalidArgument);
}

TEST_CASE("a gather copies each observer's slots of each lane and zeroes the rest of the row") {
  FeatureTable table(4, 9);
  fill(table);
  const auto few = table.add_observer(Ints{2});
  const auto many = table.add_observer(Ints{3, 0, 3});
  CHECK(table.n_observer() == 2);
  Doubles out(6, kNan);
  table.gather<double>(Ints{many, few}, Ints{8, 0}, out, 3);
  CHECK(out == Doubles{308.0, 8.0, 308.0, 200.0, 0.0, 0.0});
  std::vector<float> narrow(1);
  at(table, 2, 4) = 0.1;
  table.gather<float>(Ints{few}, Ints{4}, narrow, 1);
  CHECK(narrow[0] == 0.1F);
}

TEST_CASE("rows of adjacent lanes are gathered as if one by one") {
  constexpr std::int32_t kLanes = 300;
  constexpr std::size_t kRowLength = 7;
  FeatureTable table(20, kLanes);
  fill(table);
  std::mt19937 engine(3);
  const auto below = [&](std::int32_t n) {
    return static_cast<std::int32_t>(engine() % static_cast<unsigned>(n));
  };
  const std::vector<Ints> lists{{4, 19, 0, 7, 3}, {}, {1, 1, 2, 18, 9, 0, 5}, {12}};
  for (const Ints& list : lists) table.add_observer(list);
  Ints observer;
  Ints lane;
  // Runs of lanes of any length, each with the same observers in the same order, or nearly so.
  for (int run = 0; run < 60; ++run) {
    Ints observers;
    for (std::int32_t n = below(4) + 1; n > 0; --n) observers.push_back(below(4));
    const std::int32_t first = below(kLanes);
    const std::int32_t last = first + below(run % 5 == 0 ? 300 : 20);
    for (std::int32_t i = first; i < last && i < kLanes; ++i) {
      for (const std::int32_t one : observers) {
        if (below(200) == 0) continue;  // breaks the run
        observer.push_back(below(200) == 0 ? below(4) : one);
        lane.push_back(below(200) == 0 ? below(kLanes) : i);
      }
    }
  }
  REQUIRE(observer.size() > 1000);
  std::vector<float> out(observer.size() * kRowLength, -1.0F);
  table.gather<float>(observer, lane, out, kRowLength);
  for (std::size_t i = 0; i < observer.size(); ++i) {
    CAPTURE(i);
    const Ints& list = lists[static_cast<std::size_t>(observer[i])];
    std::vector<float> expected(kRowLength, 0.0F);
    for (std::size_t j = 0; j < list.size(); ++j) {
      expected[j] = static_cast<float>(100 * list[j] + lane[i]);
    }
    const std::span row = std::span(out).subspan(i * kRowLength, kRowLength);
    CHECK(std::vector(row.begin(), row.end()) == expected);
  }
}

TEST_CASE("a gather that cannot be writes nothing") {
  FeatureTable table(4, 2, 1);
  table.add_observer(Ints{0, 1});
  fill(table, 1.0);
  Doubles out(4, -1.0);
  std::vector<std::uint8_t> stale(2, 7);
  const Doubles times{0.0, 0.0};
  CHECK_THROWS_AS(table.gather<double>(Ints{0, 1}, Ints{0, 0}, out, 2), InvalidArgument);
  CHECK_THROWS_AS(table.gather<double>(Ints{0, -1}, Ints{0, 0}, out, 2), InvalidArgument);
  CHECK_THROWS_AS(table.gather<double>(Ints{0, 0}, Ints{0, 2}, out, 2), InvalidArgument);
  CHECK_THROWS_AS(table.gather<double>(Ints{0, 0}, Ints{0}, out, 2), InvalidArgument);
  CHECK_THROWS_AS(table.gather<double>(Ints{0, 0}, Ints{0, 0}, out, 3), InvalidArgument);
  CHECK_THROWS_AS(table.gather<double>(Ints{0, 0, 0, 0}, Ints{0, 0, 0, 0}, out, 1),
                  InvalidArgument);
  CHECK_THROWS_AS(table.gather<double>({}, {}, out, 2), InvalidArgument);
  CHECK_THROWS_AS(
      table.gather_as_of<double>(Ints{0, 0}, Ints{0, 0}, Doubles{0.0, kNan}, out, 2, stale),
      InvalidArgument);
  CHECK_THROWS_AS(table.gather_as_of<double>(Ints{0, 0}, Ints{0, 0}, Doubles{0.0}, out, 2, stale),
                  InvalidArgument);
  CHECK_THROWS_AS(
      table.gather_as_of<double>(Ints{0, 0}, Ints{0, 0}, times, out, 2, std::span(stale).first(1)),
      InvalidArgument);
  CHECK(out == Doubles(4, -1.0));
  CHECK(stale == std::vector<std::uint8_t>(2, 7));
}

TEST_CASE("an observer of a slot that does not exist is refused") {
  FeatureTable table(2, 1);
  CHECK_THROWS_AS(table.add_observer(Ints{0, 2}), InvalidArgument);
  CHECK_THROWS_AS(table.add_observer(Ints{-1}), InvalidArgument);
  CHECK(table.n_observer() == 0);
  CHECK_THROWS_AS(static_cast<void>(table.observer(0)), InvalidArgument);
}

TEST_CASE("an as-of look-up finds the newest state that is old enough") {
  FeatureTable table(1, 1, 4);
  CHECK_FALSE(table.as_of(0, kInfinity));
  for (const double time_s : {1.0, 2.0, 4.0}) {
    at(table, 0, 0) = 10.0 * time_s;
    table.snapshot_all(time_s);
  }
  at(table, 0, 0) = -1.0;
  CHECK_FALSE(first_as_of(table, 0, 0.5));
  CHECK(first_as_of(table, 0, 1.0) == 10.0);
  CHECK(first_as_of(table, 0, 3.9) == 20.0);
  CHECK(first_as_of(table, 0, kInfinity) == 40.0);
  CHECK_FALSE(first_as_of(table, 0, -kInfinity));
  CHECK_THROWS_AS(static_cast<void>(table.as_of(0, kNan)), InvalidArgument);
  CHECK_THROWS_AS(static_cast<void>(table.as_of(1, 0.0)), InvalidArgument);
}

TEST_CASE("a full ring forgets its oldest state") {
  FeatureTable table(1, 1, 3);
  for (int k = 0; k < 8; ++k) {
    at(table, 0, 0) = k;
    table.snapshot_all(k);
  }
  CHECK(table.n_snapshot(0) == 3);
  CHECK(table.snapshot_times(0) == Doubles{5.0, 6.0, 7.0});
  CHECK_FALSE(first_as_of(table, 0, 4.9));
  for (const double time_s : {5.0, 6.0, 7.0}) CHECK(first_as_of(table, 0, time_s) == time_s);
}

TEST_CASE("a second snapshot at one time replaces the first") {
  FeatureTable table(1, 1, 2);
  table.snapshot_all(1.0);
  table.snapshot_all(2.0);
  at(table, 0, 0) = 5.0;
  table.snapshot_all(2.0);
  CHECK(table.snapshot_times(0) == Doubles{1.0, 2.0});
  CHECK(first_as_of(table, 0, 1.5) == 0.0);
  CHECK(first_as_of(table, 0, 2.0) == 5.0);
}

TEST_CASE("each lane has a clock and a ring of its own") {
  FeatureTable table(2, 3, 2);
  fill(table);
  table.snapshot(Ints{2, 0}, Doubles{1.0, 7.0});
  CHECK(first_as_of(table, 0, 7.0) == 0.0);
  CHECK(first_as_of(table, 2, 1.0) == 2.0);
  CHECK_FALSE(table.as_of(1, kInfinity));
  CHECK_FALSE(table.as_of(0, 1.0));
  table.clear_history(0);
  CHECK(table.n_snapshot(0) == 0);
  CHECK_FALSE(table.as_of(0, kInfinity));
  table.snapshot(Ints{0}, Doubles{0.5});
  CHECK(table.snapshot_times(0) == Doubles{0.5});
  CHECK(table.n_snapshot(2) == 1);
}

TEST_CASE("a snapshot that cannot be keeps nothing, whichever lane it fails at") {
  FeatureTable table(1, 2, 4);
  table.snapshot(Ints{0}, Doubles{1.0});
  at(table, 0, 0) = 3.0;
  CHECK_THROWS_AS(table.snapshot(Ints{1, 0}, Doubles{2.0, 0.5}), InvalidArgument);
  CHECK_THROWS_AS(table.snapshot(Ints{1, 0}, Doubles{2.0, kNan}), InvalidArgument);
  CHECK_THROWS_AS(table.snapshot(Ints{0, 0}, Doubles{3.0, 2.0}), InvalidArgument);
  CHECK_THROWS_AS(table.snapshot(Ints{1, 2}, Doubles{2.0, 2.0}), InvalidArgument);
  CHECK_THROWS_AS(table.snapshot(Ints{1}, Doubles{2.0, 2.0}), InvalidArgument);
  CHECK_THROWS_AS(table.snapshot_all(0.5), InvalidArgument);
  CHECK_THROWS_AS(table.snapshot_all(kInfinity), InvalidArgument);
  CHECK(table.n_snapshot(1) == 0);
  CHECK(first_as_of(table, 0, kInfinity) == 0.0);
  table.snapshot(Ints{0, 1}, Doubles{1.5, -9.0});  // the refused times have left no trace
  CHECK(table.snapshot_times(0) == Doubles{1.0, 1.5});
}

TEST_CASE("a lane may come twice in one snapshot") {
  FeatureTable table(1, 1, 4);
  table.snapshot(Ints{0, 0, 0}, Doubles{1.0, 2.0, 2.0});
  CHECK(table.snapshot_times(0) == Doubles{1.0, 2.0});
}

TEST_CASE("a table without history takes no snapshot and knows no past") {
  FeatureTable table(1, 1);
  CHECK_THROWS_AS(table.snapshot_all(0.0), InvalidArgument);
  CHECK_THROWS_AS(table.snapshot(Ints{0}, Doubles{0.0}), InvalidArgument);
  CHECK_FALSE(table.as_of(0, 0.0));
}

TEST_CASE("a gather as of a time takes the state of then, or zeros marked stale") {
  FeatureTable table(3, 9, 2);
  const auto observer = table.add_observer(Ints{2, 1});
  fill(table);
  table.snapshot_all(1.0);
  fill(table, 1000.0);
  table.snapshot_all(2.0);
  fill(table, -1.0);
  Doubles out(12, kNan);
  std::vector<std::uint8_t> stale(4, 7);
  table.gather_as_of<double>(Ints{observer, observer, observer, observer}, Ints{8, 8, 0, 0},
                             Doubles{1.9, 5.0, 0.9, 1.0}, out, 3, stale);
  CHECK(out == Doubles{208.0, 108.0, 0.0, 1208.0, 1108.0, 0.0, 0.0, 0.0, 0.0, 200.0, 100.0, 0.0});
  CHECK(stale == std::vector<std::uint8_t>{0, 0, 1, 0});
}

TEST_CASE("a table of no slots has states of no values") {
  FeatureTable table(0, 2, 1);
  table.snapshot_all(1.0);
  const auto state = table.as_of(1, 1.0);
  REQUIRE(state);
  CHECK(state->empty());
  CHECK_FALSE(table.as_of(1, 0.0));
  std::vector<double> row{7.0};
  table.gather<double>(std::vector{table.add_observer({})}, std::vector{1}, row, 1);
  CHECK(row == std::vector{0.0});
}

TEST_CASE("every state of many lanes is kept as it was, for any number of lanes") {
  for (const std::int32_t n_lane : {1, 5, 8, 19}) {
    constexpr std::int32_t kSlots = 13;
    FeatureTable table(kSlots, n_lane, 3);
    for (int k = 0; k < 5; ++k) {
      fill(table, 1e4 * k);
      table.snapshot_all(k);
    }
    for (int k = 2; k < 5; ++k) {
      for (std::int32_t lane = 0; lane < n_lane; ++lane) {
        const auto state = table.as_of(lane, k);
        REQUIRE(state);
        for (std::size_t slot = 0; slot < kSlots; ++slot) {
          CHECK((*state)[slot] == 1e4 * k + 100.0 * static_cast<double>(slot) + lane);
        }
      }
    }
  }
}

TEST_CASE("lanes in eight threads give what they give in one") {
  constexpr std::int32_t kLanes = 64;
  constexpr std::int32_t kSlots = 17;
  constexpr int kSteps = 50;
  const auto run = [](std::size_t n_thread) {
    FeatureTable table(kSlots, kLanes, 6);
    Ints all(kSlots);
    for (std::int32_t slot = 0; slot < kSlots; ++slot) all[static_cast<std::size_t>(slot)] = slot;
    table.add_observer(all);
    Doubles out(kLanes * kSlots);
    std::vector<std::uint8_t> stale(kLanes);
    const auto live = [&](std::size_t thread) {
      // Neighbouring lanes in different threads: they share cache lines, but no value.
      for (std::size_t lane = thread; lane < kLanes; lane += n_thread) {
        const Ints number{static_cast<std::int32_t>(lane)};
        std::mt19937_64 draw(lane);
        for (int k = 0; k < kSteps; ++k) {
          for (std::size_t slot = 0; slot < kSlots; ++slot) {
            at(table, slot, lane) = static_cast<double>(draw());
          }
          table.snapshot(number, Doubles{0.5 * k});
        }
        table.gather_as_of<double>(Ints{0}, number, Doubles{23.2},
                                   std::span(out).subspan(lane * kSlots, kSlots), kSlots,
                                   std::span(stale).subspan(lane, 1));
      }
    };
    std::vector<std::thread> threads;
    for (std::size_t thread = 0; thread < n_thread; ++thread) threads.emplace_back(live, thread);
    for (std::thread& thread : threads) thread.join();
    return out;
  };
  CHECK(run(8) == run(1));
}
