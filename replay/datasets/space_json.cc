#include <palaestra/replay/datasets/space_json.h>

#include <cctype>
#include <cmath>
#include <limits>

#include <palaestra/core/error.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>

namespace palaestra::replay {
namespace {

constexpr std::size_t kLongestJson = std::size_t{64} << 20;
constexpr int kDeepestJson = 64;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Puts the words that Python's json writes for numbers without a decimal form into quotes.
std::string quote_infinities(const std::string& text) {
  std::string out;
  out.reserve(text.size());
  bool in_text = false;
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (in_text && c == '\\' && i + 1 < text.size()) {
      out.append(text, i, 2);
      i += 2;
      continue;
    }
    in_text = in_text != (c == '"');
    if (!in_text && (c == 'I' || c == 'N' || c == '-')) {
      bool found = false;
      for (const std::string_view word : {"Infinity", "-Infinity", "NaN"}) {
        if (text.compare(i, word.size(), word) == 0) {
          out.append("\"").append(word).append("\"");
          i += word.size();
          found = true;
          break;
        }
      }
      if (found) {
        continue;
      }
    }
    out.push_back(c);
    ++i;
  }
  return out;
}

double number_of(const Json& json, const std::string& what) {
  if (json.is_number()) {
    return json.get<double>();
  }
  if (json.is_boolean()) {
    return json.get<bool>() ? 1 : 0;
  }
  const std::string word = json.is_string() ? json.get<std::string>() : "";
  if (word == "Infinity") {
    return kInfinity;
  }
  if (word == "-Infinity") {
    return -kInfinity;
  }
  throw UserError(concat(what, ": a bound is ", shown(json_text(json)), "; accepted: numbers"));
}

void flatten(const Json& json, std::vector<double>& out, std::size_t most,
             const std::string& what) {
  if (json.is_array()) {
    for (const Json& item : json) {
      flatten(item, out, most, what);
    }
    return;
  }
  require(out.size() < most, what, ": a box has more bounds than elements");
  out.push_back(number_of(json, what));
}

const Json& member(const Json& json, const char* name, const std::string& what) {
  const auto found = json.find(name);
  require(found != json.end(), what, ": a space has no \"", name, "\"");
  return *found;
}

std::string text_of(const Json& json, const char* name, const std::string& what) {
  const Json& value = member(json, name, what);
  require(value.is_string(), what, ": \"", name, "\" of a space is no text");
  return value.get<std::string>();
}

Index index_of(const Json& json, const char* name, const std::string& what) {
  const Json& value = member(json, name, what);
  require(value.is_number_integer(), what, ": \"", name, "\" of a space is no whole number");
  return value.get<Index>();
}

std::optional<DType> dtype_of(const std::string& name) {
  for (const DType dtype : {DType::kFloat32, DType::kFloat64, DType::kInt64, DType::kInt32,
                            DType::kUint8, DType::kBool}) {
    if (name_of(dtype) == name) {
      return dtype;
    }
  }
  return {};
}

std::optional<Space> parse_box(const Json& json, const std::string& what) {
  const auto dtype = dtype_of(text_of(json, "dtype", what));
  if (!dtype) {
    return {};
  }
  Space space;
  space.dtype = *dtype;
  std::uint64_t elements = 1;
  const Json& shape = member(json, "shape", what);
  require(shape.is_array(), what, ": the shape of a box is no list");
  for (const Json& extent : shape) {
    require(extent.is_number_integer() && extent.get<Index>() >= 0 &&
                extent.get<Index>() < (Index{1} << 32),
            what, ": the shape of a box is ", shown(json_text(shape)));
    elements *= extent.get<std::uint64_t>();
    // each element has its bounds in the text
    require(elements <= kLongestJson, what, ": a box has too many elements");
    space.shape.push_back(extent.get<Index>());
  }
  flatten(member(json, "low", what), space.low, elements, what);
  flatten(member(json, "high", what), space.high, elements, what);
  require(space.low.size() == elements && space.high.size() == elements, what, ": a box of ",
          elements, " elements has ", space.low.size(), " and ", space.high.size(), " bounds");
  return space;
}

void add_leaves(const Json& json, const std::string& name, const std::string& what, int depth,
                std::vector<SpaceLeaf>& leaves) {
  require(json.is_object() && depth < 16, what, ": a space is no object, or nested too deeply");
  SpaceLeaf leaf{.name = name, .type = text_of(json, "type", what), .space = {}, .start = 0};
  if (leaf.type == "Dict") {
    const Json& parts = member(json, "subspaces", what);
    require(parts.is_object(), what, ": the parts of a Dict are no object");
    for (const auto& [key, part] : parts.items()) {
      add_leaves(part, concat(name, "/", key), what, depth + 1, leaves);
    }
    return;
  }
  if (leaf.type == "Tuple") {
    const Json& parts = member(json, "subspaces", what);
    require(parts.is_array(), what, ": the parts of a Tuple are no list");
    for (std::size_t i = 0; i < parts.size(); ++i) {
      add_leaves(parts[i], concat(name, "/_index_", i), what, depth + 1, leaves);
    }
    return;
  }
  if (leaf.type == "Box") {
    leaf.space = parse_box(json, what);
  } else if (leaf.type == "Discrete") {
    const Index count = index_of(json, "n", what);
    require(count >= 1, what, ": a Discrete space has ", count, " choices");
    leaf.space = Space::discrete(count);
    leaf.start = json.contains("start") ? index_of(json, "start", what) : 0;
  }
  leaves.push_back(std::move(leaf));
}

// ---- writing

std::string number_text(double value, DType dtype) {
  if (std::isinf(value)) {
    return value > 0 ? "Infinity" : "-Infinity";
  }
  const bool real = dtype == DType::kFloat32 || dtype == DType::kFloat64;
  return real ? to_text(value) : concat(static_cast<Index>(value));
}

/// Nested lists of `values`, as NumPy's tolist() makes them.
void append_list(std::string& out, const std::vector<std::string>& values,
                 const std::vector<Index>& shape, std::size_t axis, std::size_t& next) {
  if (axis == shape.size()) {
    out += values[next++];
    return;
  }
  out += "[";
  for (Index i = 0; i < shape[axis]; ++i) {
    out += i == 0 ? "" : ", ";
    append_list(out, values, shape, axis + 1, next);
  }
  out += "]";
}

std::string list_text(const std::vector<std::string>& values, const std::vector<Index>& shape) {
  std::string out;
  std::size_t next = 0;
  append_list(out, values, shape, 0, next);
  return out;
}

std::string shape_list(const std::vector<Index>& shape) {
  std::vector<std::string> parts;
  parts.reserve(shape.size());
  for (const Index extent : shape) {
    parts.push_back(concat(extent));
  }
  return concat("[", join(parts, ", "), "]");
}

/// The bounds that a box without known ones has.
std::pair<std::string, std::string> widest(DType dtype) {
  switch (dtype) {
    case DType::kUint8:
      return {"0", "255"};
    case DType::kInt32:
      return {"-2147483648", "2147483647"};
    case DType::kInt64:
      return {"-9223372036854775808", "9223372036854775807"};
    default:
      return {"-Infinity", "Infinity"};
  }
}

std::string leaf_text(const DataColumn& column) {
  if (column.space && column.space->kind == Space::Kind::kDiscrete) {
    return concat("{\"type\": \"Discrete\", \"dtype\": \"int64\", \"start\": ", column.start,
                  ", \"n\": ", column.space->count, "}");
  }
  const auto elements = static_cast<std::size_t>(column.width());
  if (column.dtype == DType::kBool && column.shape.size() == 1) {
    return concat("{\"type\": \"MultiBinary\", \"n\": ", column.shape[0], "}");
  }
  const DType dtype = column.dtype == DType::kBool ? DType::kUint8 : column.dtype;
  const auto [lowest, highest] = widest(dtype);
  std::vector<std::string> low(elements, lowest), high(elements, highest);
  if (column.space && column.space->low.size() == elements) {
    for (std::size_t i = 0; i < elements; ++i) {
      low[i] = number_text(column.space->low[i], dtype);
      high[i] = number_text(column.space->high[i], dtype);
    }
  }
  return concat("{\"type\": \"Box\", \"dtype\": \"", name_of(dtype),
                "\", \"shape\": ", shape_list(column.shape),
                ", \"low\": ", list_text(low, column.shape),
                ", \"high\": ", list_text(high, column.shape), "}");
}

/// The text of the space of everything under `prefix`.
std::string tree_text(const std::vector<const DataColumn*>& columns, const std::string& prefix) {
  if (columns.size() == 1 && columns.front()->name == prefix) {
    return leaf_text(*columns.front());
  }
  std::vector<std::pair<std::string, std::vector<const DataColumn*>>> parts;
  for (const DataColumn* column : columns) {
    const std::string rest = column->name.substr(prefix.size() + 1);
    const std::string key = rest.substr(0, rest.find('/'));
    if (parts.empty() || parts.back().first != key) {
      parts.push_back({key, {}});
    }
    parts.back().second.push_back(column);
  }
  const bool tuple = parts.front().first == "_index_0";
  std::string out =
      tuple ? "{\"type\": \"Tuple\", \"subspaces\": [" : "{\"type\": \"Dict\", \"subspaces\": {";
  for (std::size_t i = 0; i < parts.size(); ++i) {
    out += i == 0 ? "" : ", ";
    if (!tuple) {
      append_json_string(out, parts[i].first);
      out += ": ";
    }
    out += tree_text(parts[i].second, concat(prefix, "/", parts[i].first));
  }
  return out + (tuple ? "]}" : "}}");
}

}  // namespace

