#include <pybind11/pybind11.h>

#include "common/errors.hpp"
#include "powergrid/bind_batch.hpp"
#include "powergrid/bind_line_drop.hpp"
#include "powergrid/bind_network.hpp"
#include "powergrid/bind_openable_network.hpp"
#include "powergrid/bind_solver.hpp"
#include "powergrid/bind_stage_program.hpp"
#include "powergrid/bind_tap_control.hpp"
#include "powergrid/error.hpp"

PYBIND11_MODULE(_core, module) {
  module.doc() =
      "Compiled core of powergrid. Import its parts from the packages that document them.";
  heron_bindings::translate_error<powergrid::InvalidArgument, heron_bindings::kInvalidArgument>();
  heron_bindings::bind_line_drop(module);
  heron_bindings::bind_network(module);
  heron_bindings::bind_openable_network(module);
  heron_bindings::bind_batch(module);
  heron_bindings::bind_solver(module);
  heron_bindings::bind_tap_control(module);
  heron_bindings::bind_stage_program(module);
}
