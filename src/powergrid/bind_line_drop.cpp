#include "powergrid/bind_line_drop.hpp"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <span>

#include "common/arrays.hpp"
#include "powergrid/line_drop.hpp"

namespace heron_bindings {
namespace {

using Input = InputArray<double>;

py::array_t<std::int8_t> line_drop_step(const Input& v_re_pu, const Input& v_im_pu,
                                        const Input& i_re_a, const Input& i_im_a, const Input& tap,
                                        const Input& v_set_volt, const Input& bandwidth_volt,
                                        const Input& r_volt, const Input& x_volt,
                                        const Input& ct_primary_a, const Input& tap_min,
                                        const Input& tap_max) {
  const powergrid::LineDropBatch batch{
      .v_re_pu = as_span(v_re_pu, "v_re_pu"),
      .v_im_pu = as_span(v_im_pu, "v_im_pu"),
      .i_re_a = as_span(i_re_a, "i_re_a"),
      .i_im_a = as_span(i_im_a, "i_im_a"),
      .tap = as_span(tap, "tap"),
      .v_set_volt = as_span(v_set_volt, "v_set_volt"),
      .bandwidth_volt = as_span(bandwidth_volt, "bandwidth_volt"),
      .r_volt = as_span(r_volt, "r_volt"),
      .x_volt = as_span(x_volt, "x_volt"),
      .ct_primary_a = as_span(ct_primary_a, "ct_primary_a"),
      .tap_min = as_span(tap_min, "tap_min"),
      .tap_max = as_span(tap_max, "tap_max"),
  };
  py::array_t<std::int8_t> step(v_re_pu.size());
  const std::span<std::int8_t> out(step.mutable_data(), batch.v_re_pu.size());
  {
    const py::gil_scoped_release released;
    powergrid::line_drop_step(batch, out);
  }
  return step;
}

}  // namespace

void bind_line_drop(py::module_& module) {
  module.def("line_drop_step", &line_drop_step, py::arg("v_re_pu").noconvert(),
             py::arg("v_im_pu").noconvert(), py::arg("i_re_a").noconvert(),
             py::arg("i_im_a").noconvert(), py::arg("tap").noconvert(),
             py::arg("v_set_volt").noconvert(), py::arg("bandwidth_volt").noconvert(),
             py::arg("r_volt").noconvert(), py::arg("x_volt").noconvert(),
             py::arg("ct_primary_a").noconvert(), py::arg("tap_min").noconvert(),
             py::arg("tap_max").noconvert(),
             "The compiled twin of powergrid.powerflow.line_drop.line_drop_step.");
}

}  // namespace heron_bindings
