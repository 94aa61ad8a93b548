#include <doctest/doctest.h>

#include <palaestra/core/error.h>
#include <palaestra/experiments/registry.h>

using namespace palaestra;
using namespace palaestra::experiments;

namespace {

constexpr const char* kGood = R"(
name = "demo"
title = "A demonstration"
claim = "Ours is as good as theirs."
source = "somewhere"
cpu_s = { smoke = 1, quick = 10, full = 100 }
first_seed = 100
tuning_seeds = [0, 1, 2]

[[arm]]
method = "ours"
task = "Pendulum-v1"
command = "train"
cuts = [100, 300]
options = { env = "Pendulum-v1", steps = 1000, set = { hidden = "64,64", discount = 0.9 } }
smoke = { steps = 400, set = { discount = 0.5 } }
seeds = { smoke = 1, quick = 3, full = 5 }

[[arm]]
method = "theirs"
task = "Pendulum-v1"
command = "record"
file = "curves.json"
implementation = "theirs"
last_step = 1000
seeds = 4

[[gate]]
id = "not_worse"
kind = "reported"
statement = "ours is not worse"
source = "theirs"
arms = "ours/Pendulum-v1"
against = ["theirs/Pendulum-v1"]
metric = "final_return"
statistic = "difference"
comparison = ">="
threshold = 0
seeds = { quick = 3, full = 5 }
)";

const std::map<std::string, std::string> kFiles = {{"curves.json", "[]"}};

