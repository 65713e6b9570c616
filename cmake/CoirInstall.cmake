# Installs the headers, the library, the CMake package `coir` and coir.pc.
# SPDX-License-Identifier: BSL-1.0
include(CMakePackageConfigHelpers)

set(COIR_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/coir)
set(COIR_PKGCONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/coir
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN *.hpp)
install(FILES ${PROJECT_BINARY_DIR}/include/coir/config.hpp
        DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/coir)
install(TARGETS coir EXPORT coirTargets)
install(EXPORT coirTargets NAMESPACE coir:: DESTINATION ${COIR_PACKAGE_DIR})

# Before 1.0 a new minor version may break what was built against the last one.
configure_package_config_file(
  ${CMAKE_CURRENT_LIST_DIR}/coirConfig.cmake.in ${PROJECT_BINARY_DIR}/coirConfig.cmake
  INSTALL_DESTINATION ${COIR_PACKAGE_DIR}
  NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/coirConfigVersion.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/coirConfig.cmake ${PROJECT_BINARY_DIR}/coirConfigVersion.cmake
        DESTINATION ${COIR_PACKAGE_DIR})

# coir.pc finds its prefix from its own place, so that an installed tree may be moved. The headers
# expand calls of Boost.Context in the program itself, whichever kind of library coir is.
set(COIR_PC_LIBS "-pthread")
if(COIR_ATOMIC_LIBRARY)
  string(PREPEND COIR_PC_LIBS "-l${COIR_ATOMIC_LIBRARY} ")
endif()
if(COIR_HAS_BOOST)
  string(PREPEND COIR_PC_LIBS "-lboost_context ")
endif()
foreach(kind LIBDIR INCLUDEDIR)
  if(IS_ABSOLUTE ${CMAKE_INSTALL_${kind}})
    set(COIR_PC_${kind} ${CMAKE_INSTALL_${kind}})
  else()
    set(COIR_PC_${kind} \${prefix}/${CMAKE_INSTALL_${kind}})
  endif()
endforeach()
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
  set(COIR_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
else()
  file(RELATIVE_PATH COIR_PC_PREFIX /${COIR_PKGCONFIG_DIR} /)
  string(REGEX REPLACE "/$" "" COIR_PC_PREFIX \${pcfiledir}/${COIR_PC_PREFIX})
endif()
configure_file(${CMAKE_CURRENT_LIST_DIR}/coir.pc.in ${PROJECT_BINARY_DIR}/coir.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/coir.pc DESTINATION ${COIR_PKGCONFIG_DIR})