Json parse_json_object(const std::string& text, const std::string& what) {
  require(text.size() <= kLongestJson, what, " has ", text.size(), " bytes; accepted: up to ",
          kLongestJson);
  Json json;
  try {
    json = parse_json(quote_infinities(text), [&](int depth, Json::parse_event_t, Json&) {
      require(depth <= kDeepestJson, what, " is nested deeper than ", kDeepestJson, " levels");
      return true;
    });
  } catch (const Json::exception& error) {
    throw UserError(concat(what, " is no JSON: ", error.what()));
  }
  require(json.is_object(), what, " is no JSON object");
  return json;
}

std::vector<SpaceLeaf> parse_space(const std::string& text, const std::string& root,
                                   const std::string& what) {
  std::vector<SpaceLeaf> leaves;
  add_leaves(parse_json_object(text, what), root, what, 0, leaves);
  return leaves;
}

std::string space_text(const std::vector<DataColumn>& columns, const std::string& root) {
  std::vector<const DataColumn*> parts;
  for (const DataColumn& column : columns) {
    if (column.name == root || column.name.starts_with(concat(root, "/"))) {
      parts.push_back(&column);
    }
  }
  require(!parts.empty(), "a data set has no column called ", root);
  return tree_text(parts, root);
}

}  // namespace palaestra::replay
