// palaestra reproduce: an experiment's arms, its gates, a report.

#include <palaestra/cli/reproduce.h>
#include <palaestra/core/json.h>

#include <time.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iomanip>
#include <iostream>
#include <optional>
#include <sstream>

#include <CLI/CLI.hpp>

#include <palaestra/cli/arm_runs.h>
#include <palaestra/cli/global.h>
#include <palaestra/cli/parse_problem.h>
#include <palaestra/cli/progress.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/interrupt.h>
#include <palaestra/core/text.h>
#include <palaestra/experiments/registry.h>
#include <palaestra/experiments/score.h>

namespace palaestra::cli {
namespace {

namespace fs = std::filesystem;
using namespace experiments;

struct ReproduceArguments {
  std::string name, scale = "quick", out;
  Index seeds = 0;
  bool list = false, resume = false, force = false, strict = false;
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// CPU that this process took itself, without the runs, which are processes of their own.
double own_cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

/// Runs kept from another time, as if they had been run now.
std::vector<Measurement> recorded(const Experiment& experiment, Scale scale) {
  std::vector<Measurement> runs;
  for (const Arm& arm : experiment.arms) {
    if (arm.command != "record") {
      continue;
    }
    const auto at = static_cast<std::size_t>(scale);
    const auto last_step = static_cast<Index>(arm.work[at]);
    for (Measurement& run : read_record(arm.record, arm.record_of, arm.seeds[at], last_step)) {
      run.arm = arm.name;
      runs.push_back(std::move(run));
    }
  }
  return runs;
}

/// Makes the folder, or opens it to go on: at the same scale and with the same settings.
void prepare(const ReproduceArguments& arguments, const Experiment& experiment, const fs::path& out,
             const Global& global) {
  const fs::path settings = out / "experiment.toml", scale = out / "scale";
  std::error_code error;
  if (arguments.resume && fs::exists(settings, error)) {
    const std::string before = read_text(scale);
    require(before == arguments.scale + "\n", "--resume: the experiment in ", out.string(),
            " is of scale ", shown(before.substr(0, before.find('\n'))), ", not ", arguments.scale);
    if (read_text(settings) != experiment.text) {
      global.note(concat("reproduce: the settings of ", experiment.name,
                         " have changed since; runs whose command has changed are run again"));
    }
  } else if (const auto aside = create_folder(
                 out, arguments.force ? IfExists::kMoveAside : IfExists::kRefuse,
                 "; nothing was written (--resume goes on with an experiment, --force moves aside "
                 "what is there)")) {
    global.note(concat("reproduce: the old ", out.string(), " is now ", aside->string()));
  }
  write_atomically(settings, experiment.text);
  write_atomically(scale, arguments.scale + "\n");
}

/// "1,234", "-187", "0.0123": as many digits as tell something.
std::string shown_number(double value) {
  std::ostringstream text;
  const double size = std::abs(value);
  if (size >= 1e5) {
    text << grouped(static_cast<Index>(std::llround(value)));
  } else {
    text << std::setprecision(size >= 1000 ? 5 : 3) << value;
  }
  return text.str();
}

void print_gates(std::ostream& out, const Reproduced& done) {
  out << done.experiment.title << " (" << done.experiment.name << ", scale " << name_of(done.scale)
      << ")\n  " << done.experiment.claim << "\n";
  for (std::size_t i = 0; i < done.gates.size(); ++i) {
    const Gate& gate = done.gates[i];
    const Judgement& judgement = done.judgements[i];
    out << "  " << std::left << std::setw(14) << name_of(judgement.verdict) << std::setw(12)
        << name_of(gate.kind) << gate.statement << ": ";
    if (judgement.measured) {
      out << shown_number(*judgement.measured);
      if (judgement.interval && judgement.interval->low != judgement.interval->high) {
        out << " (" << shown_number(judgement.interval->low) << " to "
            << shown_number(judgement.interval->high) << ")";
      }
      out << ", expected " << expectation(gate);
    }
    out << '\n';
    if (!judgement.why.empty()) {
      out << "      " << judgement.why << '\n';
    }
  }
}

/// The progress of an experiment's runs or products: steps, and how many of `count` are through.
class WorkBar {
 public:
  WorkBar(std::string experiment, double work, std::size_t count, std::string things, bool quiet)
      : experiment_(std::move(experiment)),
        work_(static_cast<Index>(work)),
        count_(count),
        things_(std::move(things)),
        quiet_(quiet) {}

