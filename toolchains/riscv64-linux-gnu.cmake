# Cross builds for riscv64-linux-gnu.
# SPDX-License-Identifier: BSL-1.0
set(triple riscv64-linux-gnu)
set(processor riscv64)
include(${CMAKE_CURRENT_LIST_DIR}/linux-cross.cmake)
