#include "powergrid/bind_batch.hpp"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>

#include "common/arrays.hpp"
#include "powergrid/batch.hpp"
#include "powergrid/error.hpp"
#include "powergrid/network.hpp"

namespace heron_bindings {

namespace py = pybind11;

namespace {

using powergrid::Batch;
using powergrid::Network;
using powergrid::Table;

// NumPy keeps the batch alive for as long as any view of it lives.
py::array_t<double> view(const py::object& self, const Table<double>& table) {
  constexpr py::ssize_t kSize = sizeof(double);
  return {{static_cast<py::ssize_t>(table.n_row), static_cast<py::ssize_t>(table.n_lane)},
          {static_cast<py::ssize_t>(table.stride) * kSize, kSize},
          table.data,
          self};
}
template <class T>
auto view(const py::object& self, std::span<T> lanes) {
  const auto n_lane = static_cast<py::ssize_t>(lanes.size());
  if constexpr (std::is_enum_v<T>) {  // by its number
    using Number = std::underlying_type_t<T>;
    return py::array_t<Number>(n_lane, reinterpret_cast<Number*>(lanes.data()), self);
  } else {
    return py::array_t<T>(n_lane, lanes.data(), self);
  }
}

template <auto kMember>
py::array view_of(const py::object& self) {
  return view(self, self.cast<Batch&>().*kMember);
}

py::dict counters(Batch& batch) {
  // Solvers may be adding to them.
  const auto read = [](std::uint64_t& counter) {
    return std::atomic_ref(counter).load(std::memory_order_relaxed);
  };
  powergrid::SolveCounters& counters = batch.counters;
  py::dict out;
  out["n_warm"] = read(counters.n_warm);
  out["n_flat"] = read(counters.n_flat);
  out["n_damped"] = read(counters.n_damped);
  out["n_failed"] = read(counters.n_failed);
  out["n_invalid"] = read(counters.n_invalid);
  out["n_iteration"] = read(counters.n_iteration);
  return out;
}

void set_counters(Batch& batch, const py::dict& values) {
  batch.counters = {.n_warm = values["n_warm"].cast<std::uint64_t>(),
                    .n_flat = values["n_flat"].cast<std::uint64_t>(),
                    .n_damped = values["n_damped"].cast<std::uint64_t>(),
                    .n_failed = values["n_failed"].cast<std::uint64_t>(),
                    .n_invalid = values["n_invalid"].cast<std::uint64_t>(),
                    .n_iteration = values["n_iteration"].cast<std::uint64_t>()};
}

void forget(Batch& batch, std::int64_t lane) {
  if (lane < 0 || static_cast<std::size_t>(lane) >= batch.n_lane()) {
    throw powergrid::InvalidArgument("lane is " + std::to_string(lane) + ", but the lanes are 0.." +
                                     std::to_string(batch.n_lane()) + " exclusive");
  }
  batch.forget(static_cast<std::size_t>(lane));
}

void tell_only(Batch& batch, const InputArray<std::uint8_t>& is_bus_told,
               const InputArray<std::uint8_t>& is_branch_told) {
  batch.tell_only(as_span(is_bus_told, "is_bus_told"), as_span(is_branch_told, "is_branch_told"));
}

using Lanes = InputArray<std::int32_t>;

void clear_unsupplied(Batch& batch, const Network& variant, std::int64_t lane) {
  batch.clear_unsupplied(variant, static_cast<std::size_t>(lane));
}

template <void (Batch::*kCopy)(const Batch&, std::span<const std::int32_t>,
                               std::span<const std::int32_t>)>
void copy(Batch& batch, const Batch& source, const Lanes& source_lanes, const Lanes& lanes) {
  const auto from = as_span(source_lanes, "source_lanes");
  const auto to = as_span(lanes, "lanes");
  const py::gil_scoped_release released;
  (batch.*kCopy)(source, from, to);
}

}  // namespace

void bind_batch(py::module_& module) {
  py::class_<Batch>(module, "Batch", py::module_local(),
                    "Inputs, voltages and results of lanes of one network: every table is a view, "
                    "(n_row, n_lane), that keeps the batch alive and never moves.")
      .def(py::init<const Network&, std::size_t, std::size_t>(), py::arg("network"),
           py::arg("n_lane") = 1, py::arg("n_spare_node") = 0, py::keep_alive<1, 2>())
      .def_property_readonly("n_lane", &Batch::n_lane)
      .def("forget", &forget, py::arg("lane"))
      .def("clear_unsupplied", &clear_unsupplied, py::arg("variant"), py::arg("lane"))
      .def("copy_inputs", &copy<&Batch::copy_inputs>, py::arg("source"),
           py::arg("source_lanes").noconvert(), py::arg("lanes").noconvert())
      .def("copy_results", &copy<&Batch::copy_results>, py::arg("source"),
           py::arg("source_lanes").noconvert(), py::arg("lanes").noconvert())
      .def("tell_only", &tell_only, py::arg("is_bus_told").noconvert(),
           py::arg("is_branch_told").noconvert())
      .def("take_counters", &Batch::take_counters, py::arg("other"))
      .def_property("counters", &counters, &set_counters)
      .def_property_readonly("p_mw", &view_of<&Batch::p_mw>)
      .def_property_readonly("q_mvar", &view_of<&Batch::q_mvar>)
      .def_property_readonly("tap_pos", &view_of<&Batch::tap_pos>)
      .def_property_readonly("shunt_step", &view_of<&Batch::shunt_step>)
      .def_property_readonly("vm_set_pu", &view_of<&Batch::vm_set_pu>)
      .def_property_readonly("v_re_pu", &view_of<&Batch::v_re_pu>)
      .def_property_readonly("v_im_pu", &view_of<&Batch::v_im_pu>)
      .def_property_readonly("is_warm", &view_of<&Batch::is_warm>)
      .def_property_readonly("vm_pu", &view_of<&Batch::vm_pu>)
      .def_property_readonly("va_degree", &view_of<&Batch::va_degree>)
      .def_property_readonly("p_from_mw", &view_of<&Batch::p_from_mw>)
      .def_property_readonly("q_from_mvar", &view_of<&Batch::q_from_mvar>)
      .def_property_readonly("p_to_mw", &view_of<&Batch::p_to_mw>)
      .def_property_readonly("q_to_mvar", &view_of<&Batch::q_to_mvar>)
      .def_property_readonly("loading_percent", &view_of<&Batch::loading_percent>)
      .def_property_readonly("p_controlled_mw", &view_of<&Batch::p_controlled_mw>)
      .def_property_readonly("q_controlled_mvar", &view_of<&Batch::q_controlled_mvar>)
      .def_property_readonly("mismatch_pu", &view_of<&Batch::mismatch_pu>)
      .def_property_readonly("iterations", &view_of<&Batch::iterations>)
      .def_property_readonly("status", &view_of<&Batch::status>)
      .def_property_readonly("start", &view_of<&Batch::start>);
}

}  // namespace heron_bindings