  void operator()(double work, std::size_t finished) {
    const auto done = static_cast<Index>(work);
    if (!bar_) {  // begins with what was kept from another time
      bar_.emplace(work_, done, "steps", quiet_);
    }
    if (bar_->due()) {
      bar_->update(done, concat(experiment_, ", ", finished, " of ", count_, " ", things_));
    }
  }

 private:
  std::string experiment_;
  Index work_;
  std::size_t count_;
  std::string things_;
  bool quiet_;
  std::optional<Progress> bar_;
};

class Reproduction {
 public:
  Reproduction(const Global& global, const ReproduceArguments& arguments)
      : global_(global), arguments_(arguments), scale_(scale_from(arguments.scale)) {}

  int run() {
    require(arguments_.seeds >= 0 && arguments_.seeds <= 10'000, "--seeds is ", arguments_.seeds,
            "; accepted: 1 to 10,000, or 0 for as many as the experiment says");
    const bool all = arguments_.name == "all";
    std::vector<Experiment> chosen;
    for (const std::string& name :
         all ? experiment_names() : std::vector<std::string>{arguments_.name}) {
      chosen.push_back(find_experiment(name));
    }
    const fs::path root = arguments_.out.empty() ? "runs/reproduce" : arguments_.out.c_str();
    std::vector<fs::path> folders;
    for (const Experiment& experiment : chosen) {
      folders.push_back(arguments_.out.empty() || all ? root / experiment.name : root);
      prepare(arguments_, experiment, folders.back(), global_);
    }
    Json gates = Json::array(), documents = Json::array();
    int code = kDone;
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      const double before = own_cpu_seconds();
      const Reproduced done = reproduce(std::move(chosen[i]), folders[i]);
      Json results = results_json(done);
      results["harness_cpu_s"] = own_cpu_seconds() - before;
      write_atomically(folders[i] / "results.json", json_text(results, 1) + "\n");
      if (interrupted_) {
        std::cerr << "palaestra: reproduce: interrupted; the same command with --resume goes on"
                  << std::endl;
        return kInterrupted;
      }
      for (const Json& gate : results["gates"]) {
        gates.push_back(gate);
      }
      documents.push_back({{"name", done.experiment.name},
                           {"scale", arguments_.scale},
                           {"out", folders[i].string()},
                           {"cpu_s", done.cpu_s},
                           {"harness_cpu_s", results["harness_cpu_s"]},
                           {"wall_s", done.wall_s}});
      code = std::max(code, exit_code(done.gates, done.judgements, arguments_.strict));
      if (!global_.json) {
        print_gates(global_.human(), done);
      }
    }
    report(folders, all ? root / "report.html" : folders.front() / "report.html");
    global_.write_json({{"experiments", documents}, {"gates", gates}});
    return code;
  }

 private:
  Reproduced reproduce(Experiment experiment, const fs::path& out) {
    const auto start = std::chrono::steady_clock::now();
    const InterruptGuard interrupt;
    const std::vector<ArmRun> runs = arm_runs(experiment, scale_, arguments_.seeds, out);
    if (scale_ == Scale::kFull) {
      announce_cost(experiment, runs, out, interrupt);
    }
    Reproduced done;
    done.scale = scale_;
    const auto is_interrupted = [&] { return interrupt.requested(); };
    {
      double work = 0;
      const auto needed = needed_products(experiment, runs, scale_);
      for (const experiments::Product* product : needed) {
        work += work_of(*product, scale_);
      }
      WorkBar bar(experiment.name, work, needed.size(), "products", global_.quiet);
      done.products = make_products(experiment, runs, scale_, out, global_.thread_count(),
                                    {.interrupted = is_interrupted, .progress = std::ref(bar)});
    }
    for (const MadeProduct& product : done.products) {
      done.cpu_s += product.cpu_s;
    }
    {
      double work = 0;
      for (const ArmRun& run : runs) {
        work += work_of(run);
      }
      WorkBar bar(experiment.name, work, runs.size(), "runs", global_.quiet);
      done.runs = measure(runs, global_.thread_count(),
                          {.interrupted = is_interrupted, .progress = std::ref(bar)});
    }
    interrupted_ = interrupt.requested();
    for (const Measurement& run : done.runs) {
      done.cpu_s += run.cpu_s;
    }
    for (Measurement& run : recorded(experiment, scale_)) {
      done.runs.push_back(std::move(run));
    }
    add_scores(experiment, done.runs);
    done.judgements =
        judge_all(experiment.gates, done.runs, scale_, global_.thread_count(), done.gates);
    done.experiment = std::move(experiment);
    done.wall_s = seconds_since(start);
    return done;
  }

