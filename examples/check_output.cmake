# check_output.cmake - runs a program and compares what it writes, to the letter.
# SPDX-License-Identifier: BSL-1.0
#
#   cmake -DOUTPUT=<file> [-DERRORS=<file>] [-DRESULT=<exit code>] [-DEMULATOR=<command>]
#         -P check_output.cmake -- <program> [<argument>...]
#
# Without ERRORS the program writes nothing to stderr; without RESULT it exits with 0.
cmake_minimum_required(VERSION 3.20)

set(command ${EMULATOR})
set(in_command FALSE)
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
  if(in_command)
    list(APPEND command "${CMAKE_ARGV${i}}")
  elseif("${CMAKE_ARGV${i}}" STREQUAL "--")
    set(in_command TRUE)
  endif()
endforeach()

file(READ "${OUTPUT}" expected_output)
set(expected_errors "")
if(DEFINED ERRORS)
  file(READ "${ERRORS}" expected_errors)
endif()
set(expected_result 0)
if(DEFINED RESULT)
  set(expected_result ${RESULT})
endif()

execute_process(
  COMMAND ${command}
  OUTPUT_VARIABLE output
  ERROR_VARIABLE errors
  RESULT_VARIABLE result)

foreach(what output errors result)
  string(REPLACE "\r\n" "\n" actual "${${what}}")
  if(NOT "${actual}" STREQUAL "${expected_${what}}")
    message(SEND_ERROR "${what}: expected\n${expected_${what}}\nbut got\n${actual}")
  endif()
endforeach()
