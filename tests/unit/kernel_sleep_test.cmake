# So that a report has the names of functions.
# SPDX-License-Identifier: BSL-1.0
set_target_properties(${test_target} PROPERTIES ENABLE_EXPORTS ON)
