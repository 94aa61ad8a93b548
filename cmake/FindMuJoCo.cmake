# Finds the MuJoCo library and headers and defines the imported target MuJoCo::MuJoCo.
#
# Looked for in the first of these that is there:
#   MUJOCO_DIR (CMake or environment variable): a folder with include/mujoco/mujoco.h, and libmujoco in it,
#     in lib/ or in a folder of lib/ (Debian's lib/x86_64-linux-gnu)
#   the `mujoco` package of the Python interpreter named by Python3_EXECUTABLE (else the python3 on PATH)
#   /usr, where Debian's libmujoco-dev would be, which is too old
#
# The header says the version. The library must be of that version by its name: libmujoco.so.X.Y.Z, which is
# all that the wheel has, or an unversioned link that leads to such a file. Any other beside it is left alone:
# structs differ between versions, and nothing else would notice.

# ---- the folder

set(_mujoco_root)
foreach(_dir IN ITEMS "${MUJOCO_DIR}" "$ENV{MUJOCO_DIR}")
  if(_dir AND NOT _mujoco_root)
    if(NOT EXISTS "${_dir}/include/mujoco/mujoco.h")
      message(FATAL_ERROR "MUJOCO_DIR is ${_dir}, but ${_dir}/include/mujoco/mujoco.h does not exist")
    endif()
    set(_mujoco_root "${_dir}")
  endif()
endforeach()

if(NOT _mujoco_root)
  set(_mujoco_python "${Python3_EXECUTABLE}")
  if(NOT _mujoco_python)
    set(_mujoco_python python3)
  endif()
  execute_process(
    COMMAND "${_mujoco_python}" -c
            "import importlib.util as u; s = u.find_spec('mujoco'); print(s.submodule_search_locations[0] if s else '')"
    OUTPUT_VARIABLE _mujoco_package OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  foreach(_dir IN ITEMS "${_mujoco_package}" /usr)
    if(_dir AND NOT _mujoco_root AND EXISTS "${_dir}/include/mujoco/mujoco.h")
      set(_mujoco_root "${_dir}")
    endif()
  endforeach()
endif()

# ---- the version of the header

# Numbers count as 3MMMPPP since 3.0 (3017000), as three digits before (222).
function(_mujoco_version_of root out)
  file(STRINGS "${root}/include/mujoco/mujoco.h" line REGEX "#define mjVERSION_HEADER +[0-9]+")
  string(REGEX MATCH "[0-9]+" number "${line}")
  if(NOT number)
    message(FATAL_ERROR "${root}/include/mujoco/mujoco.h does not say its mjVERSION_HEADER")
  endif()
  set(base 10)
  if(number GREATER 100000)
    set(base 1000)
  endif()
  math(EXPR major "${number} / (${base} * ${base})")
  math(EXPR minor "${number} / ${base} % ${base}")
  math(EXPR patch "${number} % ${base}")
  set(${out} "${major}.${minor}.${patch}" PARENT_SCOPE)
endfunction()

set(_mujoco_reason "run `make build`, which installs mujoco==3.17.0 into .venv, or set MUJOCO_DIR")
set(MuJoCo_INCLUDE_DIR)
set(MuJoCo_LIBRARY)
set(MuJoCo_VERSION)
if(_mujoco_root)
  set(MuJoCo_INCLUDE_DIR "${_mujoco_root}/include")
  _mujoco_version_of("${_mujoco_root}" MuJoCo_VERSION)
  if(MuJoCo_VERSION VERSION_LESS 3)
    message(FATAL_ERROR
      "MuJoCo ${MuJoCo_VERSION} in ${_mujoco_root} (Debian's libmujoco-dev is 2.2.2) is too old. Install the "
      "wheel (pip install -c constraints.txt mujoco) or point MUJOCO_DIR at a 3.17.0 release.")
  endif()

  # ---- the library of that version

  set(_mujoco_names "libmujoco.so.${MuJoCo_VERSION}" "libmujoco.${MuJoCo_VERSION}.dylib")
  set(_mujoco_found)
  set(_mujoco_others)
  file(GLOB _mujoco_folders LIST_DIRECTORIES true "${_mujoco_root}/lib/*")
  foreach(_dir IN ITEMS "${_mujoco_root}" "${_mujoco_root}/lib" LISTS _mujoco_folders)
    file(GLOB _mujoco_libraries "${_dir}/libmujoco.so*" "${_dir}/libmujoco*.dylib")
    foreach(_library IN LISTS _mujoco_libraries)
      file(REAL_PATH "${_library}" _mujoco_real)
      get_filename_component(_mujoco_name "${_library}" NAME)
      get_filename_component(_mujoco_real_name "${_mujoco_real}" NAME)
      if(NOT _mujoco_real_name IN_LIST _mujoco_names)
        list(APPEND _mujoco_others "${_library}")
      elseif(_mujoco_name IN_LIST _mujoco_names)
        list(PREPEND _mujoco_found "${_library}")
      else()
        list(APPEND _mujoco_found "${_mujoco_real}")  # a program finds the file by its full name only
      endif()
    endforeach()
  endforeach()
  if(_mujoco_found)
    list(GET _mujoco_found 0 MuJoCo_LIBRARY)
  else()
    set(_mujoco_reason "the header in ${_mujoco_root} is of ${MuJoCo_VERSION}, and no library beside it is")
    if(_mujoco_others)
      list(JOIN _mujoco_others ", " _mujoco_others)
      string(APPEND _mujoco_reason " (there is ${_mujoco_others})")
    endif()
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MuJoCo
  REQUIRED_VARS MuJoCo_LIBRARY MuJoCo_INCLUDE_DIR
  VERSION_VAR MuJoCo_VERSION
  REASON_FAILURE_MESSAGE "${_mujoco_reason}")

if(MuJoCo_FOUND AND NOT TARGET MuJoCo::MuJoCo)
  get_filename_component(MuJoCo_LIBRARY_DIR "${MuJoCo_LIBRARY}" DIRECTORY)
  add_library(MuJoCo::MuJoCo SHARED IMPORTED)
  set_target_properties(MuJoCo::MuJoCo PROPERTIES
    IMPORTED_LOCATION "${MuJoCo_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${MuJoCo_INCLUDE_DIR}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${MuJoCo_INCLUDE_DIR}")
endif()
