# Each program of programs/ twice from the same source, against std and against coir, and once more
# from what coir-port makes of it; tests that all print the same, with eight threads and with many.
# SPDX-License-Identifier: BSL-1.0
file(GLOB ported CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/programs/*.cpp)
set(rewritten ${CMAKE_CURRENT_BINARY_DIR}/rewritten)
set(made)
foreach(source IN LISTS ported)
  get_filename_component(name ${source} NAME)
  list(APPEND made ${rewritten}/${name})
endforeach()
add_custom_command(
  OUTPUT ${made}
  COMMAND ${CMAKE_COMMAND} -DFROM=${CMAKE_CURRENT_LIST_DIR}/programs -DTO=${rewritten}
          "-DEMULATOR=${CMAKE_CROSSCOMPILING_EMULATOR}" -DPORT=$<TARGET_FILE:coir-port>
          -P ${CMAKE_CURRENT_LIST_DIR}/rewrite.cmake
  DEPENDS coir-port ${ported} ${CMAKE_CURRENT_LIST_DIR}/programs/threads.hpp
          ${CMAKE_CURRENT_LIST_DIR}/rewrite.cmake
  COMMENT "Porting the programs of tests/ported")

# coir_ported_test(name kind threads): of the program `stem`, that kind against the one of std.
function(coir_ported_test name kind threads)
  add_test(NAME ported.${name}
    COMMAND ${CMAKE_COMMAND}
            "-DEMULATOR=${CMAKE_CROSSCOMPILING_EMULATOR}"
            -DORIGINAL=$<TARGET_FILE:ported_${stem}_std>
            -DPORTED=$<TARGET_FILE:ported_${stem}_${kind}>
            "-DARGUMENTS=${threads};${CMAKE_CURRENT_LIST_FILE};${source}"
            -P ${CMAKE_CURRENT_LIST_DIR}/compare.cmake)
  set_tests_properties(ported.${name} PROPERTIES LABELS ported TIMEOUT ${timeout})
endfunction()

foreach(source IN LISTS ported)
  get_filename_component(stem ${source} NAME_WE)
  foreach(names std coir)
    add_executable(ported_${stem}_${names} ${source})
    target_compile_definitions(ported_${stem}_${names} PRIVATE STD=${names})
    target_compile_features(ported_${stem}_${names} PRIVATE cxx_std_20)
    target_link_libraries(ported_${stem}_${names} PRIVATE Threads::Threads coir_warnings)
  endforeach()
  target_compile_definitions(ported_${stem}_std PRIVATE PORTED=0)
  target_compile_definitions(ported_${stem}_coir PRIVATE PORTED=1)
  target_link_libraries(ported_${stem}_coir PRIVATE coir::coir)
  add_executable(ported_${stem}_rewritten ${rewritten}/${stem}.cpp)
  target_compile_definitions(ported_${stem}_rewritten PRIVATE PORTED=0)
  target_link_libraries(ported_${stem}_rewritten PRIVATE coir::coir coir_warnings)
  coir_ported_test(${stem}.rewritten rewritten 8)
  foreach(threads 8 200)
    coir_ported_test(${stem}.${threads}_threads coir ${threads})
  endforeach()
endforeach()
