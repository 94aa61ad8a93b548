#include <palaestra/experiments/score.h>

#include <doctest/doctest.h>

#include <palaestra/core/error.h>

using namespace palaestra;
using namespace palaestra::experiments;

namespace {

constexpr const char* kText = R"(
name = "demo"
title = "A demonstration"
claim = "None."
source = "somewhere"
cpu_s = 1

[[arm]]
each = [{ method = "random" }, { method = "expert" }, { method = "ours" }]
method = "{method}"
task = "walk"
command = "rollout"
options = { env = "Pendulum-v1", steps = 10 }
seeds = 3

[[arm]]
method = "ours"
task = "another"
command = "rollout"
options = { env = "Pendulum-v1", steps = 10 }
seeds = 1

[[score]]
tasks = ["walk"]
zero = "random/walk"
one = "expert/walk"
metric = "return_mean"
numbers = ["return_mean", "late_return"]

[[gate]]
id = "runs"
kind = "hard"
statement = "it runs"
source = "own"
arms = ["ours/walk"]
metric = "score:late_return"
statistic = "mean"
comparison = ">="
threshold = 0
seeds = 1
)";

Measurement run(const std::string& arm, std::map<std::string, double> numbers) {
  Measurement result;
  result.arm = arm;
  result.numbers = std::move(numbers);
  return result;
}

std::string refused(const std::string& from, const std::string& to) {
  std::string text = kText;
  text.replace(text.find(from), from.size(), to);
  try {
    read_experiment(text, "demo.toml");
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("returns are put on a scale whose ends are the means of two arms") {
  const Experiment experiment = read_experiment(kText, "demo.toml");
  std::vector<Measurement> runs = {run("random/walk", {{"return_mean", 10}}),
                                   run("random/walk", {{"return_mean", 30}}),
                                   run("expert/walk", {{"return_mean", 120}}),
                                   run("ours/walk", {{"late_return", 70}, {"cpu_s", 1}}),
                                   run("ours/another", {{"late_return", 70}})};
  add_scores(experiment, runs);
  CHECK(runs[0].numbers.at("score:return_mean") == doctest::Approx(-0.1));
  CHECK(runs[2].numbers.at("score:return_mean") == 1.0);
  CHECK(runs[3].numbers.at("score:late_return") == 0.5);
  CHECK(runs[3].numbers.count("score:cpu_s") == 0);
  CHECK(runs[4].numbers.size() == 1);  // of a task without a scale
}

TEST_CASE("a run arrives with the first of three good evaluations in a row") {
  std::string text = kText;
  text.replace(text.find("metric = \"return_mean\""), 0, "arrival = 0.9\n");
  const Experiment experiment = read_experiment(text, "demo.toml");
  const auto arrival = [&](const std::vector<double>& returns) {
    std::vector<Measurement> runs = {run("random/walk", {{"return_mean", 20}}),
                                     run("expert/walk", {{"return_mean", 120}}),
                                     run("ours/walk", {{"late_return", 70}})};
    Curve& curve = runs[2].curves["return"];
    for (const double x : returns) {
      curve.step.push_back(100.0 * static_cast<double>(curve.step.size() + 1));
      curve.value.push_back(x);
    }
    add_scores(experiment, runs);
    CHECK(runs[0].numbers.count("score:arrival") == 0);  // no curve
    const auto found = runs[2].numbers.find("score:arrival");
    return found == runs[2].numbers.end() ? -1 : found->second;
  };
  CHECK(arrival({110, 110, 110, 0}) == 100);
  CHECK(arrival({20, 111, 115, 30, 112, 110, 120}) == 500);
  CHECK(arrival({20, 110, 109.9, 110, 110}) == 600);  // not yet: one after the last
  CHECK(arrival({110, 110}) == -1);                   // too few to tell
}

TEST_CASE("without both ends there are no scores") {
  const Experiment experiment = read_experiment(kText, "demo.toml");
  const auto scores = [&](std::vector<Measurement> ends) {
    ends.push_back(run("ours/walk", {{"late_return", 70}}));
    add_scores(experiment, ends);
    return ends.back().numbers.count("score:late_return");
  };
  const Measurement zero = run("random/walk", {{"return_mean", 10}});
  const Measurement one = run("expert/walk", {{"return_mean", 20}});
  CHECK(scores({zero, one}) == 1);
  CHECK(scores({zero}) == 0);
  CHECK(scores({one}) == 0);
  CHECK(scores({zero, run("expert/walk", {{"return_mean", 10}})}) == 0);  // both ends the same
  CHECK(scores({zero, one, run("expert/walk", {})}) == 0);                // one without the number
  Measurement failed = one;
  failed.problem = "killed";
  CHECK(scores({zero, failed}) == 0);
}

TEST_CASE("a scale of unknown arms or tasks, or a second one for a task, is refused") {
  CHECK(refused("zero = \"random/walk\"", "zero = \"random/walk\"") == "accepted");
  CHECK(has(refused("zero = \"random/walk\"", "zero = \"rndom/walk\""),
            "score: there is no arm \"rndom/walk\"; did you mean \"random/walk\""));
  CHECK(has(refused("one = \"expert/walk\"\n", ""), "one is missing"));
  CHECK(has(refused("tasks = [\"walk\"]", "tasks = [\"wlk\"]"),
            "score: there is no task \"wlk\"; did you mean \"walk\""));
  CHECK(has(refused("tasks = [\"walk\"]", "tasks = [\"walk\", \"walk\"]"), "has two scales"));
}
