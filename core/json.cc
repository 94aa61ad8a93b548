#include <palaestra/core/json.h>

namespace palaestra {

Json parse_json(std::string_view text, const Json::parser_callback_t& watch) {
  return Json::parse(text, watch);
}

Json try_parse_json(std::string_view text) {
  return Json::parse(text, nullptr, /*allow_exceptions=*/false);
}

std::string json_text(const Json& json, int indent) { return json.dump(indent); }

}  // namespace palaestra
