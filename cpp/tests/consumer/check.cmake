# Build and run outside projects against HERON_SOURCE_DIR, or, with HERON_BUILD_DIR, against that
# build installed to a prefix. Run as: cmake -D... -P check.cmake
# Without a build type, because that compiles fastest, and the question is what links and runs.
file(REMOVE_RECURSE ${WORK_DIR})
file(COPY ${CMAKE_CURRENT_LIST_DIR}/ DESTINATION ${WORK_DIR}/consumer)
file(COPY ${EXAMPLES_DIR}/ DESTINATION ${WORK_DIR}/examples)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

function(configure source_dir build_dir)
  execute_process(COMMAND
    ${CMAKE_COMMAND} -S ${WORK_DIR}/${source_dir} -B ${WORK_DIR}/${build_dir} -G ${GENERATOR}
    -DCMAKE_C_COMPILER=${C_COMPILER} ${ARGN}
    RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE output)
  set(configure_result ${result} PARENT_SCOPE)
  set(configure_output "${output}" PARENT_SCOPE)
endfunction()

function(build source_dir build_dir)
  configure(${source_dir} ${build_dir} ${ARGN})
  if(NOT configure_result EQUAL 0)
    message(FATAL_ERROR "${configure_output}")
  endif()
  run(${CMAKE_COMMAND} --build ${WORK_DIR}/${build_dir})
endfunction()

# The programs check themselves; what they print must be the same.
function(check_equal_output program)
  foreach(other IN LISTS program ARGN)
    execute_process(COMMAND ${WORK_DIR}/${other} OUTPUT_VARIABLE output COMMAND_ERROR_IS_FATAL ANY)
    if(NOT DEFINED expected)
      set(expected "${output}")
      message("${output}")
    elseif(NOT output STREQUAL expected)
      message(FATAL_ERROR "${other} printed\n${output}and not as ${program} did\n${expected}")
    endif()
  endforeach()
endfunction()

set(programs build/examples/fleet_cpp build/examples/fleet_c)
if(HERON_SOURCE_DIR)
  build(consumer build -DCMAKE_CXX_COMPILER=${CXX_COMPILER} -DHERON_SOURCE_DIR=${HERON_SOURCE_DIR})
else()
  # Installed here and moved there: nothing in the package may remember the first place.
  run(${CMAKE_COMMAND} --install ${HERON_BUILD_DIR} --prefix ${WORK_DIR}/first)
  file(RENAME ${WORK_DIR}/first ${WORK_DIR}/prefix)
  set(package -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix)
  build(consumer build -DCMAKE_CXX_COMPILER=${CXX_COMPILER} ${package})
  build(consumer/c_only build_c ${package})
  list(APPEND programs build_c/fleet_c)

  configure(consumer/c_only build_refused ${package} -DHERON_WANTED=0.2)
  if(configure_result EQUAL 0 OR NOT configure_output MATCHES "considered but not accepted")
    message(FATAL_ERROR "version 0.2 was not refused:\n${configure_output}")
  endif()

  find_program(PKG_CONFIG pkg-config)
  if(PKG_CONFIG)
    file(GLOB_RECURSE pc_file ${WORK_DIR}/prefix/*/heron.pc)
    execute_process(COMMAND ${PKG_CONFIG} --cflags --libs ${pc_file}
      OUTPUT_VARIABLE flags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
    separate_arguments(flags)
    run(${C_COMPILER} -std=c11 -O2 -ffp-contract=off ${WORK_DIR}/examples/fleet.c ${flags}
      -o ${WORK_DIR}/fleet_pc)
    list(APPEND programs fleet_pc)
  else()
    message("pkg-config is not installed: heron.pc is not tried")
  endif()
endif()

run(${WORK_DIR}/build/consumer)
run(${WORK_DIR}/build/examples/feeder)
check_equal_output(${programs})
