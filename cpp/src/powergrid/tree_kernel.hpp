#pragma once

// The tree method: prepare() and flat_start(), iterate(), branch_currents().
#include "tree_currents.hpp"
#include "tree_newton.hpp"
#include "tree_start.hpp"
