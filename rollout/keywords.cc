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

/// A number where the whole text is one, else the text: whether that is accepted, the environment
/// knows.
envs::Keyword read_value(std::string_view name, std::string_view text) {
  if (text == "true") return 1.0;
  if (text == "false") return 0.0;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() && (error == std::errc::invalid_argument || end != text.data() + text.size())) {
    return std::string(text);
  }
  require(error == std::errc() && std::isfinite(value), "environment option ", name, " is \"", text,
          "\"; accepted: a finite number, true, false or text");
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
            "\" is not of the form name=value");
    const bool added =
        keywords.emplace(name, read_value(name, trimmed(item.substr(equals + 1)))).second;
    require(added, "environment option ", name, " is given twice");
  }
  return keywords;
}

envs::EnvSpec find_spec(std::string_view env, std::string_view options) {
  return envs::find(env).spec(parse_keywords(options));
}

envs::EnvSpec find_spec(std::string_view env, std::string_view options,
                        const envs::Wrappers& wrappers) {
  return envs::wrapped(find_spec(env, options), wrappers);
}

}  // namespace palaestra::rollout
