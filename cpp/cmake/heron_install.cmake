# Install the libraries so that another project can say find_package(heron), or ask pkg-config. The
# installed tree may be moved.
include(CMakePackageConfigHelpers)
set(heron_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/heron)
set(heron_pc_dir ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# What a C program must link besides the static libraries.
set(heron_cxx_runtime ${CMAKE_CXX_IMPLICIT_LINK_LIBRARIES})
list(FILTER heron_cxx_runtime INCLUDE REGEX "^(stdc\\+\\+|c\\+\\+|m)$")
list(REMOVE_DUPLICATES heron_cxx_runtime)
list(TRANSFORM heron_cxx_runtime PREPEND -l OUTPUT_VARIABLE heron_runtime_flags)
list(JOIN heron_runtime_flags " " heron_runtime_flags)
file(RELATIVE_PATH heron_prefix_of_pc /prefix/${heron_pc_dir} /prefix)
string(REGEX REPLACE "/$" "" heron_prefix_of_pc "${heron_prefix_of_pc}")

install(TARGETS heron powergrid EXPORT heron_targets)
install(DIRECTORY include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT heron_targets NAMESPACE heron:: DESTINATION ${heron_cmake_dir})
configure_package_config_file(cmake/heron-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/heron-config.cmake
  INSTALL_DESTINATION ${heron_cmake_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/heron-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES
  ${CMAKE_CURRENT_BINARY_DIR}/heron-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/heron-config-version.cmake
  DESTINATION ${heron_cmake_dir})
configure_file(cmake/heron.pc.in ${CMAKE_CURRENT_BINARY_DIR}/heron.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/heron.pc DESTINATION ${heron_pc_dir})
