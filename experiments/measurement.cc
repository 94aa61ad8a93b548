#include <palaestra/experiments/measurement.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <numeric>

#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/hash.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>

namespace palaestra::experiments {
namespace {

namespace fs = std::filesystem;

double number_in(const Json& object, const char* key) {
  require(object.is_object() && object.contains(key) && object[key].is_number(), "no number ", key,
          " in ", shown(json_text(object)));
  return object[key].get<double>();
}

std::string text_in(const Json& object, const char* key) {
  require(object.is_object() && object.contains(key) && object[key].is_string(), "no text ", key,
          " in ", shown(json_text(object)));
  return object[key].get<std::string>();
}

std::string hash_of(const fs::path& file) {
  Sha256 hash;
  hash.update(std::as_bytes(std::span<const char>(read_text(file))));
  return hash.hex();
}

/// The objects of a file of JSON lines.
std::vector<Json> lines_of(const fs::path& file) {
  std::vector<Json> lines;
  const std::string text = read_text(file);
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    lines.push_back(try_parse_json(text.substr(begin, end - begin)));
    require(lines.back().is_object(), file.string(), " has a line that is no JSON object");
    begin = end + 1;
  }
  return lines;
}

/// A number of metrics.jsonl as a curve. Lines from before the first update do not have those of
/// updates; numbers that were not finite are null.
void add_logged(const std::vector<Json>& lines, const std::string& name, Measurement& to) {
  Curve curve;
  for (const Json& line : lines) {
    if (line.contains(name) && line[name].is_number()) {
      curve.step.push_back(number_in(line, "step"));
      curve.value.push_back(line[name].get<double>());
    }
  }
  require(!curve.value.empty(), "metrics.jsonl has no number ", shown(name));
  to.numbers[name] = curve.value.back();
  to.curves[name] = std::move(curve);
}

/// What a training counted, as its last line of metrics.jsonl has it: the agent's steps (offline:
/// updates), episodes, gradient steps, and of imitation the discriminator's and its rounds.
void add_counts(const Json& last, Measurement& to) {
  for (const char* name : {"steps", "episodes", "updates", "discriminator_updates", "rounds"}) {
    const char* key = std::string_view(name) == "steps" ? "step" : name;
    if (last.contains(key) && last[key].is_number()) {
      to.numbers[name] = last[key].get<double>();
    }
  }
}

/// The curve of a policy's evaluations, and what comes of it: the last one, the mean of the last
/// five and of all. `prefix` is empty for the agent's own policy, else its name and "/".
void add_curve(const std::string& prefix, Curve curve, Measurement& to) {
  constexpr std::size_t kLast = 5;
  const auto mean_from = [&](std::size_t first) {
    return std::accumulate(curve.value.begin() + static_cast<std::ptrdiff_t>(first),
                           curve.value.end(), 0.0) /
           static_cast<double>(curve.value.size() - first);
  };
  to.numbers[prefix + "final_return"] = curve.value.back();
  to.numbers[prefix + "late_return"] =
      mean_from(curve.value.size() - std::min(kLast, curve.value.size()));
  to.numbers[prefix + "mean_return"] = mean_from(0);
  to.curves[prefix + "return"] = std::move(curve);
}

}  // namespace

void read_train(const fs::path& run, Measurement& to, const std::vector<std::string>& logged) {
  constexpr std::string_view kMean = "return_mean";
  std::map<std::string, Curve> curves;
  for (const Json& line : lines_of(run / "eval.jsonl")) {
    const double step = number_in(line, "step");
    number_in(line, kMean.data());  // of the agent's own policy, in every line
    for (const auto& [key, value] : line.items()) {
      if (key == kMean || key.ends_with(concat('/', kMean))) {
        Curve& curve = curves[key.substr(0, key.size() - kMean.size())];
        curve.step.push_back(step);
        curve.value.push_back(number_in(line, key.c_str()));
      }
    }
  }
  require(!curves.empty(), run.string(), " was never evaluated");
  // what processes took that were stopped before this one, the last of them, went on
  if (fs::exists(run / "meta.json")) {
    const Json meta = try_parse_json(read_text(run / "meta.json"));
    to.cpu_s = std::max(to.cpu_s, number_in(meta, "cpu_s"));
  }
  if (!logged.empty() || fs::exists(run / "metrics.jsonl")) {
    const std::vector<Json> lines = lines_of(run / "metrics.jsonl");
    if (!lines.empty()) {
      add_counts(lines.back(), to);
    }
    for (const std::string& name : logged) {
      add_logged(lines, name, to);
    }
  }
  for (auto& [prefix, curve] : curves) {
    add_curve(prefix, std::move(curve), to);
  }
  to.numbers["cpu_s"] = to.cpu_s;
  to.texts["weights_sha256"] = hash_of(run / "final.safetensors");
}

