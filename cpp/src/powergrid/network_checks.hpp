#pragma once

#include "powergrid/network.hpp"

namespace powergrid {

// Throw InvalidArgument, naming the field and the entry, unless the lengths agree, indices exist,
// numbers are finite and in range, no node is held twice and each has a way to a source.
void check_network(const NetworkData& data);

// Throw InvalidArgument if a branch in service has no impedance in either direction: it has no
// admittance, which a matrix of admittances needs.
void check_admittances(const NetworkData& data);

}  // namespace powergrid