  void announce_cost(const Experiment& experiment, const std::vector<ArmRun>& runs,
                     const fs::path& out, const InterruptGuard& interrupt) const {
    global_.note(concat("reproduce: ", experiment.name, ": a pilot of each arm"));
    const double cpu = estimate_cpu(experiment, runs, out / "pilot", global_.thread_count(),
                                    {.interrupted = [&] { return interrupt.requested(); },
                                     .progress = [](double, std::size_t) {}});
    global_.note(concat("reproduce: ", experiment.name, " will take about ", duration_text(cpu),
                        " of CPU, ", duration_text(cpu / global_.thread_count().count()), " on ",
                        global_.thread_count().count(), " cores"));
  }

  void report(const std::vector<fs::path>& folders, const fs::path& file) const {
    const std::string problem = write_report(folders, file);
    if (!problem.empty()) {
      global_.note(concat("reproduce: warning: no report: ", problem));
    } else if (!global_.quiet) {
      global_.human() << "report: " << file.string() << std::endl;
    }
  }

  const Global& global_;
  const ReproduceArguments& arguments_;
  Scale scale_;
  bool interrupted_ = false;
};

int list(const Global& global) {
  Json documents = Json::array();
  for (const std::string& name : experiment_names()) {
    const Experiment e = find_experiment(name);
    Json gates = Json::array();
    for (const Gate& gate : e.gates) {
      gates.push_back(
          {{"id", gate.id}, {"kind", name_of(gate.kind)}, {"statement", gate.statement}});
    }
    documents.push_back(
        {{"name", e.name},
         {"title", e.title},
         {"claim", e.claim},
         {"source", e.source},
         {"cost", {{"smoke", e.cost[0]}, {"quick", e.cost[1]}, {"full", e.cost[2]}}},
         {"gates", gates}});
    if (!global.json) {
      std::ostream& out = global.human();
      out << e.name << ": " << e.title << "\n  " << e.claim << "\n  CPU: smoke "
          << duration_text(e.cost[0]) << ", quick " << duration_text(e.cost[1]) << ", full "
          << duration_text(e.cost[2]) << '\n';
      for (const Gate& gate : e.gates) {
        out << "    " << std::left << std::setw(12) << name_of(gate.kind) << gate.statement << '\n';
      }
    }
  }
  global.write_json(documents);
  return kDone;
}

}  // namespace

void add_reproduce(CLI::App& app, const Global& global, Run& run) {
  auto arguments = std::make_shared<ReproduceArguments>();
  CLI::App* command =
      app.add_subcommand("reproduce", "Run a paper's experiment again and judge its claims");
  command->fallthrough();
  command->add_option("NAME", arguments->name, "An experiment, all, or a file NAME.toml");
  command
      ->add_option(
          "--scale", arguments->scale,
          "smoke (seconds), quick (minutes; default) or full (says first what it will cost)")
      ->type_name("SCALE");
  command->add_option("--seeds", arguments->seeds, "Runs of each arm; 0: as the experiment says")
      ->type_name("N")
      ->check(whole_number);
  command
      ->add_option(
          "--out", arguments->out,
          "Folder for results.json, report.html and the runs (default runs/reproduce/NAME)")
      ->type_name("DIR");
  command->add_flag("--list", arguments->list, "Show names, claims and cost, and end");
  command->add_flag("--resume", arguments->resume, "Go on; finished runs are not run again");
  command
      ->add_flag("--force", arguments->force,
                 "Move a folder that is in the way aside, to DIR.1, DIR.2, ...")
      ->excludes("--resume");
  command->add_flag("--strict", arguments->strict, "A missed provisional gate counts too");
  command->footer(
      examples({"reproduce --list", "reproduce determinism --scale smoke",
                "reproduce all --scale smoke --out runs/all"}) +
      "\nRuns share --threads cores. Exit code 3: a hard gate was missed (with --strict also "
      "a provisional one);\nreported claims have a verdict and no exit code. After Ctrl-C or a "
      "kill, --resume goes on to the same bits.");
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] {
      if (arguments->list) {
        return list(global);
      }
      require(!arguments->name.empty(),
              "which experiment? `palaestra reproduce --list` shows them; `all` runs each");
      return Reproduction(global, *arguments).run();
    };
  });
}

}  // namespace palaestra::cli
