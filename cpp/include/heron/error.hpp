#pragma once

#include <stdexcept>

namespace heron {

// Base of every error that the heron core throws. Catch this to catch them all.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An argument that no valid call could have passed (a NaN time, a time in the past, lengths that
// disagree). The object that threw is unchanged.
class InvalidArgument : public Error {
 public:
  using Error::Error;
};

// A queue of messages has no room and its policy is to reject what comes. The message was not
// taken.
class QueueFull : public Error {
 public:
  using Error::Error;
};

}  // namespace heron
