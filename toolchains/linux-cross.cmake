# Cross builds for Linux with Debian's g++-<triple>, run under qemu-user. Included by the one-line
# file of each triple, which sets `triple`, `processor` and, where its name is another, `emulator`.
# SPDX-License-Identifier: BSL-1.0
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${processor})
if(NOT DEFINED emulator)
  set(emulator qemu-${processor})
endif()

# Left unset where the user names another compiler for the same target.
if(NOT CMAKE_CXX_COMPILER)
  set(CMAKE_CXX_COMPILER ${triple}-g++)
  set(CMAKE_C_COMPILER ${triple}-gcc)
endif()

# The target's loader finds the host's libraries by -L alone; the search path keeps it at home.
set(CMAKE_CROSSCOMPILING_EMULATOR
    ${emulator};-L;/usr/${triple};-E;LD_LIBRARY_PATH=/usr/${triple}/lib)

set(CMAKE_FIND_ROOT_PATH /usr/${triple})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
