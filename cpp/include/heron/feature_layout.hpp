#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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

// Whether the requestor may see the block. An empty requestor is nobody's name: it sees what its
// level alone allows.
[[nodiscard]] bool is_visible(const FeatureBlock& block, std::string_view requestor,
                              std::int32_t requestor_level) noexcept;

// Which slots belong to whom and who may see them; made once, before the table. What blocks() and
// find() point at is good until the next add_block().
class FeatureLayout {
 public:
  // Reserve the next n_slot slots, possibly none; returns the first. Throws InvalidArgument if the
  // owner's name is empty or it has a block of that name, if n_slot is negative or too large, or
  // for a visibility that is no combination of the tags.
  std::int32_t add_block(std::string_view owner, std::string_view name, std::int32_t n_slot,
                         std::int32_t owner_level, std::uint8_t visibility);

  [[nodiscard]] std::int32_t n_slot() const noexcept { return n_slot_; }
  [[nodiscard]] std::span<const FeatureBlock> blocks() const noexcept { return blocks_; }
  // Null if there is none.
  [[nodiscard]] const FeatureBlock* find(std::string_view owner,
                                         std::string_view name) const noexcept;

  // Slots that an agent may see, ascending: of all owners, or of one.
  [[nodiscard]] std::vector<std::int32_t> visible_slots(
      std::string_view requestor, std::int32_t requestor_level,
      std::optional<std::string_view> owner = {}) const;

 private:
  using BlockOfName = std::map<std::string, std::size_t, std::less<>>;

  std::vector<FeatureBlock> blocks_;                                 // in order of slots
  std::map<std::string, BlockOfName, std::less<>> blocks_of_owner_;  // indices into blocks_
  std::int32_t n_slot_ = 0;
};

}  // namespace heron
