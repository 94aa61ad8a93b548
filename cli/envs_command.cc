#include <chrono>
#include <iomanip>
#include <iostream>
#include <memory>

#include <palaestra/envs/random_actions.h>
#include <palaestra/envs/registry.h>

#include "cli/commands.h"
#include "cli/options.h"

namespace palaestra::cli {
namespace {

using Json = nlohmann::ordered_json;

struct EnvsOptions : CommonOptions {
  std::string pattern;
  bool speed = true;
};

/// JSON has no infinities; they are written as texts.
Json number(double x) {
  if (std::isinf(x)) {
    return x > 0 ? "inf" : "-inf";
  }
  return x;
}

Json to_json(const Space& space) {
  Json json;
  json["text"] = to_string(space);
  json["dtype"] = name_of(space.dtype);
  if (space.kind == Space::Kind::kDiscrete) {
    json["kind"] = "discrete";
    json["n"] = space.count;
    return json;
  }
  json["kind"] = "box";
  json["shape"] = space.shape;
  for (const auto& [name, bound] : {std::pair{"low", &space.low}, std::pair{"high", &space.high}}) {
    json[name] = Json::array();
    for (const double x : *bound) {
      json[name].push_back(number(x));
    }
  }
  return json;
}

/// Environment steps per second of one thread over a tenth of a second, n = 64, random actions
/// drawn beforehand.
double measured_speed(const envs::Registration& registration) {
  const auto batch = registration.make({.size = 64}, {});
  envs::RandomActions actions(batch->spec(), 64, 0);
  actions.step(*batch, 0);
  const auto width = static_cast<std::size_t>(64 * batch->spec().action.size());
  const std::vector<std::int64_t> choices(width, 1);
  const std::vector<float> numbers(width, 0.3f);
  const bool discrete = batch->spec().action.kind == Space::Kind::kDiscrete;
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  std::chrono::duration<double> elapsed{};
  Index steps = 0;
  do {
    for (int i = 0; i < 8; ++i) {
      discrete ? batch->step(choices) : batch->step(numbers);
    }
    steps += 8 * 64;
    elapsed = Clock::now() - begin;
  } while (elapsed.count() < 0.1);
  return static_cast<double>(steps) / elapsed.count();
}

/// `*` stands for anything; without one the pattern may occur anywhere, in either case.
bool matches(const std::string& pattern, const std::string& id) {
  const auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  };
  const std::string p = lower(pattern), text = lower(id);
  if (p.find('*') == std::string::npos) {
    return text.find(p) != std::string::npos;
  }
  std::size_t at = 0, i = 0, star = std::string::npos, mark = 0;
  while (at < text.size()) {
    if (i < p.size() && p[i] == '*') {
      star = i++;
      mark = at;
    } else if (i < p.size() && p[i] == text[at]) {
      ++i, ++at;
    } else if (star != std::string::npos) {
      i = star + 1;
      at = ++mark;
    } else {
      return false;
    }
  }
  return p.find_first_not_of('*', i) == std::string::npos;
}

void run(const EnvsOptions& options) {
  Json document = Json::array();
  for (const envs::Registration& registration : envs::registrations()) {
    if (!matches(options.pattern, registration.id)) {
      continue;
    }
    const envs::EnvSpec spec = registration.spec({});
    document.push_back(
        {{"id", spec.id},
         {"family", spec.family},
         {"origin", spec.origin},
         {"summary", spec.summary},
         {"observation_space", to_json(spec.observation)},
         {"action_space", to_json(spec.action)},
         {"time_limit", spec.time_limit},
         {"deterministic", spec.deterministic},
         {"goal", spec.goal},
         {"oracle", spec.oracle},
         {"steps_per_s", options.speed ? Json(measured_speed(registration)) : Json()}});
  }
  if (document.empty()) {
    throw UserError(
        concat("no environment matches \"", options.pattern, "\" (palaestra envs lists all)"));
  }
  options.emit(document);
  if (options.json_on_stdout()) {
    return;
  }
  std::cout << std::left << std::setw(26) << "id" << std::setw(10) << "family" << std::setw(18)
            << "origin" << std::setw(8) << "limit" << std::setw(14) << "steps/s"
            << "oracle\n";
  for (const Json& env : document) {
    std::cout << std::setw(26) << env["id"].get<std::string>() << std::setw(10)
              << env["family"].get<std::string>() << std::setw(18)
              << env["origin"].get<std::string>() << std::setw(8) << env["time_limit"].get<Index>()
              << std::setw(14)
              << (env["steps_per_s"].is_null()
                      ? "-"
                      : std::to_string(static_cast<Index>(env["steps_per_s"].get<double>())))
              << env["oracle"].get<std::string>() << "\n  "
              << env["observation_space"]["text"].get<std::string>() << " -> "
              << env["action_space"]["text"].get<std::string>() << '\n';
  }
}

}  // namespace

void add_envs_command(CLI::App& app) {
  auto options = std::make_shared<EnvsOptions>();
  CLI::App* command = app.add_subcommand("envs", "list the environments");
  command->add_option("pattern", options->pattern, "part of an id; * stands for anything");
  command->add_flag("!--no-speed", options->speed, "do not measure the speed");
  add_common_options(*command, *options);
  command->footer(
      "Examples:\n  palaestra envs\n  palaestra envs Half\n  palaestra envs 'Mountain*' --json");
  command->callback([options] { run(*options); });
}

}  // namespace palaestra::cli
