# Build and run the consumer project against HERON_SOURCE_DIR, or, with HERON_BUILD_DIR, against
# that build installed to a prefix. Run as: cmake -D... -P check.cmake
set(configure
  ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${WORK_DIR}/build -G ${GENERATOR}
  -DCMAKE_CXX_COMPILER=${CXX_COMPILER} "-DCMAKE_CXX_FLAGS=${CXX_FLAGS}"
  -DCMAKE_BUILD_TYPE=${BUILD_TYPE})
file(REMOVE_RECURSE ${WORK_DIR})
if(HERON_BUILD_DIR)
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${HERON_BUILD_DIR} --prefix ${WORK_DIR}/prefix
    COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND configure -DCMAKE_PREFIX_PATH=${WORK_DIR}/prefix)
else()
  list(APPEND configure -DHERON_SOURCE_DIR=${HERON_SOURCE_DIR})
endif()
execute_process(COMMAND ${configure} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${WORK_DIR}/build COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${WORK_DIR}/build/consumer COMMAND_ERROR_IS_FATAL ANY)
