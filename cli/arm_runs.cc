#include <palaestra/cli/arm_runs.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>
#include <set>

#include <palaestra/cli/child.h>
#include <palaestra/cli/crew.h>
#include <palaestra/cli/products.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>

namespace palaestra::cli {
namespace {

namespace fs = std::filesystem;
using experiments::Arm;
using experiments::Measurement;

/// What an earlier process kept, if it kept one of the same command that did not fail.
std::optional<Measurement> kept(const ArmRun& run) {
  std::error_code error;
  if (!fs::exists(run.result(), error)) {
    return {};
  }
  try {
    Measurement m = experiments::measurement_from(try_parse_json(read_text(run.result())));
    const bool whole = std::ranges::all_of(
        run.arm->logged, [&](const std::string& name) { return m.numbers.contains(name); });
    const bool same =
        whole && m.arm == run.arm->name && m.seed == run.seed && m.command == run.text();
    return same && m.ok() ? std::optional(std::move(m)) : std::nullopt;
  } catch (const UserError&) {
    return {};  // cut short or altered: measured again
  }
}

/// Steps of the environment in one of the agent's.
double repeat_of(const ArmRun& run) {
  constexpr std::string_view kKey = "wrap.action_repeat=";
  for (const std::string& word : run.arm->options[static_cast<std::size_t>(run.scale)]) {
    if (word.starts_with(kKey)) {
      return std::strtod(word.c_str() + kKey.size(), nullptr);
    }
  }
  return 1;
}

/// What a training warned of, which --quiet keeps from a terminal.
std::string warnings_in(const Json& document) {
  std::vector<std::string> texts;
  if (document.is_object() && document.contains("warnings") && document["warnings"].is_array()) {
    for (const Json& one : document["warnings"]) {
      texts.push_back(one.is_string() ? one.get<std::string>() : json_text(one));
    }
  }
  return join(texts, "; ");
}

void read_outcome(const ArmRun& run, const Child::End& end, Measurement& m) {
  m.cpu_s = end.cpu_s;
  m.wall_s = end.wall_s;
  if (end.status != 0) {
    const std::string said = last_line(read_text(run.file("errors.txt")));
    m.problem = end.status > 128 ? concat("ended by signal ", end.status - 128)
                                 : concat("exit code ", end.status);
    m.problem += said.empty() ? "" : concat(": ", said);
    return;
  }
  try {
    const Json document = try_parse_json(read_text(run.file("output.json")));
    if (run.arm->command == "train") {
      experiments::read_train(run.run(), m, run.arm->logged);
      const auto episodes = m.numbers.find("episodes");
      if (episodes != m.numbers.end() && episodes->second > 0) {  // offline nothing is collected
        m.numbers["environment_steps"] = m.numbers["steps"] * repeat_of(run);
      }
      if (const std::string warnings = warnings_in(document); !warnings.empty()) {
        m.texts["warnings"] = warnings;
      }
    } else if (run.arm->command == "rollout") {
      experiments::read_rollout(document, m);
    } else if (run.arm->command == "study") {
      experiments::read_study(document, m);
    } else {
      experiments::read_bench(document, m);
    }
  } catch (const UserError& error) {
    m.problem = error.what();
  }
}

/// The end of a file, which may be long.
std::string end_of(const fs::path& file) {
  constexpr std::streamoff kMost = 16'384;
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  const std::streamoff size = in.tellg(), start = std::max<std::streamoff>(size - kMost, 0);
  std::string text(static_cast<std::size_t>(std::max<std::streamoff>(size - start, 0)), '\0');
  in.seekg(start);
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  return in ? text : std::string();
}

/// Cores that a run keeps busy. A benchmark is alone on the machine.
int cores_of(const ArmRun& run, int all) {
  return run.arm->command == "bench" ? all : std::min(all, static_cast<int>(run.arm->threads));
}

std::string this_program() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).string();
}

}  // namespace

std::string shell_word(const std::string& word) {
  return word.find_first_of(" '\"$*?;&|<>()") != std::string::npos ? concat('\'', word, '\'')
                                                                   : word;
}

std::string ArmRun::text() const {
  ArmRun here = *this;
  here.out.clear();
  std::vector<std::string> words = here.command("palaestra");
  std::ranges::transform(words, words.begin(), shell_word);
  return join(words, " ");
}

