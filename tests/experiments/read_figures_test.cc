#include <doctest/doctest.h>

#include <palaestra/core/error.h>
#include <palaestra/experiments/experiment.h>

using namespace palaestra;
using namespace palaestra::experiments;

namespace {

constexpr const char* kGood = R"(
name = "demo"
title = "A demonstration"
claim = "Ours is as good as theirs."
source = "somewhere"
cpu_s = 1

[[arm]]
method = "ours"
task = "CartPole-v1"
command = "rollout"
options = { env = "CartPole-v1", steps = 10 }
seeds = 1

[[figure]]
id = "asked"
kind = "scatter"
title = "Asked against obtained"
x = "value"
y = "return"
x_label = "return asked for"
diagonal = true
log_y = true
tasks = ["CartPole-v1"]
methods = ["ours"]

[[published]]
figure = "return"
what = "theirs"
source = "Figure 3"
task = "CartPole-v1"
method = "ours"
x = [0, 10]
y = [1, 2.5]
low = [0, 2]
high = [1, 3]

[[published]]
figure = "asked"
what = "theirs, asked"
source = "Figure 4"
x = [-1]
y = [1]

[[published]]
figure = "final_return"
what = "theirs, in the end"
source = "Table 1"
task = "CartPole-v1"
y = [7]

[[gate]]
id = "runs"
kind = "hard"
statement = "it runs"
source = "own"
arms = ["ours/CartPole-v1"]
metric = "steps_per_s"
statistic = "mean"
comparison = ">="
threshold = 0
seeds = 1
)";

std::string refused(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  try {
    read_experiment(text, "demo.toml");
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("figures and published points are read") {
  const Experiment e = read_experiment(kGood, "demo.toml");
  REQUIRE(e.figures.size() == 1);
  const Figure& figure = e.figures[0];
  CHECK(figure.id == "asked");
  CHECK(figure.kind == FigureKind::kScatter);
  CHECK(figure.title == "Asked against obtained");
  CHECK(figure.x == "value");
  CHECK(figure.y == "return");
  CHECK(figure.x_label == "return asked for");
  CHECK(figure.y_label.empty());
  CHECK(figure.diagonal);
  CHECK(figure.log_y);
  CHECK(figure.tasks == std::vector<std::string>{"CartPole-v1"});
  CHECK(figure.methods == std::vector<std::string>{"ours"});
  REQUIRE(e.published.size() == 3);
  const Published& points = e.published[0];
  CHECK(points.figure == "return");
  CHECK(points.what == "theirs");
  CHECK(points.source == "Figure 3");
  CHECK(points.task == "CartPole-v1");
  CHECK(points.method == "ours");
  CHECK(points.x == std::vector<double>{0, 10});
  CHECK(points.y == std::vector<double>{1, 2.5});
  CHECK(points.low == std::vector<double>{0, 2});
  CHECK(points.high == std::vector<double>{1, 3});
  CHECK(e.published[2].x.empty());
}

TEST_CASE("what is wrong with a figure or with published points is named") {
  struct Case {
    std::string from, to, message;
  };
  const std::vector<Case> cases = {
      {"kind = \"scatter\"", "kind = \"pie\"", "accepted: curves, bars, sweep, scatter"},
      {"x = \"value\"\n", "", "figure 1: x is missing"},
      {"kind = \"scatter\"", "kind = \"bars\"", "unknown key"},  // x, diagonal
      {"diagonal = true", "diagonal = 1", "diagonal is neither true nor false"},
      {"log_y = true", "log_y = 1", "log_y is neither true nor false"},
      {"tasks = [\"CartPole-v1\"]", "tasks = [\"CartPole-v0\"]",
       "figure asked: no arm has the task \"CartPole-v0\"; did you mean \"CartPole-v1\""},
      {"methods = [\"ours\"]", "methods = [\"our\"]",
       "figure asked: no arm has the method \"our\"; did you mean \"ours\""},
      {"id = \"asked\"", "id = \"return\"", "figure return: there is another one of this name"},
      {"figure = \"asked\"", "figure = \"askd\"", "did you mean \"asked\""},
      {"task = \"CartPole-v1\"\nmethod = \"ours\"\nx", "x", "need the task they belong to"},
      {"x = [-1]", "task = \"CartPole-v1\"\nx = [-1]", "sweeps and scatters have no task"},
      {"method = \"ours\"\nx", "method = \"our\"\nx", "did you mean \"ours\""},
      {"x = [0, 10]", "x = [0, 10, 20]", "published 1: x and y are lists of one length"},
      {"x = [0, 10]", "x = [0, inf]", "x is no list of finite numbers"},
      {"x = [0, 10]", "x = [0, \"10\"]", "x is no list of finite numbers"},
      {"x = [0, 10]", "x = 3", "x is no list of finite numbers"},
      {"y = [7]", "y = [7, 8]", "published 3: bars take one y and no x"},
      {"y = [7]", "y = []", "y is no list of finite numbers"},
      {"low = [0, 2]\n", "", "low and high are lists as long as y, or both left out"},
      {"low = [0, 2]", "low = [0]", "low and high are lists as long as y, or both left out"},
      {"low = [0, 2]", "low = [0, 2.75]", "y is 2.5, which is not within low and high"},
  };
  for (const Case& mistake : cases) {
    const std::string said = refused(mistake.from, mistake.to);
    CHECK_MESSAGE(said.find(mistake.message) != std::string::npos, said);
  }
  std::string text = kGood;
  text += "[[figures]]\n";
  CHECK_THROWS_WITH_AS(read_experiment(text, "demo.toml"), doctest::Contains("did you mean"),
                       UserError);
}
