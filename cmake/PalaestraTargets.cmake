# What every target of the project shares: language level, instruction set, warnings, sanitizers,
# and the include path that makes <palaestra/core/error.h> work in the build tree.

# Sources and headers lie side by side, so one link is the whole include tree.
set(PALAESTRA_INCLUDE_DIR ${PROJECT_BINARY_DIR}/include)
file(MAKE_DIRECTORY ${PALAESTRA_INCLUDE_DIR})
file(CREATE_LINK ${PROJECT_SOURCE_DIR} ${PALAESTRA_INCLUDE_DIR}/palaestra SYMBOLIC)

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)

find_program(PALAESTRA_CCACHE ccache)
mark_as_advanced(PALAESTRA_CCACHE)
if(PALAESTRA_CCACHE AND PALAESTRA_DEVELOPER)
  set(CMAKE_C_COMPILER_LAUNCHER ${PALAESTRA_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PALAESTRA_CCACHE})
endif()

add_library(palaestra_options INTERFACE)
# -fno-math-errno is worth 8x on Adam; -ffast-math is never used: it deletes NaN checks.
target_compile_options(palaestra_options INTERFACE
  -march=x86-64-v3 -fno-math-errno -fno-trapping-math)
# The compiler looks for memory to use again only beyond a gigabyte: a tenth of its time.
target_compile_options(palaestra_options INTERFACE
  $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=1000000>)
if(PALAESTRA_DEVELOPER)
  target_compile_options(palaestra_options INTERFACE
    -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
endif()
if(PALAESTRA_SANITIZER STREQUAL "address")
  target_compile_options(palaestra_options INTERFACE
    -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  target_link_options(palaestra_options INTERFACE -fsanitize=address,undefined)
elseif(PALAESTRA_SANITIZER STREQUAL "thread")
  target_compile_options(palaestra_options INTERFACE -fsanitize=thread -fno-omit-frame-pointer)
  target_link_options(palaestra_options INTERFACE -fsanitize=thread)
elseif(PALAESTRA_SANITIZER STREQUAL "fuzzer")  # clang's; see tests/fuzz
  target_compile_options(palaestra_options INTERFACE
    -fsanitize=address,undefined,fuzzer-no-link -fno-sanitize-recover=undefined
    -fno-omit-frame-pointer)
  target_compile_definitions(palaestra_options INTERFACE
    FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION)
  target_link_options(palaestra_options INTERFACE -fsanitize=address,undefined)
elseif(PALAESTRA_SANITIZER)
  message(FATAL_ERROR
    "PALAESTRA_SANITIZER is ${PALAESTRA_SANITIZER}; accepted: address, thread, fuzzer")
endif()

# palaestra_precompile(TARGET [headers...])
# Reads the standard headers that most sources include, and those given, once per target instead of
# once per source. Builds without it hold sources to including
# what they use. Sources of other
# instruction sets than their target's have SKIP_PRECOMPILE_HEADERS.
option(PALAESTRA_PRECOMPILE "Precompiled headers and joined sources: a shorter build from nothing" ON)
function(palaestra_precompile target)
  if(NOT PALAESTRA_PRECOMPILE)
    return()
  endif()
  target_precompile_headers(${target} PRIVATE
    <algorithm> <array> <cmath> <cstdint> <cstring> <filesystem> <functional> <limits> <map>
    <memory> <numeric> <optional> <set> <span> <sstream> <stdexcept> <string> <string_view>
    <tuple> <utility> <variant> <vector> ${ARGN})
endfunction()

# palaestra_join(TARGET COUNT)
# Compiles a target's sources in groups of COUNT: for those that are thin over large headers, whose
# inline functions would be compiled anew for each.
function(palaestra_join target count)
  if(PALAESTRA_PRECOMPILE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${count})
  endif()
endfunction()

# palaestra_join_group(TARGET NAME SOURCES...)
# The same for some of its sources, in one group.
function(palaestra_join_group target name)
  if(PALAESTRA_PRECOMPILE)
    set_target_properties(${target} PROPERTIES UNITY_BUILD ON UNITY_BUILD_MODE GROUP)
    set_source_files_properties(${ARGN} PROPERTIES UNITY_GROUP ${name})
    # GCC takes a joined source for a header, whose types must not hold some of its own.
    target_compile_options(${target} PRIVATE
      $<$<CXX_COMPILER_ID:GNU>:-Wno-subobject-linkage>)
  endif()
endfunction()

# palaestra_light(TARGET)
# For code that calls what takes time and takes none itself: less work for the optimiser. Whole
# targets only: GCC 12 may crash over headers precompiled at another level.
function(palaestra_light target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
endfunction()

# palaestra_layer(NAME SOURCES... [DEPENDS targets...] [PRIVATE_DEPENDS targets...]
#                 [PRECOMPILE headers...])
# One folder, one target palaestra_NAME, known to consumers as palaestra::NAME.
function(palaestra_layer name)
  cmake_parse_arguments(LAYER "" "" "SOURCES;DEPENDS;PRIVATE_DEPENDS;PRECOMPILE" ${ARGN})
  add_library(palaestra_${name} STATIC ${LAYER_SOURCES})
  add_library(palaestra::${name} ALIAS palaestra_${name})
  set_target_properties(palaestra_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(palaestra_${name} PUBLIC cxx_std_20)
  target_include_directories(palaestra_${name} PUBLIC
    $<BUILD_INTERFACE:${PALAESTRA_INCLUDE_DIR}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(palaestra_${name}
    PUBLIC ${LAYER_DEPENDS}
    PRIVATE $<BUILD_INTERFACE:palaestra_options> ${LAYER_PRIVATE_DEPENDS})
  palaestra_precompile(palaestra_${name} ${LAYER_PRECOMPILE})
  set_property(GLOBAL APPEND PROPERTY PALAESTRA_LAYERS palaestra_${name})
endfunction()

# palaestra_test_executable(NAME SOURCES... [DEPENDS targets...] [PRECOMPILE headers...])
# The sources with doctest's main function (tests/CMakeLists.txt).
function(palaestra_test_executable name)
  cmake_parse_arguments(TEST "" "" "SOURCES;DEPENDS;PRECOMPILE" ${ARGN})
  add_executable(${name} ${TEST_SOURCES} $<TARGET_OBJECTS:palaestra_test_main>)
  target_link_libraries(${name} PRIVATE ${TEST_DEPENDS} palaestra_options doctest::doctest)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR})
  palaestra_test_options(${name})
  if(TEST_PRECOMPILE)
    palaestra_precompile(${name} <doctest/doctest.h> ${TEST_PRECOMPILE})
  elseif(PALAESTRA_PRECOMPILE)
    target_precompile_headers(${name} REUSE_FROM palaestra_test_main)
  endif()
endfunction()

# palaestra_test_options(TARGET)
# A fifth less to compile than at -O1; what is tested is optimised in its own library.
function(palaestra_test_options target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-Og>)
endfunction()

# palaestra_test(FOLDER SOURCES... [DEPENDS targets...] [PRECOMPILE headers...])
# One executable per folder; ctest runs it as one test named after the folder.
function(palaestra_test name)
  palaestra_test_executable(${name}_tests ${ARGN})
  add_test(NAME ${name} COMMAND ${name}_tests)
  # Seven threads on two cores: idle ones should sleep, see docs/architecture.md.
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "GOMP_SPINCOUNT=2000")
endfunction()
