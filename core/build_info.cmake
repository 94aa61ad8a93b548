# cmake -DOUTPUT=... -DSOURCE=... -DVERSION=... -P build_info.cmake
# Writes the version and the git commit as a header, and touches it only when they changed. A source
# tree that is not itself a git checkout (a tarball, a copy inside another project) has no commit.
set(commit "unknown")
find_package(Git QUIET)
if(GIT_FOUND AND EXISTS ${SOURCE}/.git)
  execute_process(
    COMMAND ${GIT_EXECUTABLE} -C ${SOURCE} describe --always --dirty --abbrev=12 --exclude=*
    OUTPUT_VARIABLE described OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE failed)
  if(NOT failed AND described MATCHES "^[0-9a-f]+(-dirty)?$")
    set(commit "${described}")
  endif()
endif()
file(CONFIGURE OUTPUT ${OUTPUT} @ONLY CONTENT [[
#pragma once
inline constexpr char kBuildVersion[] = "@VERSION@";
inline constexpr char kBuildCommit[] = "@commit@";
]])
