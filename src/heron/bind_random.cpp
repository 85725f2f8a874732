#include "heron/bind_random.hpp"

#include <cstdint>

#include "heron/random.hpp"

namespace heron_bindings {
namespace py = pybind11;

void bind_random(py::module_& module) {
  module.def(
      "random_bits",
      [](std::uint64_t seed, std::uint64_t lane, std::uint64_t agent, std::uint64_t stream,
         std::uint64_t draw) {
        return heron::random_bits({seed, lane, agent, static_cast<heron::Stream>(stream)}, draw);
      },
      py::arg("seed"), py::arg("lane"), py::arg("agent"), py::arg("stream"), py::arg("draw"));
  module.def("to_uniform", &heron::to_uniform, py::arg("bits"));
  module.def("to_normal", &heron::to_normal, py::arg("bits"));
}

}  // namespace heron_bindings
