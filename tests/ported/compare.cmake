# Runs ORIGINAL and PORTED with the same ARGUMENTS, and fails unless both print the same.
# SPDX-License-Identifier: BSL-1.0
foreach(one ORIGINAL PORTED)
  execute_process(COMMAND ${EMULATOR} ${${one}} ${ARGUMENTS}
                  OUTPUT_VARIABLE ${one}_output RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "${${one}} ended with ${result}")
  endif()
endforeach()
if(NOT ORIGINAL_output STREQUAL PORTED_output)
  message(FATAL_ERROR "printed by std:\n${ORIGINAL_output}\nprinted by coir:\n${PORTED_output}")
endif()
if(ORIGINAL_output STREQUAL "")
  message(FATAL_ERROR "nothing was printed")
endif()