std::vector<std::string> ArmRun::command(const std::string& program) const {
  std::vector<std::string> words = {program, arm->command};
  const auto options = with_products(arm->options[static_cast<std::size_t>(scale)], out);
  words.insert(words.end(), options.begin(), options.end());
  if (arm->command != "bench") {
    words.insert(words.end(), {"--seed", concat(seed), "--threads", concat(arm->threads)});
  }
  if (arm->command == "train") {
    words.insert(words.end(), {"--out", run().string()});
  }
  return words;
}

std::vector<std::string> ArmRun::command(const std::string& program, std::size_t number) const {
  std::vector<std::string> words = command(program);
  const auto steps = std::ranges::find(words, "--steps");
  if (number < arm->cuts.size() && steps != words.end()) {
    *std::next(steps) = concat(arm->cuts[number]);
  }
  words.insert(words.end(), {"--quiet", concat("--json=", file("output.json").string())});
  if (arm->command == "train") {
    words.emplace_back("--resume");
  }
  return words;
}

std::vector<ArmRun> arm_runs(const experiments::Experiment& experiment, experiments::Scale scale,
                             Index seeds, const fs::path& out) {
  std::vector<ArmRun> runs;
  for (const Arm& arm : experiment.arms) {
    const Index declared = arm.seeds[static_cast<std::size_t>(scale)];
    const Index count = declared > 0 && seeds > 0 && arm.command != "bench" ? seeds : declared;
    for (Index k = 0; k < count && arm.command != "record"; ++k) {
      const Index seed = arm.first_seed + k;
      runs.push_back({&arm, seed, scale, out,
                      fs::path("arms") / arm.method / arm.task / concat("seed-", seed)});
    }
  }
  return runs;
}

double steps_behind(const fs::path& run) {
  std::error_code error;
  const fs::path file = run / "metrics.jsonl";
  if (!fs::exists(file, error)) {
    return 0;
  }
  const Json line = try_parse_json(last_line(end_of(file)));
  return line.is_object() && line.contains("step") && line["step"].is_number()
             ? line["step"].get<double>()
             : 0.0;
}

double work_of(const ArmRun& run) {
  constexpr double kBench = 10'000, kStepsPerTrained = 1'000, kStudyStepsPerTrained = 50;
  const double work = run.arm->work[static_cast<std::size_t>(run.scale)];
  return run.arm->command == "bench"   ? kBench
         : run.arm->command == "train" ? std::max(work, 1.0)
         : run.arm->command == "study" ? std::max(work / kStudyStepsPerTrained, 1.0)
                                       : std::max(work / kStepsPerTrained, 1.0);
}