/// The good text with one part replaced; the message it is refused with.
std::string refused(const std::string& from, const std::string& to) {
  std::string text = kGood;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  try {
    read_experiment(text, "demo.toml", kFiles);
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("arms and gates are read, options become a command line, scales change values") {
  const Experiment e = read_experiment(kGood, "demo.toml", kFiles);
  CHECK(e.name == "demo");
  CHECK(e.first_seed == 100);
  CHECK(e.cost[2] == 100);
  const Arm& ours = arm_of(e, "ours/Pendulum-v1");
  using Words = std::vector<std::string>;
  // TOML keys come in the order of their names
  CHECK(ours.options[0] == Words{"--env", "Pendulum-v1", "--set", "discount=0.5", "--set",
                                 "hidden=64,64", "--steps", "400"});
  CHECK(ours.options[1] == Words{"--env", "Pendulum-v1", "--set", "discount=0.9", "--set",
                                 "hidden=64,64", "--steps", "1000"});
  CHECK(ours.work == std::array<double, 3>{400, 1000, 1000});
  CHECK(ours.cuts == std::vector<Index>{100, 300});
  CHECK(ours.seeds == std::array<Index, 3>{1, 3, 5});
  CHECK(arm_of(e, "theirs/Pendulum-v1").seeds == std::array<Index, 3>{4, 4, 4});
  CHECK(e.gates.at(0).seeds == std::array<Index, 3>{0, 3, 5});
  CHECK(e.gates.at(0).statistic == Statistic::kDifference);
}

TEST_CASE("what is wrong with an experiment is named, all of it at once") {
  CHECK(has(refused("first_seed = 100", "first_seed = 2"), "seed 2 was tuned on and is reported"));
  CHECK(has(refused("cuts = [100, 300]", "first_seed = 1"), "seed 1 was tuned on and is reported"));
  CHECK(has(refused("cuts = [100, 300]", "tuning_seeds = [101]"),
            "seed 101 was tuned on and is reported"));
  CHECK(has(refused("kind = \"reported\"", "kind = \"soft\""), "hard, provisional, reported"));
  CHECK(has(refused("seeds = { quick = 3, full = 5 }", "seeds = { quick = 9 }"),
            "needs 9 seeds of ours/Pendulum-v1 at scale quick, which has 3"));
  CHECK(has(refused("seeds = { quick = 3, full = 5 }", "seeds = { tiny = 9 }"), "no scale"));
  CHECK(has(refused("\"ours/Pendulum-v1\"", "\"ours/Pendulum-v2\""), "did you mean"));
  CHECK(has(refused("statistic = \"difference\"", "statistic = \"mean\""), "take `against` out"));
  CHECK(has(refused("against = [\"theirs/Pendulum-v1\"]\n", ""), "needs arms to compare with"));
  CHECK(has(refused("comparison = \">=\"", "comparison = \">\""), "accepted: >=, <=, =="));
  CHECK(has(refused("threshold = 0", "threshold = nan"), "no finite number"));
  CHECK(has(refused("title", "titel"), "unknown key"));
  CHECK(has(refused("cuts = [100, 300]", "cuts = [300, 100]"), "ascending"));
  CHECK(has(refused("cuts = [100, 300]", "cuts = [100, 400]"), "below steps"));
  CHECK(has(refused("curves.json", "curve.json"), "no record of this program"));
  CHECK(has(refused("method = \"theirs\"", "method = \"ours\""), "two arms are called"));
  CHECK(has(refused("command = \"train\"", "command = \"rm\""), "train, rollout, bench, record"));
  CHECK(has(refused("[[gate]]", "[[gate"), "line"));
  const std::string two = refused("title = \"A demonstration\"\nclaim", "titel = 1\nclam");
  CHECK(has(two, "title is missing"));
  CHECK(has(two, "claim is missing"));
}

TEST_CASE("a reported claim may fail further off, and may be about others before it") {
  const std::string whole = R"(
[[gate]]
id = "whole"
kind = "reported"
statement = "all of it"
source = "ours"
all_of = ["not_worse"]
fails_with = ["not_worse"]
seeds = { quick = 3 }
)";
  const Experiment e = read_experiment(kGood + whole, "demo.toml", kFiles);
  CHECK(e.gates.at(1).all_of == std::vector<std::string>{"not_worse"});
  CHECK(e.gates.at(1).threshold == 1);
  CHECK(!e.gates.at(0).fails_at);

  const auto end = std::string("threshold = 0\n");
  CHECK(refused(end, end + "fails_at = -1\n") == "accepted");
  CHECK(has(refused(end, end + "fails_at = 1\n"), "fails_at is 1; accepted"));
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = whole;
    text.replace(text.find(from), from.size(), to);
    return refused("seeds = { quick = 3, full = 5 }\n", "seeds = { quick = 3, full = 5 }\n" + text);
  };
  CHECK(changed("quick = 3", "full = 5") == "accepted");
  CHECK(has(changed("quick = 3", "smoke = 1"), "not_worse is not judged at scale smoke"));
  CHECK(has(changed("[\"not_worse\"]", "[\"not_wors\"]"),
            "there is no gate \"not_wors\" before it; did you mean \"not_worse\"?"));
  CHECK(has(changed("[\"not_worse\"]", "[\"whole\"]"), "there is no gate \"whole\" before it"));
  CHECK(has(changed("fails_with = [\"not_worse\"]", "fails_with = [\"whole\"]"),
            "which is not in all_of"));
  CHECK(has(changed("\"reported\"", "\"hard\""), "all_of is for reported claims"));
  CHECK(has(changed("seeds", "metric = \"x\"\nseeds"), "unknown key"));
}

