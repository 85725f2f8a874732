#include "heron/feature_layout.hpp"

#include <doctest.h>

#include <cstdint>
#include <limits>
#include <vector>

#include "heron/error.hpp"

namespace {

using heron::FeatureBlock;
using heron::FeatureLayout;
using heron::InvalidArgument;

using Slots = std::vector<std::int32_t>;

// One block of two slots for each tag, and one that nobody sees; their owner is on level 1.
FeatureLayout one_block_a_tag() {
  FeatureLayout layout;
  for (const char* tag : {"public", "owner", "upper_level", "system"}) {
    layout.add_block("gen", tag, 2, 1, heron::visibility(tag));
  }
  layout.add_block("gen", "hidden", 2, 1, heron::kVisibleToNobody);
  return layout;
}

}  // namespace

TEST_CASE("blocks take the next slots in the order of adding") {
  FeatureLayout layout;
  CHECK(layout.add_block("gen", "electrical", 3, 1, heron::kVisibleToAll) == 0);
  CHECK(layout.add_block("gen", "empty", 0, 1, heron::kVisibleToAll) == 3);
  CHECK(layout.add_block("load", "electrical", 2, 1, heron::kVisibleToAll) == 3);
  CHECK(layout.n_slot() == 5);
  CHECK(layout.blocks().size() == 3);
  CHECK(layout.blocks()[2].owner == "load");
}

TEST_CASE("a block is found by owner and name") {
  FeatureLayout layout;
  layout.add_block("gen", "electrical", 3, 1, heron::kVisibleToOwner);
  layout.add_block("gen", "status", 2, 1, heron::kVisibleToSystem);
  const FeatureBlock* found = layout.find("gen", "status");
  REQUIRE(found != nullptr);
  CHECK(found->first_slot == 3);
  CHECK(found->n_slot == 2);
  CHECK(found->visibility == heron::kVisibleToSystem);
  CHECK(layout.find("gen", "stat") == nullptr);
  CHECK(layout.find("", "electrical") == nullptr);
}

TEST_CASE("a requestor sees what any tag allows") {
  const FeatureLayout layout = one_block_a_tag();
  CHECK(layout.visible_slots("other", 1) == Slots{0, 1});
  CHECK(layout.visible_slots("gen", 1) == Slots{0, 1, 2, 3});
  CHECK(layout.visible_slots("grid", 2) == Slots{0, 1, 4, 5});
  CHECK(layout.visible_slots("operator", 3) == Slots{0, 1, 6, 7});
  CHECK(layout.visible_slots("gen", 2) == Slots{0, 1, 2, 3, 4, 5});
  CHECK(layout.visible_slots("", 7) == Slots{0, 1, 6, 7});
}

TEST_CASE("visible slots can be those of one owner") {
  FeatureLayout layout = one_block_a_tag();
  layout.add_block("load", "electrical", 1, 1, heron::kVisibleToAll);
  CHECK(layout.visible_slots("gen", 1, "load") == Slots{10});
  CHECK(layout.visible_slots("gen", 1, "nobody").empty());
  CHECK(layout.visible_slots("gen", 1).size() == 5);
}

TEST_CASE("the level above the highest is not the lowest") {
  constexpr auto kHighest = std::numeric_limits<std::int32_t>::max();
  constexpr auto kLowest = std::numeric_limits<std::int32_t>::min();
  FeatureLayout layout;
  layout.add_block("gen", "electrical", 1, kHighest, heron::kVisibleToUpperLevel);
  CHECK(layout.visible_slots("grid", kLowest).empty());
}

TEST_CASE("a block that cannot be is refused and reserves nothing") {
  FeatureLayout layout;
  layout.add_block("gen", "electrical", 1, 1, heron::kVisibleToAll);
  CHECK_THROWS_AS(layout.add_block("gen", "electrical", 1, 1, 0), InvalidArgument);
  CHECK_THROWS_AS(layout.add_block("", "electrical", 1, 1, 0), InvalidArgument);
  CHECK_THROWS_AS(layout.add_block("load", "electrical", -1, 1, 0), InvalidArgument);
  CHECK_THROWS_AS(layout.add_block("load", "electrical", 1, 1, 16), InvalidArgument);
  constexpr auto kMost = std::numeric_limits<std::int32_t>::max();
  CHECK_THROWS_AS(layout.add_block("load", "electrical", kMost, 1, 0), InvalidArgument);
  CHECK(layout.n_slot() == 1);
  CHECK(layout.blocks().size() == 1);
}

TEST_CASE("an unknown tag is refused with the tags there are") {
  CHECK_THROWS_WITH_AS(
      static_cast<void>(heron::visibility("owners")),
      "visibility tag 'owners' does not exist; expected public, owner, upper_level or system",
      InvalidArgument);
}
