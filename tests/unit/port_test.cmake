# SPDX-License-Identifier: BSL-1.0
target_link_libraries(${test_target} PRIVATE coir_port)
