#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heron {

// Who may see a block of features; several may be or-ed, and any one that allows it is enough.
enum Visibility : std::uint8_t {
  kVisibleToNobody = 0,
  kVisibleToAll = 1,         // "public"
  kVisibleToOwner = 2,       // "owner": the agent that has it
  kVisibleToUpperLevel = 4,  // "upper_level": agents exactly one level above the owner
  kVisibleToSystem = 8,      // "system": agents of level 3 and up
};

// By the names public, owner, upper_level and system; throws InvalidArgument that lists them.
[[nodiscard]] std::uint8_t visibility(std::string_view name);

// A named run of slots that one agent owns.
struct FeatureBlock {
  std::string owner;
  std::string name;
  std::int32_t owner_level = 1;
  std::uint8_t visibility = kVisibleToOwner;
  std::int32_t first_slot = 0;
  std::int32_t n_slot = 0;
};

// Which slots belong to whom and who may see them; made once, before the table.
class FeatureLayout {
 public:
  // Reserve the next n_slot slots; returns the first. Throws InvalidArgument if the owner has a
  // block of that name.
  std::int32_t add_block(std::string_view owner, std::string_view name, std::int32_t n_slot,
                         std::int32_t owner_level, std::uint8_t visibility);

  [[nodiscard]] std::int32_t n_slot() const noexcept;
  [[nodiscard]] std::span<const FeatureBlock> blocks() const noexcept;
  [[nodiscard]] const FeatureBlock* find(std::string_view owner,
                                         std::string_view name) const noexcept;

  // Slots that an agent may see, ascending: of all owners, or of one.
  [[nodiscard]] std::vector<std::int32_t> visible_slots(
      std::string_view requestor, std::int32_t requestor_level,
      std::optional<std::string_view> owner = {}) const;
};

// Whether the requestor may see the block.
[[nodiscard]] bool is_visible(const FeatureBlock& block, std::string_view requestor,
                              std::int32_t requestor_level) noexcept;

}  // namespace heron
