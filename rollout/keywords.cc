#include <palaestra/rollout/keywords.h>

#include <charconv>
#include <cmath>
#include <string>

#include <palaestra/core/error.h>

namespace palaestra::rollout {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t";
  const auto begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

double number(std::string_view name, std::string_view text) {
  if (text == "true") return 1;
  if (text == "false") return 0;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  require(error == std::errc() && end == text.data() + text.size() && std::isfinite(value),
          "environment option ", name, " is \"", text, "\"; accepted: a number, true or false");
  return value;
}

}  // namespace

envs::Keywords parse_keywords(std::string_view text) {
  envs::Keywords keywords;
  while (!trimmed(text).empty()) {
    const auto comma = text.find(',');
    const std::string_view item = trimmed(text.substr(0, comma));
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 1);
    const auto equals = item.find('=');
    const std::string_view name = trimmed(item.substr(0, equals));
    require(equals != std::string_view::npos && !name.empty(), "environment option \"", item,
            "\" is not of the form name=number");
    const bool added =
        keywords.emplace(name, number(name, trimmed(item.substr(equals + 1)))).second;
    require(added, "environment option ", name, " is given twice");
  }
  return keywords;
}

envs::EnvSpec find_spec(std::string_view env, std::string_view options) {
  return envs::find(env).spec(parse_keywords(options));
}

}  // namespace palaestra::rollout
