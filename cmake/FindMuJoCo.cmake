# Finds the MuJoCo library and headers and defines the imported target MuJoCo::MuJoCo.
#
# Looked for, in this order:
#   MUJOCO_DIR (CMake or environment variable): a folder with include/mujoco/mujoco.h and libmujoco.so*
#   the `mujoco` package of the Python interpreter named by Python3_EXECUTABLE (else the python3 on PATH)
#
# The wheel carries only a fully versioned libmujoco.so.X.Y.Z, so the library is globbed. Debian's own
# libmujoco is 2.2.2 and its CMake config names a folder that does not exist; it is never used.

set(_mujoco_candidates)
foreach(_dir IN ITEMS "${MUJOCO_DIR}" "$ENV{MUJOCO_DIR}")
  if(_dir)
    if(NOT EXISTS "${_dir}/include/mujoco/mujoco.h")
      message(FATAL_ERROR "MUJOCO_DIR is ${_dir}, but ${_dir}/include/mujoco/mujoco.h does not exist")
    endif()
    list(APPEND _mujoco_candidates "${_dir}")
  endif()
endforeach()

if(NOT _mujoco_candidates)
  set(_mujoco_python "${Python3_EXECUTABLE}")
  if(NOT _mujoco_python)
    set(_mujoco_python python3)
  endif()
  execute_process(
    COMMAND "${_mujoco_python}" -c
            "import importlib.util as u; s = u.find_spec('mujoco'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE _mujoco_package OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(_mujoco_package)
    list(APPEND _mujoco_candidates "${_mujoco_package}")
  endif()
endif()

foreach(_dir IN LISTS _mujoco_candidates)
  if(NOT MuJoCo_LIBRARY)
    file(GLOB _mujoco_libraries "${_dir}/libmujoco.so*" "${_dir}/lib/libmujoco.so*"
         "${_dir}/libmujoco.*.dylib" "${_dir}/lib/libmujoco.*.dylib")
    if(_mujoco_libraries)
      list(GET _mujoco_libraries 0 MuJoCo_LIBRARY)
      set(MuJoCo_INCLUDE_DIR "${_dir}/include")
    endif()
  endif()
endforeach()

if(MuJoCo_INCLUDE_DIR)
  file(STRINGS "${MuJoCo_INCLUDE_DIR}/mujoco/mujoco.h" _mujoco_version
       REGEX "#define mjVERSION_HEADER +[0-9]+")
  string(REGEX REPLACE ".*mjVERSION_HEADER +([0-9]+).*" "\\1" _mujoco_number "${_mujoco_version}")
  # 3.x counts as 3MMMPPP (3017000), 2.x and earlier as a three-digit number (222)
  if(_mujoco_number GREATER 100000)
    math(EXPR _major "${_mujoco_number} / 1000000")
    math(EXPR _minor "${_mujoco_number} / 1000 % 1000")
    math(EXPR _patch "${_mujoco_number} % 1000")
  else()
    math(EXPR _major "${_mujoco_number} / 100")
    math(EXPR _minor "${_mujoco_number} / 10 % 10")
    math(EXPR _patch "${_mujoco_number} % 10")
  endif()
  set(MuJoCo_VERSION "${_major}.${_minor}.${_patch}")
  if(_major LESS 3)
    message(FATAL_ERROR
      "MuJoCo ${MuJoCo_VERSION} in ${MuJoCo_INCLUDE_DIR} is too old. Install the wheel "
      "(pip install -c constraints.txt mujoco) or point MUJOCO_DIR at a 3.17.0 release.")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MuJoCo
  REQUIRED_VARS MuJoCo_LIBRARY MuJoCo_INCLUDE_DIR
  VERSION_VAR MuJoCo_VERSION
  REASON_FAILURE_MESSAGE
    "run `make build`, which installs mujoco==3.17.0 into .venv, or set MUJOCO_DIR")

if(MuJoCo_FOUND AND NOT TARGET MuJoCo::MuJoCo)
  get_filename_component(MuJoCo_LIBRARY_DIR "${MuJoCo_LIBRARY}" DIRECTORY)
  add_library(MuJoCo::MuJoCo SHARED IMPORTED)
  set_target_properties(MuJoCo::MuJoCo PROPERTIES
    IMPORTED_LOCATION "${MuJoCo_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${MuJoCo_INCLUDE_DIR}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${MuJoCo_INCLUDE_DIR}")
endif()
