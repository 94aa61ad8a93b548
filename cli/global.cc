#include <palaestra/cli/global.h>

#include <iostream>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/json.h>

namespace palaestra::cli {

void Global::set_json(const std::string& file) {
  if (!file.empty()) {
    const std::filesystem::path folder = std::filesystem::absolute(file).parent_path();
    std::error_code error;
    require(std::filesystem::is_directory(folder, error), "--json=", file, ": there is no folder ",
            folder.string());
  }
  json = file;
}

std::ostream& Global::human() const { return json ? std::cerr : std::cout; }

void Global::note(std::string_view text) const {
  if (!quiet) {
    std::cerr << "palaestra: " << text << std::endl;
  }
}

void Global::write_json(const Json& document) const {
  if (!json) {
    return;
  }
  const std::string text = json_text(document, 2) + "\n";
  if (!json->empty()) {
    write_atomically(*json, text);
    return;
  }
  std::cout << text << std::flush;
  require(std::cout.good(), "the JSON document could not be written to standard output");
}

std::string examples(std::initializer_list<std::string_view> lines) {
  std::string text = "Examples:";
  for (const std::string_view line : lines) {
    text += concat("\n  palaestra ", line);
  }
  return text;
}

}  // namespace palaestra::cli
