# Install the libraries so that another project can say find_package(heron).
include(CMakePackageConfigHelpers)
set(heron_cmake_dir ${CMAKE_INSTALL_LIBDIR}/cmake/heron)

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
