#include "heron/bind_random.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "common/arrays.hpp"
#include "heron/error.hpp"
#include "heron/random.hpp"

namespace heron_bindings {
namespace py = pybind11;

namespace {

py::array_t<std::uint64_t> random_bits_of_lanes(const InputArray<std::uint64_t>& seed,
                                                const InputArray<std::uint64_t>& lane,
                                                std::uint64_t agent, std::uint64_t stream,
                                                std::uint64_t n_draw) {
  const auto seeds = as_span(seed, "seed");
  const auto lanes = as_span(lane, "lane");
  if (seeds.size() != lanes.size()) {
    throw heron::InvalidArgument("seed has " + std::to_string(seeds.size()) + " values and lane " +
                                 std::to_string(lanes.size()) +
                                 ", expected one of each for every lane");
  }
  const std::size_t n = n_draw;
  py::array_t<std::uint64_t> out({seeds.size(), n});
  std::uint64_t* const values = out.mutable_data();
  const py::gil_scoped_release released;
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    const heron::StreamKey key{seeds[i], lanes[i], agent, static_cast<heron::Stream>(stream)};
    for (std::size_t draw = 0; draw < n; draw += 4) {
      const auto block = heron::random_block(key, draw / 4);
      for (std::size_t k = 0; k < 4 && draw + k < n; ++k) values[i * n + draw + k] = block[k];
    }
  }
  return out;
}

}  // namespace

void bind_random(py::module_& module) {
  module.def(
      "random_bits",
      [](std::uint64_t seed, std::uint64_t lane, std::uint64_t agent, std::uint64_t stream,
         std::uint64_t draw) {
        return heron::random_bits({seed, lane, agent, static_cast<heron::Stream>(stream)}, draw);
      },
      py::arg("seed"), py::arg("lane"), py::arg("agent"), py::arg("stream"), py::arg("draw"));
  module.def("random_bits_of_lanes", &random_bits_of_lanes, py::arg("seed").noconvert(),
             py::arg("lane").noconvert(), py::arg("agent"), py::arg("stream"), py::arg("n_draw"));
  module.def("to_uniform", &heron::to_uniform, py::arg("bits"));
  module.def("to_normal", &heron::to_normal, py::arg("bits"));
}

}  // namespace heron_bindings
