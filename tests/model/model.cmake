# What a model test is built with: the library's own source with its atomics replaced, in a namespace
# of its own, so that it lives beside the library that the engine uses.
# SPDX-License-Identifier: BSL-1.0
if(NOT TARGET coir_model_engine)
  add_library(coir_model_engine OBJECT ${CMAKE_CURRENT_SOURCE_DIR}/model/engine.cpp)
  target_link_libraries(coir_model_engine PRIVATE coir_test_base)
  target_compile_options(coir_model_engine PRIVATE -O2)
endif()
target_compile_definitions(${test_target} PRIVATE COIR_MODEL coir=coir_modelled)
target_compile_options(${test_target} PRIVATE -O1 -ffunction-sections)
target_link_options(${test_target} PRIVATE -Wl,--gc-sections)
target_link_libraries(${test_target} PRIVATE coir_model_engine)
