#pragma once

#include <functional>

#include "powergrid/batch.hpp"

// Print the time of each stage of a solve of this batch on the tree, warm; `change` sets new loads.
void time_stages(powergrid::Batch& batch, const std::function<void()>& change);
