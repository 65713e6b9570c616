# Cross builds for aarch64-linux-gnu.
# SPDX-License-Identifier: BSL-1.0
set(triple aarch64-linux-gnu)
set(processor aarch64)
include(${CMAKE_CURRENT_LIST_DIR}/linux-cross.cmake)
