#include <palaestra/experiments/check_experiment.h>

#include <algorithm>
#include <set>

#include <palaestra/agents/registry.h>
#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/envs/registry.h>

namespace palaestra::experiments {
namespace {

/// Products come before whatever needs them.
void check_products(const Experiment& experiment, std::vector<std::string>& problems) {
  std::vector<std::string> names;
  const auto check = [&](const std::string& who, const auto& lines) {
    std::set<std::string> missing;
    for (const auto& line : lines) {
      for (const std::string& word : line) {
        const std::string name(product_in(word));
        if (!name.empty() && std::ranges::find(names, name) == names.end()) {
          missing.insert(name);
        }
      }
    }
    for (const std::string& name : missing) {
      problems.push_back(concat(who, ": there is no product ", shown(name), " before it",
                                did_you_mean(name, names)));
    }
  };
  for (const Product& product : experiment.products) {
    check("product " + product.name, product.options);
    if (std::ranges::find(names, product.name) != names.end()) {
      problems.push_back(concat("two products are called ", product.name));
    }
    names.push_back(product.name);
  }
  for (const Arm& arm : experiment.arms) {
    check("arm " + arm.name, arm.options);
  }
}

/// Environments and agents that are named are there: a slip shows before anything has run.
void check_names(const Experiment& experiment, std::vector<std::string>& problems) {
  const auto check = [&](const std::string& who, const auto& lines) {
    std::set<std::string> found;
    for (const auto& line : lines) {
      for (std::size_t i = 0; i + 1 < line.size(); ++i) {
        try {
          if (line[i] == "--env") {
            envs::find(line[i + 1]);
          } else if (line[i] == "--agent") {
            agents::find(line[i + 1]);
          }
        } catch (const UserError& error) {
          found.insert(error.what());
        }
      }
    }
    for (const std::string& problem : found) {
      problems.push_back(concat(who, ": ", problem));
    }
  };
  for (const Product& product : experiment.products) {
    check("product " + product.name, product.options);
  }
  for (const Arm& arm : experiment.arms) {
    check("arm " + arm.name, arm.options);
  }
}

/// A task has one scale at most, which is made of arms.
void check_scores(const Experiment& experiment, std::vector<std::string>& problems) {
  std::set<std::string> arms, tasks, scaled;
  for (const Arm& arm : experiment.arms) {
    arms.insert(arm.name);
    tasks.insert(arm.task);
  }
  const auto known = [&](std::string_view what, const std::string& name,
                         const std::set<std::string>& names) {
    if (!names.contains(name)) {
      problems.push_back(
          concat("score: there is no ", what, ' ', shown(name),
                 did_you_mean(name, std::vector<std::string>(names.begin(), names.end()))));
    }
  };
  for (const Score& score : experiment.scores) {
    known("arm", score.zero, arms);
    known("arm", score.one, arms);
    for (const std::string& task : score.tasks) {
      known("task", task, tasks);
      if (!scaled.insert(task).second) {
        problems.push_back(concat("score: task ", shown(task), " has two scales"));
      }
    }
  }
}

/// A claim about others names those before it that are judged wherever it is.
void check_claims(const Experiment& experiment, const Gate& gate,
                  const std::set<std::string>& before, std::vector<std::string>& problems) {
  const std::vector<std::string> names(before.begin(), before.end());
  for (const std::string& id : gate.all_of) {
    const auto found = std::ranges::find(experiment.gates, id, &Gate::id);
    if (!before.contains(id)) {
      problems.push_back(concat("gate ", gate.id, ": there is no gate ", shown(id), " before it",
                                did_you_mean(id, names)));
    } else if (found->kind != GateKind::kReported) {
      problems.push_back(concat("gate ", gate.id, ": ", id, " is no reported claim"));
    }
    for (std::size_t scale = 0; before.contains(id) && scale < kScaleNames.size(); ++scale) {
      if (gate.seeds[scale] > 0 && found->seeds[scale] == 0) {
        problems.push_back(
            concat("gate ", gate.id, ": ", id, " is not judged at scale ", kScaleNames[scale]));
      }
    }
  }
  for (const std::string& id : gate.fails_with) {
    if (std::ranges::find(gate.all_of, id) == gate.all_of.end()) {
      problems.push_back(concat("gate ", gate.id, ": fails_with has ", shown(id),
                                ", which is not in all_of", did_you_mean(id, gate.all_of)));
    }
  }
}

/// A gate's arms are there and have as many runs as it asks for.
void check_arms_of(const Experiment& experiment, const Gate& gate,
                   const std::vector<std::string>& names, std::vector<std::string>& problems) {
  for (const auto* list : {&gate.arms, &gate.against}) {
    for (const std::string& name : *list) {
      if (std::ranges::find(names, name) == names.end()) {
        problems.push_back(
            concat("gate ", gate.id, ": there is no arm ", shown(name), did_you_mean(name, names)));
        continue;
      }
      const Arm& arm = arm_of(experiment, name);
      for (std::size_t scale = 0; scale < kScaleNames.size(); ++scale) {
        const Index needed = list == &gate.arms ? gate.seeds[scale] : gate.seeds[scale] > 0;
        if (arm.seeds[scale] < needed) {
          problems.push_back(concat("gate ", gate.id, " needs ", needed, " seeds of ", name,
                                    " at scale ", kScaleNames[scale], ", which has ",
                                    arm.seeds[scale]));
        }
      }
    }
  }
}

void check_tuning_seeds(const Arm& arm, std::vector<std::string>& problems) {
  const Index last = arm.first_seed + *std::ranges::max_element(arm.seeds);
  for (const Index seed : arm.tuning_seeds) {
    if (arm.command != "record" && seed >= arm.first_seed && seed < last) {
      problems.push_back(concat("seed ", seed, " was tuned on and is reported by ", arm.name));
    }
  }
}

}  // namespace

void check_experiment(const Experiment& experiment, std::vector<std::string>& problems) {
  check_products(experiment, problems);
  check_names(experiment, problems);
  check_scores(experiment, problems);
  std::set<std::string> arms, gates;
  for (const Arm& arm : experiment.arms) {
    if (!arms.insert(arm.name).second) {
      problems.push_back(concat("two arms are called ", arm.name));
    }
  }
  const std::vector<std::string> names(arms.begin(), arms.end());
  for (const Gate& gate : experiment.gates) {
    check_claims(experiment, gate, gates, problems);
    if (!gates.insert(gate.id).second) {
      problems.push_back(concat("two gates are called ", gate.id));
    }
    check_arms_of(experiment, gate, names, problems);
  }
  for (const Arm& arm : experiment.arms) {
    check_tuning_seeds(arm, problems);
  }
}

}  // namespace palaestra::experiments
