#pragma once

#include <cstdint>

namespace heron {

// The order of what happens at one instant, smaller first: an environment closes its interval, what
// arrives is there before anyone ticks, ticks go from the top of the hierarchy down, and what they
// lead to at once takes effect last.
inline constexpr std::int32_t kEnvUpdatePriority = 0;
inline constexpr std::int32_t kMessageDeliveryPriority = 1;
inline constexpr std::int32_t kSystemTickPriority = 2;
inline constexpr std::int32_t kCoordinatorTickPriority = 3;
inline constexpr std::int32_t kFieldTickPriority = 4;
inline constexpr std::int32_t kActionEffectPriority = 5;

}  // namespace heron