std::vector<Measurement> measure(const std::vector<ArmRun>& runs, Threads threads,
                                 const RunsHooks& hooks) {
  const std::string program = this_program();
  std::vector<Measurement> results(runs.size());
  std::vector<std::size_t> waiting;
  double work_done = 0;
  std::size_t runs_done = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    results[i] = {.arm = runs[i].arm->name,
                  .seed = runs[i].seed,
                  .command = runs[i].text(),
                  .problem = "not run: the experiment was interrupted"};
    if (auto earlier = kept(runs[i])) {
      results[i] = std::move(*earlier);
      work_done += work_of(runs[i]);
      ++runs_done;
    } else {
      waiting.push_back(i);
    }
  }
  // the longest first, so that no core is left alone with one at the end
  std::ranges::stable_sort(waiting, std::greater(),
                           [&](std::size_t i) { return work_of(runs[i]); });

  Crew crew(threads);
  std::set<std::size_t> active;
  bool stopping = false;
  const auto finish = [&](std::size_t i, const Child::End& end, bool whole) {
    constexpr int kInterruptedStatus = 130;
    const ArmRun& run = runs[i];
    active.erase(i);
    if (stopping && (end.status == kInterruptedStatus || (end.status == 0 && !whole))) {
      return;  // goes on from its checkpoint next time
    }
    results[i].problem.clear();
    read_outcome(run, end, results[i]);
    write_atomically(run.result(), json_text(experiments::to_json(results[i]), 1) + "\n");
    work_done += work_of(run);
    ++runs_done;
  };
  // one of its commands, the others having taken what `before` says
  const std::function<void(std::size_t, std::size_t, Child::End)> start = [&](std::size_t i,
                                                                              std::size_t number,
                                                                              const Child::End&
                                                                                  before) {
    const ArmRun& run = runs[i];
    fs::create_directories(run.out / run.folder);
    active.insert(i);
    crew.add(
        {run.command(program, number), run.file("output.txt"), run.file("errors.txt")},
        cores_of(run, crew.cores()), [&, i, number, before](const Child::End& end) {
          const Child::End all = {end.status, before.cpu_s + end.cpu_s, before.wall_s + end.wall_s};
          const bool whole = number + 1 == runs[i].commands();
          if (end.status == 0 && !stopping && !whole) {
            start(i, number + 1, all);
          } else {
            finish(i, all, whole);
          }
        });
  };
  const auto look = [&] {
    double work = work_done;
    for (const std::size_t i : active) {
      if (runs[i].arm->command == "train") {
        work += std::min(steps_behind(runs[i].run()), work_of(runs[i]));
      }
    }
    hooks.progress(work, runs_done);
  };

  while (!crew.empty() || (!waiting.empty() && !stopping)) {
    crew.collect();
    // at once for those that have ended: what follows waits for the next end
    for (auto next = waiting.begin(); !stopping && next != waiting.end();) {
      if (crew.has_room(cores_of(runs[*next], crew.cores()))) {
        start(*next, 0, {});
        next = waiting.erase(next);
      } else {
        ++next;
      }
    }
    if (!stopping && hooks.interrupted()) {
      stopping = true;
      crew.interrupt();
    }
    look();
    if (!crew.empty()) {
      crew.wait();
    }
  }
  return results;
}

double estimate_cpu(const experiments::Experiment& experiment, const std::vector<ArmRun>& runs,
                    const fs::path& scratch, Threads threads, const RunsHooks& hooks) {
  constexpr auto kPilot = static_cast<std::size_t>(experiments::Scale::kSmoke);
  std::vector<ArmRun> pilots;
  for (const Arm& arm : experiment.arms) {
    const bool needed =
        std::ranges::any_of(runs, [&](const ArmRun& run) { return run.arm == &arm && !kept(run); });
    if (needed && arm.seeds[kPilot] > 0) {
      pilots.push_back({&arm, arm.first_seed, experiments::Scale::kSmoke, scratch,
                        fs::path(arm.method) / arm.task});
    }
  }
  const auto made =
      make_products(experiment, pilots, experiments::Scale::kSmoke, scratch, threads, hooks);
  const auto measured = measure(pilots, threads, hooks);
  std::error_code error;
  fs::remove_all(scratch, error);
  // an arm that has no smallest scale costs what arms of its kind do
  const auto kind_of = [](const Arm& arm) {
    const auto& words = arm.options[kPilot];
    return concat(arm.command, ' ', arm.command == "study" && !words.empty() ? words[0] : "");
  };
  std::map<const Arm*, double> cost;
  std::map<std::string, std::pair<double, double>> of_kind;  // seconds, work
  for (std::size_t i = 0; i < pilots.size(); ++i) {
    const double work = work_of(pilots[i]);
    cost[pilots[i].arm] = measured[i].cpu_s / work;
    auto& [seconds, done] = of_kind[kind_of(*pilots[i].arm)];
    seconds += measured[i].cpu_s;
    done += work;
  }
  double total = 0;
  const auto at =
      static_cast<std::size_t>(runs.empty() ? experiments::Scale::kFull : runs[0].scale);
  for (const MadeProduct& one : made) {
    const auto product =
        std::ranges::find(experiment.products, one.name, &experiments::Product::name);
    const double work = product->work[kPilot];
    total += one.cpu_s * (work > 0 ? product->work[at] / work : 1.0);
  }
  for (const ArmRun& run : runs) {
    if (kept(run)) {
      continue;
    }
    const auto own = cost.find(run.arm);
    const auto kind = of_kind.find(kind_of(*run.arm));
    if (own != cost.end()) {
      total += own->second * work_of(run);
    } else if (kind != of_kind.end()) {
      total += kind->second.first / kind->second.second * work_of(run);
    }
  }
  return total;
}

}  // namespace palaestra::cli
