# Writes OUT, the source that knows the commit. Touches it only when the text changes, so that a build
# with nothing new compiles nothing. Without git the commit reads "unknown".
execute_process(COMMAND git -C ${SOURCE} describe --always --dirty --abbrev=12
  OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE code)
if(NOT code EQUAL 0 OR NOT commit)
  set(commit unknown)
endif()
set(text "#include \"cli/version.h\"\n\nnamespace palaestra::cli {\n\nconst char* const kCommit = \"${commit}\";\nconst char* const kVersion = \"${VERSION}\";\n\n}  // namespace palaestra::cli\n")
if(EXISTS ${OUT})
  file(READ ${OUT} old)
endif()
if(NOT text STREQUAL "${old}")
  file(WRITE ${OUT} "${text}")
endif()
