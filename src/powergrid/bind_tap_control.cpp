#include "powergrid/bind_tap_control.hpp"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/arrays.hpp"
#include "powergrid/error.hpp"
#include "powergrid/shared_solver.hpp"
#include "powergrid/tap_control.hpp"

namespace heron_bindings {
namespace {

using powergrid::Batch;
using powergrid::Regulator;
using powergrid::TapControl;

using Rows = InputArray<std::int32_t>;
using Values = InputArray<double>;

TapControl make(const Rows& tap, const Rows& branch, const Rows& bus, const Values& vn_kv,
                const Values& v_set_volt, const Values& bandwidth_volt, const Values& r_volt,
                const Values& x_volt, const Values& ct_primary_a, const Values& tap_min,
                const Values& tap_max) {
  const std::span<const std::int32_t> taps = as_span(tap, "tap");
  // One value of each for every tap.
  const auto column = [&](const auto& array, const char* name) {
    const auto values = as_span(array, name);
    if (values.size() == taps.size()) return values;
    throw powergrid::InvalidArgument(std::string(name) + " has " + std::to_string(values.size()) +
                                     " values, expected " + std::to_string(taps.size()) +
                                     ": one value per regulator");
  };
  const auto branches = column(branch, "branch");
  const auto buses = column(bus, "bus");
  const auto vns = column(vn_kv, "vn_kv");
  const auto v_sets = column(v_set_volt, "v_set_volt");
  const auto bandwidths = column(bandwidth_volt, "bandwidth_volt");
  const auto rs = column(r_volt, "r_volt");
  const auto xs = column(x_volt, "x_volt");
  const auto cts = column(ct_primary_a, "ct_primary_a");
  const auto tap_mins = column(tap_min, "tap_min");
  const auto tap_maxs = column(tap_max, "tap_max");
  std::vector<Regulator> regulators;
  for (std::size_t i = 0; i < taps.size(); ++i) {
    regulators.push_back({.tap = taps[i],
                          .branch = branches[i],
                          .bus = buses[i],
                          .vn_kv = vns[i],
                          .settings = {.v_set_volt = v_sets[i],
                                       .bandwidth_volt = bandwidths[i],
                                       .r_volt = rs[i],
                                       .x_volt = xs[i],
                                       .ct_primary_a = cts[i]},
                          .tap_min = tap_mins[i],
                          .tap_max = tap_maxs[i]});
  }
  return TapControl(std::move(regulators));
}

// The arguments of `make`, for copies and pickles.
py::tuple arguments(const TapControl& self) {
  const auto column = [&](auto get) {
    std::vector<decltype(get(std::declval<const Regulator&>()))> values;
    for (const Regulator& of : self.regulators()) values.push_back(get(of));
    return to_array(std::span<const typename decltype(values)::value_type>(values));
  };
  return py::make_tuple(column([](const Regulator& of) { return of.tap; }),
                        column([](const Regulator& of) { return of.branch; }),
                        column([](const Regulator& of) { return of.bus; }),
                        column([](const Regulator& of) { return of.vn_kv; }),
                        column([](const Regulator& of) { return of.settings.v_set_volt; }),
                        column([](const Regulator& of) { return of.settings.bandwidth_volt; }),
                        column([](const Regulator& of) { return of.settings.r_volt; }),
                        column([](const Regulator& of) { return of.settings.x_volt; }),
                        column([](const Regulator& of) { return of.settings.ct_primary_a; }),
                        column([](const Regulator& of) { return of.tap_min; }),
                        column([](const Regulator& of) { return of.tap_max; }));
}

// A mask of regulators and lanes; what is behind the batch's last lane is not read.
powergrid::Table<const std::uint8_t> stuck_from(const py::object& value) {
  if (value.is_none()) return {};
  if (!py::isinstance<InputArray<std::uint8_t>>(value)) {
    throw py::type_error("is_stuck is no C-contiguous array of uint8");
  }
  const auto array = py::reinterpret_borrow<InputArray<std::uint8_t>>(value);
  if (array.ndim() != 2) {
    throw py::type_error("is_stuck has " + std::to_string(array.ndim()) +
                         " dimensions, expected two: regulators and lanes");
  }
  const auto n_lane = static_cast<std::size_t>(array.shape(1));
  return {array.data(), static_cast<std::size_t>(array.shape(0)), n_lane, n_lane};
}

std::size_t settle(const TapControl& self, SharedSolver& solver, Batch& batch, std::size_t first,
                   std::size_t last, double tolerance_pu, std::int32_t max_iterations,
                   const py::object& is_chosen, const py::object& is_stuck) {
  const auto chosen = as_optional_span<std::uint8_t>(is_chosen, "is_chosen");
  const auto stuck = stuck_from(is_stuck);
  const py::gil_scoped_release released;
  const std::scoped_lock lock(solver.mutex);
  return self.settle(solver.solver, batch,
                     {.tolerance_pu = tolerance_pu, .max_iterations = max_iterations}, first, last,
                     chosen, stuck);
}

}  // namespace

void bind_tap_control(py::module_& module) {
  py::class_<TapControl>(module, "TapControl", py::module_local(),
                         "Settles regulators; see cpp/include/powergrid/tap_control.hpp.")
      .def(py::init(&make), py::arg("tap").noconvert(), py::arg("branch").noconvert(),
           py::arg("bus").noconvert(), py::arg("vn_kv").noconvert(),
           py::arg("v_set_volt").noconvert(), py::arg("bandwidth_volt").noconvert(),
           py::arg("r_volt").noconvert(), py::arg("x_volt").noconvert(),
           py::arg("ct_primary_a").noconvert(), py::arg("tap_min").noconvert(),
           py::arg("tap_max").noconvert())
      .def("settle", &settle, py::arg("solver"), py::arg("batch"), py::arg("first"),
           py::arg("last"), py::arg("tolerance_pu") = 1e-8, py::arg("max_iterations") = 20,
           py::arg("is_chosen") = py::none(), py::arg("is_stuck") = py::none())
      .def("__reduce__", [](const py::object& self) {
        return py::make_tuple(py::type::of(self), arguments(self.cast<const TapControl&>()));
      });
}

}  // namespace heron_bindings
