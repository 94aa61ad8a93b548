# cmake -DOUTPUT=... -DSOURCE=... -DFILES=a;b -P embed.cmake
# Writes the experiments and the records they compare with as text in a C++ source, so that the
# command finds them wherever it is installed.
set(entries "")
foreach(file ${FILES})
  file(READ ${SOURCE}/${file} text)
  string(APPEND entries "    {\"${file}\", R\"~embedded~(${text})~embedded~\"},\n")
endforeach()
file(WRITE ${OUTPUT} "#include <palaestra/experiments/registry.h>

namespace palaestra::experiments {

const std::map<std::string, std::string>& embedded_files() {
  static const std::map<std::string, std::string> kFiles = {
${entries}  };
  return kFiles;
}

}  // namespace palaestra::experiments
")