TEST_CASE("a table with `each` stands for one per entry, texts and numbers filled in") {
  std::string text = kGood;
  text += R"(
[[arm]]
each = [[{ p = 0.1, name = "low" }, { p = 0.25, name = "high" }], [{ m = "a" }, { m = "b" }]]
method = "study {m}"
task = "bandit {name} p={p}"
command = "study"
options = { study = ["doc_bandit"], set = { p = "{p}", steps = 500 } }
seeds = { quick = 2 }

[[gate]]
each = [{ name = "low p=0.1", least = 0.8 }, { name = "high p=0.25", least = 1 }]
id = "{name}"
kind = "hard"
statement = "at least {least}"
source = "ours"
arms = ["study b/bandit {name}"]
metric = "J"
statistic = "mean"
comparison = "=="
threshold = "{least}"
tolerance = 0.25
seeds = { quick = 2 }
)";
  const Experiment e = read_experiment(text, "demo.toml", kFiles);
  const Arm& high = arm_of(e, "study b/bandit high p=0.25");
  using Words = std::vector<std::string>;
  CHECK(high.options[1] == Words{"doc_bandit", "--set", "p=0.25", "--set", "steps=500"});
  CHECK(high.work[1] == 500);
  CHECK(e.arms.size() == 2 + 2 * 2);
  CHECK(e.gates.at(1).threshold == 0.8);
  CHECK(e.gates.at(1).tolerance == 0.25);
  CHECK(e.gates.at(2).threshold == 1);
  CHECK(e.gates.at(2).statement == "at least 1");
  CHECK(has(refused("tuning_seeds", "tolerance = 1\ntuning_seeds"), "unknown key"));
  CHECK(has(refused("threshold = 0", "threshold = 0\ntolerance = 1"), "tolerance is 1"));
  CHECK(has(refused("method = \"ours\"", "each = 3\nmethod = \"ours\""), "no list of tables"));
  CHECK(has(refused("method = \"ours\"", "each = []\nmethod = \"ours\""), "no list of tables"));
}

TEST_CASE("arms name products, which are made before them and of each other in order") {
  const std::string products = R"(
[[product]]
name = "expert"
command = "train"
options = { env = "Pendulum-v1", steps = 900, seed = 7 }
smoke = { steps = 90 }

[[product]]
name = "demos-v0"
command = "data collect"
options = { policy = "@expert", episodes = 1 }
)";
  std::string text = kGood + products;
  text.replace(text.find("hidden = \"64,64\""), 16, "data = \"@demos-v0\"");
  const Experiment e = read_experiment(text, "demo.toml", kFiles);
  REQUIRE(e.products.size() == 2);
  using Words = std::vector<std::string>;
  CHECK(e.products[0].options[0] == Words{"--env", "Pendulum-v1", "--seed", "7", "--steps", "90"});
  CHECK(e.products[0].work == std::array<double, 3>{90, 900, 900});
  CHECK(e.products[1].command == "data collect");
  CHECK(e.products[1].options[2] == Words{"--episodes", "1", "--policy", "@expert"});
  CHECK(product_in("data=@demos-v0") == "demos-v0");
  CHECK(product_in("@expert") == "expert");
  CHECK(product_in("mail=a@b").empty());
  CHECK(product_in("@").empty());

  CHECK(has(refused("hidden = \"64,64\"", "data = \"@demo\""),
            "arm ours/Pendulum-v1: there is no product \"demo\" before it"));
  const auto refused_product = [&](const std::string& from, const std::string& to) {
    std::string changed = products;
    changed.replace(changed.find(from), from.size(), to);
    return refused("[[gate]]", changed + "\n[[gate]]");
  };
  CHECK(refused_product("expert", "expert") == "accepted");
  CHECK(has(refused_product("policy = \"@expert\"", "policy = \"@demos-v0\""),
            "product demos-v0: there is no product \"demos-v0\" before it"));
  CHECK(has(refused_product("demos-v0", "expert"), "two products are called expert"));
  CHECK(has(refused_product("demos-v0", "../demos"), "letters, digits, - and _"));
  CHECK(has(refused_product("data collect", "rm"), "train, data collect"));
  CHECK(has(refused_product("episodes = 1 }", "episodes = 1 }\nseeds = 3"), "unknown key"));
}

TEST_CASE("every experiment of this program can be read, under the name of its folder") {
  CHECK(experiment_names() == std::vector<std::string>{"ailboost", "ailboost_wide", "determinism",
                                                       "doc", "experts", "lipschitz", "sac",
                                                       "throughput"});
  for (const std::string& name : experiment_names()) {
    const Experiment e = find_experiment(name);
    CHECK(e.name == name);
    CHECK_FALSE(e.gates.empty());
  }
  CHECK_THROWS_WITH_AS(find_experiment("determinsm"),
                       doctest::Contains("did you mean \"determinism\""), UserError);
}
