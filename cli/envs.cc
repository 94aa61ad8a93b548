// palaestra envs: what there is, and how fast it is here.

#include <algorithm>
#include <cctype>
#include <chrono>
#include <cmath>
#include <iomanip>
#include <ostream>
#include <set>

#include <fnmatch.h>
#include <CLI/CLI.hpp>

#include <palaestra/cli/global.h>
#include <palaestra/cli/progress.h>
#include <palaestra/core/error.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>
#include <palaestra/envs/registry.h>
#include <palaestra/rollout/collector.h>

namespace palaestra::cli {
namespace {

struct EnvsArguments {
  std::string pattern;
  bool no_speed = false;
};

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// A part of the id or of the family, or a pattern with * and ?; case does not matter.
bool matches(const envs::EnvSpec& spec, const std::string& pattern) {
  const std::string wanted = lower(pattern);
  if (wanted.find_first_of("*?[") != std::string::npos) {
    return fnmatch(wanted.c_str(), lower(spec.id).c_str(), 0) == 0;
  }
  return lower(spec.id).find(wanted) != std::string::npos || lower(spec.family) == wanted;
}

/// Steps per second of one thread under random controls, after a warm-up that lets states become
/// typical: a burst of 20 ms.
double measured_speed(const std::string& id) {
  using Clock = std::chrono::steady_clock;
  const auto batch = envs::make(id, {.size = 64});
  rollout::Collector collector(*batch);
  rollout::RandomPolicy policy(batch->spec().action, 0);
  Index step = 0;
  const auto run_for = [&](double seconds) {
    const Index before = step;
    const auto start = Clock::now();
    double elapsed = 0;
    do {
      for (int i = 0; i < 4; ++i) {
        collector.step(policy, step++);
      }
      elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    } while (elapsed < seconds);
    return static_cast<double>((step - before) * batch->size()) / elapsed;
  };
  run_for(0.01);
  return run_for(0.02);
}

/// Bounds for JSON, which has no infinity: null means unbounded.
Json bounds(const std::vector<double>& values) {
  Json list = Json::array();
  for (const double value : values) {
    list.push_back(std::isfinite(value) ? Json(value) : Json(nullptr));
  }
  return list;
}

Json to_json(const Space& space) {
  if (space.kind == Space::Kind::kDiscrete) {
    return {{"kind", "discrete"}, {"dtype", name_of(space.dtype)}, {"n", space.count}};
  }
  return {{"kind", "box"},
          {"dtype", name_of(space.dtype)},
          {"shape", space.shape},
          {"low", bounds(space.low)},
          {"high", bounds(space.high)}};
}

/// Widths of the parts of the observation row; null where it is whole.
Json to_json(const std::optional<envs::GoalSpec>& goal) {
  if (!goal) {
    return nullptr;
  }
  return {{"observation", goal->observation},
          {"achieved_goal", goal->achieved},
          {"desired_goal", goal->desired}};
}

Json to_json(const envs::EnvSpec& spec, double speed) {
  Json row = {{"id", spec.id},
              {"family", spec.family},
              {"origin", spec.origin},
              {"summary", spec.summary},
              {"observation", to_string(spec.observation)},
              {"action", to_string(spec.action)},
              {"observation_space", to_json(spec.observation)},
              {"action_space", to_json(spec.action)},
              {"time_limit", spec.time_limit},
              {"deterministic", spec.deterministic},
              {"goal", spec.goal.has_value()},
              {"goal_widths", to_json(spec.goal)},
              {"oracle", spec.oracle},
              {"render_fps", spec.render_fps},
              {"info", spec.info}};
  row["steps_per_s"] = speed > 0 ? Json(speed) : Json(nullptr);
  return row;
}

void print(std::ostream& out, const envs::EnvSpec& spec, double speed) {
  out << spec.id << "  (" << spec.family << ", " << spec.origin << ")\n"
      << "  " << spec.summary << '\n'
      << "  observation    " << to_string(spec.observation) << '\n'
      << "  action         " << to_string(spec.action) << '\n'
      << "  time limit     "
      << (spec.time_limit > 0 ? grouped(spec.time_limit) + " steps" : std::string("none")) << '\n'
      << "  deterministic  " << (spec.deterministic ? "yes" : "no") << ", goal "
      << (spec.goal ? "yes" : "no") << '\n'
      << "  oracle         " << spec.oracle << '\n';
  if (speed > 0) {
    out << "  speed          " << engineering(speed) << " steps/s (one thread, 64 environments)\n";
  }
}

int run_envs(const Global& global, const EnvsArguments& arguments) {
  Json rows = Json::array();
  std::vector<std::string> names;  // that might have been meant
  std::set<std::string> families;
  for (const envs::Registration& registration : envs::registrations()) {
    names.push_back(registration.id);
    names.push_back(registration.id.substr(0, registration.id.rfind("-v")));  // without version
    const envs::EnvSpec spec = registration.spec({});
    families.insert(spec.family);
    if (!matches(spec, arguments.pattern)) {
      continue;
    }
    const double speed = arguments.no_speed ? 0 : measured_speed(spec.id);
    rows.push_back(to_json(spec, speed));
    if (!global.json) {
      print(global.human(), spec, speed);
    }
  }
  const std::vector<std::string> list(families.begin(), families.end());
  names.insert(names.begin(), list.begin(), list.end());
  require(!rows.empty(), "no environment matches ", shown(arguments.pattern),
          "; accepted: part of an id, a pattern with * and ?, or a family, which are ",
          join(list, ", "), did_you_mean(arguments.pattern, names));
  global.write_json({{"envs", rows}});
  return kDone;
}

}  // namespace

void add_envs(CLI::App& app, const Global& global, Run& run) {
  auto arguments = std::make_shared<EnvsArguments>();
  CLI::App* command = app.add_subcommand("envs", "List the environments");
  command->fallthrough();
  command->add_option("pattern", arguments->pattern,
                      "Part of an id, a family, or a pattern with * and ?");
  command->add_flag("--no-speed", arguments->no_speed, "Do not measure");
  command->footer(examples({"envs", "envs \"*Car*\"", "envs mujoco --json"}));
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] { return run_envs(global, *arguments); };
  });
}

}  // namespace palaestra::cli
