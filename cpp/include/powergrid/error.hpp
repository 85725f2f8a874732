#pragma once

#include <stdexcept>

namespace powergrid {

// Base of every error that the powergrid core throws. Results of a physical kind, such as a power
// flow that does not converge, are never errors.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An argument that no valid call could have passed, such as arrays whose lengths disagree.
class InvalidArgument : public Error {
 public:
  using Error::Error;
};

}  // namespace powergrid
