#include "powergrid/bind_solver.hpp"

#include <pybind11/pybind11.h>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

#include "common/arrays.hpp"
#include "powergrid/shared_solver.hpp"
#include "powergrid/solver.hpp"

namespace heron_bindings {

namespace py = pybind11;

namespace {

using powergrid::Batch;
using powergrid::Network;

void solve(SharedSolver& self, Batch& batch, double tolerance_pu, std::int32_t max_iterations,
           std::int32_t n_thread) {
  const py::gil_scoped_release released;
  const std::scoped_lock lock(self.mutex);
  self.solver.solve(
      batch,
      {.tolerance_pu = tolerance_pu, .max_iterations = max_iterations, .n_thread = n_thread});
}

void solve_lanes(SharedSolver& self, Batch& batch, std::size_t first, std::size_t last,
                 double tolerance_pu, std::int32_t max_iterations, const py::object& is_chosen) {
  const auto chosen = as_optional_span<std::uint8_t>(is_chosen, "is_chosen");
  const py::gil_scoped_release released;
  const std::scoped_lock lock(self.mutex);
  self.solver.solve(batch, {.tolerance_pu = tolerance_pu, .max_iterations = max_iterations}, first,
                    last, chosen);
}

void use(SharedSolver& self, const py::object& network) {
  const auto& of = network.cast<const Network&>();
  {
    const py::gil_scoped_release released;
    self.mutex.lock();
  }
  const std::unique_lock lock(self.mutex, std::adopt_lock);
  self.solver.use(of);
  self.used = network;
}

}  // namespace

void bind_solver(py::module_& module) {
  module.def("best_simd_level",
             [] { return std::string(powergrid::name_of(powergrid::best_simd_level())); });
  py::class_<SharedSolver>(module, "Solver", py::module_local(),
                           "Solves batches of one network; see cpp/include/powergrid/solver.hpp.")
      .def(py::init<const Network&, std::string_view>(), py::arg("network"), py::arg("simd") = "",
           py::keep_alive<1, 2>())
      .def_property_readonly("simd",
                             [](const SharedSolver& self) {
                               return std::string(powergrid::name_of(self.solver.level()));
                             })
      .def("solve", &solve, py::arg("batch"), py::arg("tolerance_pu") = 1e-8,
           py::arg("max_iterations") = 20, py::arg("n_thread") = 1)
      .def("solve_lanes", &solve_lanes, py::arg("batch"), py::arg("first"), py::arg("last"),
           py::arg("tolerance_pu") = 1e-8, py::arg("max_iterations") = 20,
           py::arg("is_chosen") = py::none())
      .def("use", &use, py::arg("network"));
}

}  // namespace heron_bindings
