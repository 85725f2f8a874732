#include "heron/feature_layout.hpp"

#include <array>
#include <limits>
#include <numeric>
#include <utility>

#include "heron/error.hpp"

namespace heron {
namespace {

constexpr std::int32_t kSystemLevel = 3;
constexpr std::array<std::pair<std::string_view, Visibility>, 4> kTags{{
    {"public", kVisibleToAll},
    {"owner", kVisibleToOwner},
    {"upper_level", kVisibleToUpperLevel},
    {"system", kVisibleToSystem},
}};
constexpr unsigned kAllTags =
    kVisibleToAll | kVisibleToOwner | kVisibleToUpperLevel | kVisibleToSystem;

std::string quoted(std::string_view owner, std::string_view name) {
  return "'" + std::string(owner) + "." + std::string(name) + "'";
}

}  // namespace

std::uint8_t visibility(std::string_view name) {
  for (const auto& [tag, bit] : kTags) {
    if (tag == name) return bit;
  }
  throw InvalidArgument("visibility tag '" + std::string(name) +
                        "' does not exist; expected public, owner, upper_level or system");
}

bool is_visible(const FeatureBlock& block, std::string_view requestor,
                std::int32_t requestor_level) noexcept {
  const unsigned tags = block.visibility;
  if ((tags & kVisibleToAll) != 0) return true;
  if ((tags & kVisibleToOwner) != 0 && !requestor.empty() && requestor == block.owner) return true;
  // In 64 bits, because the level above the highest must not wrap round to the lowest.
  if ((tags & kVisibleToUpperLevel) != 0 &&
      std::int64_t{requestor_level} == std::int64_t{block.owner_level} + 1) {
    return true;
  }
  return (tags & kVisibleToSystem) != 0 && requestor_level >= kSystemLevel;
}

std::int32_t FeatureLayout::add_block(std::string_view owner, std::string_view name,
                                      std::int32_t n_slot, std::int32_t owner_level,
                                      std::uint8_t visibility) {
  if (owner.empty()) {
    throw InvalidArgument("block " + quoted(owner, name) + " has no owner; give it a name");
  }
  if (find(owner, name) != nullptr) {
    throw InvalidArgument("block " + quoted(owner, name) +
                          " is in the layout already; owners need names of their own");
  }
  const std::int32_t n_free = std::numeric_limits<std::int32_t>::max() - n_slot_;
  if (n_slot < 0 || n_slot > n_free) {
    throw InvalidArgument("block " + quoted(owner, name) + " has " + std::to_string(n_slot) +
                          " slots, expected 0 to " + std::to_string(n_free));
  }
  if ((visibility & ~kAllTags) != 0) {
    throw InvalidArgument("visibility of " + quoted(owner, name) + " is " +
                          std::to_string(visibility) + ", expected or-ed tags, 0 to " +
                          std::to_string(kAllTags));
  }
  blocks_.push_back(
      {std::string(owner), std::string(name), owner_level, visibility, n_slot_, n_slot});
  blocks_of_owner_[std::string(owner)].emplace(name, blocks_.size() - 1);
  n_slot_ += n_slot;
  return blocks_.back().first_slot;
}

const FeatureBlock* FeatureLayout::find(std::string_view owner,
                                        std::string_view name) const noexcept {
  const auto of_owner = blocks_of_owner_.find(owner);
  if (of_owner == blocks_of_owner_.end()) return nullptr;
  const auto found = of_owner->second.find(name);
  return found == of_owner->second.end() ? nullptr : &blocks_[found->second];
}

std::vector<std::int32_t> FeatureLayout::visible_slots(
    std::string_view requestor, std::int32_t requestor_level,
    std::optional<std::string_view> owner) const {
  std::vector<std::int32_t> slots;
  for (const FeatureBlock& block : blocks_) {
    if (owner && *owner != block.owner) continue;
    if (!is_visible(block, requestor, requestor_level)) continue;
    const std::size_t n_before = slots.size();
    slots.resize(n_before + static_cast<std::size_t>(block.n_slot));
    std::iota(slots.begin() + static_cast<std::ptrdiff_t>(n_before), slots.end(), block.first_slot);
  }
  return slots;
}

}  // namespace heron
