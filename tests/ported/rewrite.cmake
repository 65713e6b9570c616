# Copies the sources of FROM to TO with STD written out as std, and has PORT rename them.
# SPDX-License-Identifier: BSL-1.0
file(REMOVE_RECURSE ${TO})
file(GLOB sources ${FROM}/*)
foreach(source IN LISTS sources)
  file(READ ${source} text)
  string(REPLACE "STD::" "std::" text "${text}")
  get_filename_component(name ${source} NAME)
  file(WRITE ${TO}/${name} "${text}")
endforeach()
execute_process(COMMAND ${EMULATOR} ${PORT} ${TO} OUTPUT_VARIABLE said RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "coir-port ended with ${result}:\n${said}")
endif()
