#pragma once

#include <string>

#include <toml++/toml.h>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::experiments {

/// A text, number or truth value of a TOML file as it is typed on a command line; empty for
/// anything else.
inline std::string text_of(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) {
    return *text;
  }
  if (const auto whole = node.value_exact<std::int64_t>()) {
    return concat(*whole);
  }
  if (const auto number = node.value_exact<double>()) {
    return to_text(*number);
  }
  if (const auto flag = node.value_exact<bool>()) {
    return *flag ? "true" : "false";
  }
  return {};
}

}  // namespace palaestra::experiments