void read_rollout(const Json& document, Measurement& to) {
  to.texts["hash"] = text_in(document, "hash");
  to.numbers["steps_per_s"] = number_in(document, "steps_per_s");
  if (document.contains("return_mean") && document["return_mean"].is_number()) {
    to.numbers["return_mean"] = number_in(document, "return_mean");
  }
}

void read_bench(const Json& document, Measurement& to) {
  require(document.is_object() && document.contains("rows") && document["rows"].is_array(),
          "no rows of measurements in ", shown(json_text(document)));
  for (const Json& row : document["rows"]) {
    const auto n = static_cast<Index>(number_in(row, "n"));
    const std::string name = concat(text_in(row, "name"), " n=", n);
    to.numbers[name] = number_in(row, "value");
    if (row.contains("share_of_limit") && row["share_of_limit"].is_number()) {
      to.numbers[name + ":share_of_limit"] = number_in(row, "share_of_limit");
    }
    if (row.contains("ratio") && row["ratio"].is_number()) {
      to.numbers[concat(name, ":ratio:", text_in(row, "peer"))] = number_in(row, "ratio");
    }
  }
}

std::vector<Measurement> read_record(const std::string& text, const std::string& implementation,
                                     Index most, Index last_step) {
  const Json record = try_parse_json(text);
  require(record.is_array(), "a record of curves is no JSON list");
  std::vector<Measurement> runs;
  for (const Json& row : record) {
    if (text_in(row, "implementation") != implementation) {
      continue;
    }
    Measurement run;
    run.seed = static_cast<Index>(number_in(row, "seed"));
    require(row.contains("curve") && row["curve"].is_object(), "a record without a curve");
    std::vector<std::pair<double, double>> points;
    for (const auto& [step, value] : row["curve"].items()) {
      const double at = std::strtod(step.c_str(), nullptr);
      require(value.is_number(), "a curve's value at step ", step, " is no number");
      if (last_step == 0 || at <= static_cast<double>(last_step)) {
        points.emplace_back(at, value.get<double>());
      }
    }
    if (points.empty()) {
      continue;
    }
    std::ranges::sort(points);
    Curve& curve = run.curves["return"];
    for (const auto& [step, value] : points) {
      curve.step.push_back(step);
      curve.value.push_back(value);
    }
    run.numbers["final_return"] = curve.value.back();
    runs.push_back(std::move(run));
  }
  std::ranges::sort(runs, {}, &Measurement::seed);
  runs.resize(std::min(runs.size(), static_cast<std::size_t>(most)));
  return runs;
}

Json to_json(const Measurement& m) {
  Json curves = Json::object();
  for (const auto& [name, curve] : m.curves) {
    curves[name] = {{"step", curve.step}, {"value", curve.value}};
  }
  return {{"arm", m.arm},         {"seed", m.seed},   {"command", m.command},
          {"problem", m.problem}, {"cpu_s", m.cpu_s}, {"wall_s", m.wall_s},
          {"numbers", m.numbers}, {"texts", m.texts}, {"curves", curves}};
}

namespace {

/// What was computed; throws Json::exception and UserError for anything else.
void read_values(const Json& document, Measurement& m) {
  m.numbers = document.at("numbers").get<std::map<std::string, double>>();
  m.texts = document.at("texts").get<std::map<std::string, std::string>>();
  const Json& curves = document.at("curves");
  require(curves.is_object(), "this is no result of an arm: its curves are no object");
  for (const auto& [name, curve] : curves.items()) {
    m.curves[name] = {curve.at("step").get<std::vector<double>>(),
                      curve.at("value").get<std::vector<double>>()};
    require(m.curves[name].step.size() == m.curves[name].value.size(),
            "a curve with as many steps as values is expected");
  }
}

}  // namespace

void read_study(const Json& document, Measurement& to) {
  try {
    read_values(document, to);
  } catch (const Json::exception& error) {
    throw UserError(concat("this is no result of a study: ", error.what()));
  }
}

Measurement measurement_from(const Json& document) {
  Measurement m;
  try {
    m.arm = document.at("arm").get<std::string>();
    m.seed = document.at("seed").get<Index>();
    m.command = document.at("command").get<std::string>();
    m.problem = document.at("problem").get<std::string>();
    m.cpu_s = document.at("cpu_s").get<double>();
    m.wall_s = document.at("wall_s").get<double>();
    read_values(document, m);
  } catch (const Json::exception& error) {
    throw UserError(concat("this is no result of an arm: ", error.what()));
  }
  return m;
}

}  // namespace palaestra::experiments
