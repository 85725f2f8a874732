// The C functions of the feature layout and table.
#include <doctest.h>

#include <array>
#include <cstdint>
#include <limits>

#include "c_handles.hpp"
#include "heron.h"

using namespace c_handles;

TEST_CASE("C: an observer gathers what it may see, now and as of a time") {
  Layout layout;
  REQUIRE(heron_feature_layout_create(layout.out()) == HERON_OK);
  std::int32_t first = -1;
  CHECK(heron_feature_layout_add_block(layout, "a", "x", 2, 1, HERON_VISIBLE_TO_ALL, &first) ==
        HERON_OK);
  CHECK(first == 0);
  CHECK(heron_feature_layout_add_block(layout, "b", "x", 1, 1, HERON_VISIBLE_TO_OWNER, &first) ==
        HERON_OK);
  CHECK(first == 2);
  CHECK(heron_feature_layout_add_block(layout, "b", "x", 1, 1, HERON_VISIBLE_TO_OWNER, nullptr) ==
        HERON_INVALID_ARGUMENT);
  std::array<std::int32_t, 3> slot{-1, -1, -1};
  std::size_t n_visible = 0;
  CHECK(heron_feature_layout_visible_slots(layout, "a", 1, nullptr, slot.data(), 1, &n_visible) ==
        HERON_OK);
  CHECK(n_visible == 2);
  CHECK(slot == std::array<std::int32_t, 3>{0, -1, -1});  // no more than there is room for
  CHECK(heron_feature_layout_visible_slots(layout, "b", 1, "b", slot.data(), 3, &n_visible) ==
        HERON_OK);
  CHECK(n_visible == 1);
  CHECK(slot[0] == 2);

  Table table;
  std::int32_t n_slot = 0;
  REQUIRE(heron_feature_layout_n_slot(layout, &n_slot) == HERON_OK);
  REQUIRE(heron_feature_table_create(n_slot, 2, 4, table.out()) == HERON_OK);
  const std::array<std::int32_t, 2> seen{2, 0};
  std::int32_t observer = -1;
  REQUIRE(heron_feature_table_add_observer(table, seen.data(), 2, &observer) == HERON_OK);
  double* data = nullptr;
  std::size_t stride = 0;
  REQUIRE(heron_feature_table_data(table, &data, &stride) == HERON_OK);
  const std::int32_t lane = 1;
  data[2 * stride + 1] = 5.0;
  REQUIRE(heron_feature_table_snapshot_all(table, 1.0) == HERON_OK);
  data[2 * stride + 1] = 6.0;

  std::array<float, 3> row{};
  CHECK(heron_feature_table_gather_f32(table, &observer, &lane, 1, row.data(), 3) == HERON_OK);
  CHECK(row == std::array<float, 3>{6.0F, 0.0F, 0.0F});
  std::array<double, 3> past{9.0, 9.0, 9.0};
  std::uint8_t is_stale = 9;
  double time_s = 1.5;
  CHECK(heron_feature_table_gather_as_of_f64(table, &observer, &lane, &time_s, 1, past.data(), 3,
                                             &is_stale) == HERON_OK);
  CHECK(past == std::array<double, 3>{5.0, 0.0, 0.0});
  CHECK(is_stale == 0);
  time_s = 0.5;
  CHECK(heron_feature_table_gather_as_of_f64(table, &observer, &lane, &time_s, 1, past.data(), 3,
                                             &is_stale) == HERON_OK);
  CHECK(past == std::array<double, 3>{});
  CHECK(is_stale == 1);
  CHECK(heron_feature_table_gather_f64(table, &observer, &lane, 3, past.data(),
                                       std::numeric_limits<std::size_t>::max() / 2) ==
        HERON_INVALID_ARGUMENT);
  CHECK(error_has("out"));
}
