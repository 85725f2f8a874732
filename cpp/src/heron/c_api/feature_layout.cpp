#include "heron/feature_layout.hpp"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "handles.hpp"

using namespace heron::c_api;

extern "C" {

heron_status heron_feature_layout_create(heron_feature_layout** layout) {
  return create(layout, "layout");
}

void heron_feature_layout_destroy(heron_feature_layout* layout) { delete layout; }

heron_status heron_feature_layout_add_block(heron_feature_layout* layout, const char* owner,
                                            const char* name, int32_t n_slot, int32_t owner_level,
                                            uint8_t visibility, int32_t* first_slot) {
  return guarded([&] {
    const int32_t first = required(layout, "layout")
                              .add_block(&required(owner, "owner"), &required(name, "name"), n_slot,
                                         owner_level, visibility);
    assign(first_slot, first);
  });
}

heron_status heron_feature_layout_n_slot(const heron_feature_layout* layout, int32_t* n_slot) {
  return guarded([&] { required(n_slot, "n_slot") = required(layout, "layout").n_slot(); });
}

heron_status heron_feature_layout_visible_slots(const heron_feature_layout* layout,
                                                const char* requestor, int32_t requestor_level,
                                                const char* owner, int32_t* slot, size_t capacity,
                                                size_t* n_slot) {
  return guarded([&] {
    const auto slots = array(slot, capacity, "slot");
    size_t& n_visible = required(n_slot, "n_slot");
    const auto only_of = owner == nullptr ? std::nullopt : std::optional<std::string_view>(owner);
    const std::vector<int32_t> visible =
        required(layout, "layout")
            .visible_slots(&required(requestor, "requestor"), requestor_level, only_of);
    n_visible = visible.size();
    std::copy_n(visible.begin(), std::min(visible.size(), capacity), slots.begin());
  });
}

}  // extern "C"
