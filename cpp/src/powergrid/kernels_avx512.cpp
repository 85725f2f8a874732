// Compiled for the instructions in its name; see CMakeLists.txt.
#include "group_solver.hpp"

namespace powergrid {

const Kernels& kernels_avx512() noexcept { return kKernels; }

}  // namespace powergrid
