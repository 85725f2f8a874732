#include "heron/bind_feature_table.hpp"

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <cstdint>
#include <span>
#include <string>

#include "common/arrays.hpp"
#include "heron/error.hpp"
#include "heron/feature_table.hpp"

namespace heron_bindings {
namespace {

using heron::FeatureTable;

// NumPy keeps the table alive for as long as any view of it lives.
py::array values_of(const py::object& self) {
  auto& table = self.cast<FeatureTable&>();
  constexpr py::ssize_t kSize = sizeof(double);
  const auto stride = static_cast<py::ssize_t>(table.lane_stride());
  return py::array_t<double>({table.n_slot(), table.n_lane()}, {stride * kSize, kSize},
                             table.data(), self);
}

void snapshot(FeatureTable& table, const InputArray<std::int32_t>& lane,
              const InputArray<double>& time_s) {
  const auto lanes = as_span(lane, "lane");
  const auto times_s = as_span(time_s, "time_s");
  const py::gil_scoped_release released;
  table.snapshot(lanes, times_s);
}

py::object as_of(const FeatureTable& table, std::int32_t lane, double time_s) {
  const auto state = table.as_of(lane, time_s);
  if (!state) return py::none();
  return to_array<double>(*state);
}

// Call fill(rows) with the rows of `out`, of whichever of the two types it is. Two overloads would
// check every argument of the call twice.
template <class Fill>
void with_rows(const py::array& out, std::span<const std::int32_t> observer, const Fill& fill) {
  const auto call = [&](auto array) {
    const auto rows = as_rows(array, "out");
    if (static_cast<std::size_t>(array.shape(0)) != observer.size()) {
      throw heron::InvalidArgument("out has " + std::to_string(array.shape(0)) +
                                   " rows, expected " + std::to_string(observer.size()) +
                                   ", one for each observer");
    }
    const py::gil_scoped_release released;
    fill(rows);
  };
  if (py::isinstance<InputArray<float>>(out)) {
    call(py::reinterpret_borrow<InputArray<float>>(out));
  } else if (py::isinstance<InputArray<double>>(out)) {
    call(py::reinterpret_borrow<InputArray<double>>(out));
  } else {
    throw py::type_error("out is an array of " + py::str(out.dtype()).cast<std::string>() +
                         ", expected float32 or float64 in one piece of memory, row by row");
  }
}

void gather(const FeatureTable& table, const InputArray<std::int32_t>& observer,
            const InputArray<std::int32_t>& lane, const py::array& out) {
  const auto observers = as_span(observer, "observer");
  const auto lanes = as_span(lane, "lane");
  with_rows(out, observers,
            [&](auto rows) { table.gather(observers, lanes, rows.values, rows.row_length); });
}

py::array_t<bool> gather_as_of(const FeatureTable& table, const InputArray<std::int32_t>& observer,
                               const InputArray<std::int32_t>& lane,
                               const InputArray<double>& time_s, const py::array& out) {
  const auto observers = as_span(observer, "observer");
  const auto lanes = as_span(lane, "lane");
  const auto times_s = as_span(time_s, "time_s");
  py::array_t<bool> is_stale(observer.size());
  // NumPy's bool is a byte of 0 or 1.
  const std::span stale(reinterpret_cast<std::uint8_t*>(is_stale.mutable_data()), observers.size());
  with_rows(out, observers, [&](auto rows) {
    table.gather_as_of(observers, lanes, times_s, rows.values, rows.row_length, stale);
  });
  return is_stale;
}

}  // namespace

void bind_feature_table(py::module_& module) {
  py::class_<FeatureTable> table(module, "FeatureTable", py::module_local(),
                                 "The compiled twin of heron.reference.feature_table.FeatureTable, "
                                 "which documents every method.");
  table
      .def(py::init<std::int32_t, std::int32_t, std::int32_t>(), py::arg("n_slot"),
           py::arg("n_lane") = 1, py::arg("n_history") = 0)
      .def_property_readonly("n_slot", &FeatureTable::n_slot)
      .def_property_readonly("n_lane", &FeatureTable::n_lane)
      .def_property_readonly("n_history", &FeatureTable::n_history)
      .def_property_readonly("n_observer", &FeatureTable::n_observer)
      .def_property_readonly("values", &values_of)
      .def("snapshot", &snapshot, py::arg("lane").noconvert(), py::arg("time_s").noconvert())
      .def("snapshot_all", &FeatureTable::snapshot_all, py::arg("time_s"),
           py::call_guard<py::gil_scoped_release>())
      .def("clear_history", &FeatureTable::clear_history, py::arg("lane"))
      .def("n_snapshot", &FeatureTable::n_snapshot, py::arg("lane"))
      .def(
          "snapshot_times",
          [](const FeatureTable& self, std::int32_t lane) {
            return to_array<double>(self.snapshot_times(lane));
          },
          py::arg("lane"))
      .def("as_of", &as_of, py::arg("lane"), py::arg("time_s"))
      .def(
          "add_observer",
          [](FeatureTable& self, const InputArray<std::int32_t>& slot) {
            return self.add_observer(as_span(slot, "slot"));
          },
          py::arg("slot").noconvert())
      .def(
          "observer",
          [](const FeatureTable& self, std::int32_t observer) {
            return to_array(self.observer(observer));
          },
          py::arg("observer"))
      .def("gather", &gather, py::arg("observer").noconvert(), py::arg("lane").noconvert(),
           py::arg("out").noconvert())
      .def("gather_as_of", &gather_as_of, py::arg("observer").noconvert(),
           py::arg("lane").noconvert(), py::arg("time_s").noconvert(), py::arg("out").noconvert());
}

}  // namespace heron_bindings
