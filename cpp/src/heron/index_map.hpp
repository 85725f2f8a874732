#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace heron {

// A hash map from three numbers to an index, by open addressing with linear probing. Unlike
// std::unordered_map it allocates only when it grows, so what is erased and inserted again in turn
// costs no memory management.
class IndexMap {
 public:
  using Key = std::array<std::int32_t, 3>;
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  // The index stored for a key, or kNone.
  [[nodiscard]] std::uint32_t find(const Key& key) const noexcept {
    if (entries_.empty()) return kNone;
    return entries_[place_of(key)].index;
  }

  // Store an index, other than kNone, for a key; it replaces the one that was there.
  void put(const Key& key, std::uint32_t index) {
    if (2 * (n_entry_ + 1) > entries_.size()) grow();
    Entry& entry = entries_[place_of(key)];
    if (entry.index == kNone) ++n_entry_;
    entry = Entry{key, index};
  }

  void erase(const Key& key) noexcept {
    if (find(key) == kNone) return;
    std::size_t hole = place_of(key);
    // Close the gap, so that no probe for a later entry of this run stops early.
    for (std::size_t next = after(hole); entries_[next].index != kNone; next = after(next)) {
      const std::size_t home = home_of(entries_[next].key);
      if (distance(home, next) >= distance(hole, next)) {
        entries_[hole] = entries_[next];
        hole = next;
      }
    }
    entries_[hole].index = kNone;
    --n_entry_;
  }

  void clear() noexcept {
    for (Entry& entry : entries_) entry.index = kNone;
    n_entry_ = 0;
  }

 private:
  struct Entry {
    Key key{};
    std::uint32_t index = kNone;
  };

  // Finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) over the folded key: neighbouring
  // numbers, which are the rule here, land far apart.
  [[nodiscard]] std::size_t home_of(const Key& key) const noexcept {
    std::uint64_t bits = (std::uint64_t{static_cast<std::uint32_t>(key[0])} << 32U) |
                         static_cast<std::uint32_t>(key[1]);
    bits ^= static_cast<std::uint32_t>(key[2]) * 0x9E3779B97F4A7C15ULL;
    bits = (bits ^ (bits >> 30U)) * 0xBF58476D1CE4E5B9ULL;
    bits = (bits ^ (bits >> 27U)) * 0x94D049BB133111EBULL;
    return static_cast<std::size_t>(bits ^ (bits >> 31U)) & (entries_.size() - 1);
  }

  // Where the key is, or the free place where it would go; at least one place is always free.
  [[nodiscard]] std::size_t place_of(const Key& key) const noexcept {
    std::size_t place = home_of(key);
    while (entries_[place].index != kNone && entries_[place].key != key) place = after(place);
    return place;
  }

  [[nodiscard]] std::size_t after(std::size_t place) const noexcept {
    return (place + 1) & (entries_.size() - 1);
  }
  [[nodiscard]] std::size_t distance(std::size_t from, std::size_t to) const noexcept {
    return (to - from) & (entries_.size() - 1);
  }

  void grow() {
    std::vector<Entry> old(entries_.empty() ? 16 : 2 * entries_.size());
    old.swap(entries_);
    for (const Entry& entry : old) {
      if (entry.index != kNone) entries_[place_of(entry.key)] = entry;
    }
  }

  std::vector<Entry> entries_;  // a power of two of them, at most half in use
  std::size_t n_entry_ = 0;
};

}  // namespace heron
