# Breaks the lines that forbid an interleaving, one by one; a model must notice each.
# SPDX-License-Identifier: BSL-1.0
find_package(Python3 COMPONENTS Interpreter)
if(NOT Python3_FOUND OR CMAKE_CROSSCOMPILING)
  return()
endif()
set(link_boost)
if(COIR_HAS_BOOST)
  set(link_boost --link=$<TARGET_FILE:Boost::context>)
endif()
add_test(NAME model.mutants
         COMMAND ${Python3_EXECUTABLE} -B ${CMAKE_CURRENT_SOURCE_DIR}/model/mutants.py
                 --compiler ${CMAKE_CXX_COMPILER} --include ${PROJECT_BINARY_DIR}/include
                 --engine $<TARGET_OBJECTS:coir_model_engine> --library $<TARGET_FILE:coir>
                 ${link_boost})
set_tests_properties(model.mutants PROPERTIES LABELS "model;source;slow" TIMEOUT 1200 PROCESSORS 2)
