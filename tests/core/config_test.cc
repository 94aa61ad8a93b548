#include <palaestra/core/config.h>

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <string>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

using namespace palaestra;

namespace {

struct Inner {
  double beta1 = 0.9, beta2 = 0.999;
  static constexpr auto fields() {
    return std::tuple{field("beta1", &Inner::beta1, "first moment", half_open(0, 1)),
                      field("beta2", &Inner::beta2, "second moment", half_open(0, 1))};
  }
  friend bool operator==(const Inner&, const Inner&) = default;
};

enum class Backup { kMin, kMean, kRandom };

struct Example {
  double learning_rate = 3e-4;
  Index batch_size = 256;
  int threads = 0;
  Inner adam;
  bool norm = false;
  std::string note = "plain";
  std::string activation = "relu";
  std::vector<Index> hidden = {256, 256};
  std::vector<double> levels;
  Backup backup = Backup::kMean;

  static constexpr auto fields() {
    return std::tuple{
        field("learning_rate", &Example::learning_rate, "step size of Adam", above(0)),
        field("batch_size", &Example::batch_size, "rows per update", between(1, 1 << 20)),
        field("threads", &Example::threads, "0 = one per physical core", at_least(0)),
        field("adam", &Example::adam, "moments"),
        field("norm", &Example::norm, "layer norm behind each hidden layer"),
        field("note", &Example::note, "anything"),
        field("activation", &Example::activation, "of hidden layers", one_of("relu", "tanh")),
        field("hidden", &Example::hidden, "units of each hidden layer", at_least(1)),
        field("levels", &Example::levels, "noise levels", at_most(1)),
        field("backup", &Example::backup, "how critics join", one_of("min", "mean", "random"))};
  }
  void check(std::vector<std::string>& problems) const {
    if (hidden.size() > 8) {
      problems.push_back(concat("hidden has ", hidden.size(), " layers; accepted: up to 8"));
    }
  }
  friend bool operator==(const Example&, const Example&) = default;
};

std::string message_of(auto&& action) {
  try {
    action();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a configuration is written as TOML with tables behind the keys of their owner") {
  CHECK(to_toml(Example{}) == R"(learning_rate = 0.0003
batch_size = 256
threads = 0
norm = false
note = "plain"
activation = "relu"
hidden = [256, 256]
levels = []
backup = "mean"

[adam]
beta1 = 0.9
beta2 = 0.999
)");
  CHECK(to_toml(Inner{}, true) == R"(# first moment; at least 0 and below 1
beta1 = 0.9
# second moment; at least 0 and below 1
beta2 = 0.999
)");
}

TEST_CASE("TOML gives back every value to the bit") {
  Stream random(1, purpose("tests/config"));
  for (int round = 0; round < 300; ++round) {
    Example there;
    // any positive finite pattern of bits
    there.learning_rate = std::bit_cast<double>(random.bits64() >> 1);
    if (!std::isfinite(there.learning_rate) || there.learning_rate == 0) {
      there.learning_rate = std::numeric_limits<double>::infinity();
    }
    there.batch_size = 1 + random.below(1 << 20);
    there.adam.beta1 = random.uniform();
    there.norm = random.below(2) != 0;
    there.note.clear();
    for (Index i = random.below(10); i > 0; --i) {
      there.note += static_cast<char>(1 + random.below(127));
    }
    there.note += "\xC3\xA9";  // é
    there.hidden.assign(static_cast<std::size_t>(random.below(5)), 1 + random.below(512));
    there.levels = {random.normal() - 10.0, -std::numeric_limits<double>::infinity(), -0.0, 1.0};
    there.backup = static_cast<Backup>(random.below(3));
    Example back;
    read_toml(back, to_toml(there, round % 2 == 0));
    CHECK(back == there);
    CHECK(std::signbit(back.levels[2]));
    CHECK(to_toml(back) == to_toml(there));
  }
}

TEST_CASE("TOML changes only the keys it names") {
  Example example;
  read_toml(example, "batch_size = 1_024\nadam.beta1 = 0.5\nlevels = [1, 0.5]\nhidden = []\n");
  CHECK(example.batch_size == 1024);
  CHECK(example.adam == Inner{0.5, 0.999});
  CHECK(example.levels == std::vector<double>{1.0, 0.5});
  CHECK(example.hidden.empty());
  CHECK(example.learning_rate == 3e-4);
}

TEST_CASE("whatever is wrong with a TOML text is listed, and nothing changes") {
  Example example;
  const std::string message = message_of([&] {
    read_toml(example,
              "learning_rat = 1.0\nbatch_size = 0\nnorm = 3\n[adam]\nbeta1 = 1.0\n[adm]\n"
              "beta2 = 0.5\n",
              "run.toml");
  });
  CHECK(message.find("run.toml, line 1: unknown key \"learning_rat\"; did you mean "
                     "\"learning_rate\"?") != std::string::npos);
  CHECK(message.find("run.toml, line 2: batch_size is 0; accepted: integer, 1 to 1048576") !=
        std::string::npos);
  CHECK(message.find("run.toml, line 3: norm is 3; accepted: bool") != std::string::npos);
  CHECK(message.find("adam.beta1 is 1.0; accepted: number, at least 0 and below 1") !=
        std::string::npos);
  CHECK(message.find("unknown key \"adm.beta2\"; did you mean \"adam.beta2\"?") !=
        std::string::npos);
  CHECK(example == Example{});

  CHECK(message_of([&] { read_toml(example, "a = [1, \n", "x.toml"); }).starts_with("x.toml, "));
  CHECK_THROWS_AS(read_toml(example, "learning_rate = nan"), UserError);
  CHECK_THROWS_AS(read_toml(example, "hidden = [64, \"x\"]"), UserError);
  CHECK_THROWS_AS(read_toml(example, "hidden = [64, 0.5]"), UserError);
  CHECK_THROWS_AS(read_toml(example, "hidden = [64, 0]"), UserError);
  CHECK_THROWS_AS(read_toml(example, "learning_rate = 1979-05-27"), UserError);
  CHECK_THROWS_AS(read_toml(example, "learning_rate = {a = 1}"), UserError);
  CHECK_THROWS_AS(read_toml(example, "adam = 3"), UserError);
  CHECK_THROWS_AS(read_toml(example, "note = \"\xFF\""), UserError);
  CHECK_THROWS_AS(read_toml(example, "hidden = [1,1,1,1,1,1,1,1,1]"), UserError);
  CHECK_THROWS_AS(read_toml(example, "norm = true\nnorm = true"), UserError);
  CHECK(example == Example{});
}

TEST_CASE("the text of a command line sets each type") {
  Example example;
  set(example, "learning_rate", "1e-3");
  set(example, "batch_size", "1e3");
  set(example, "threads", "+4");
  set(example, "norm", "true");
  set(example, "note", "1e3");
  set(example, "hidden", "64,32");
  set(example, "levels", "[ 0.5, -2 ]");
  set(example, "adam.beta2", "0.95");
  set(example, "backup", "random");
  CHECK(example.learning_rate == 1e-3);
  CHECK(example.batch_size == 1000);
  CHECK(example.threads == 4);
  CHECK(example.norm);
  CHECK(example.note == "1e3");
  CHECK(example.hidden == std::vector<Index>{64, 32});
  CHECK(example.levels == std::vector<double>{0.5, -2.0});
  CHECK(example.adam.beta2 == 0.95);
  CHECK(example.backup == Backup::kRandom);

  const Example before = example;
  for (const auto& wrong :
       std::vector<std::pair<std::string, std::string>>{{"learning_rate", "fast"},
                                                        {"learning_rate", "0"},
                                                        {"learning_rate", "nan"},
                                                        {"batch_size", "1.5"},
                                                        {"batch_size", ""},
                                                        {"batch_size", "1e30"},
                                                        {"threads", "3000000000"},
                                                        {"norm", "yes"},
                                                        {"hidden", "64,,32"},
                                                        {"hidden", "64;32"},
                                                        {"hidden", "[64"},
                                                        {"levels", "2"},
                                                        {"backup", "minimum"},
                                                        {"activation", "Relu "},
                                                        {"nothing", "1"},
                                                        {"adam", "1"},
                                                        {"batch_size", "12 rows"}}) {
    const std::string &key = wrong.first, &text = wrong.second;
    CAPTURE(key);
    CAPTURE(text);
    CHECK_THROWS_AS(set(example, key, text), UserError);
    CHECK(example == before);
  }
  CHECK(message_of([&] { set(example, "learning_rate", "fast"); }) ==
        "learning_rate is \"fast\"; accepted: number, above 0");
  CHECK(message_of([&] { set(example, "activation", "tahn"); }) ==
        "activation is \"tahn\"; accepted: one of relu, tanh; did you mean \"tanh\"?");
  CHECK(message_of([&] { set(example, "beta1", "0.5"); }) ==
        "unknown key \"beta1\"; did you mean \"adam.beta1\"?");
}

TEST_CASE("validate lists all problems at once") {
  Example example;
  CHECK_NOTHROW(validate(example));
  example.learning_rate = std::nan("");
  example.batch_size = -1;
  example.activation = "sine";
  const std::string message = message_of([&] { validate(example); });
  CHECK(message.find("learning_rate is nan") != std::string::npos);
  CHECK(message.find("batch_size is -1") != std::string::npos);
  CHECK(message.find("activation is \"sine\"") != std::string::npos);
  Example deep;
  deep.hidden.assign(9, 4);
  CHECK(message_of([&] { validate(deep); }) == "hidden has 9 layers; accepted: up to 8");
}

TEST_CASE("fields describe themselves for documents and bindings") {
  const auto fields = describe<Example>();
  REQUIRE(fields.size() == 11);
  CHECK(fields[0].key == "learning_rate");
  CHECK(fields[0].type_name == "number");
  CHECK(fields[0].accepted == "above 0");
  CHECK(std::get<double>(fields[0].default_value) == 3e-4);
  CHECK(fields[3].key == "adam.beta1");
  CHECK(std::get<std::string>(fields[10].default_value) == "mean");
  CHECK(fields[2].accepted == "0 to 2147483647");
}

TEST_CASE("several objects share one text, each under its table") {
  Example example;
  Inner other;
  Settings settings;
  settings.add(example).add(other, "other");
  settings.read_toml("batch_size = 2\n[other]\nbeta1 = 0.25\n");
  settings.set("other.beta2", ConfigValue(Index{0}));
  CHECK(example.batch_size == 2);
  CHECK(other == Inner{0.25, 0.0});
  CHECK(std::get<double>(settings.get("other.beta1")) == 0.25);
  CHECK_THROWS_AS(settings.set("other.beta2", ConfigValue(true)), UserError);
  CHECK_THROWS_AS(settings.add(other, "other"), std::logic_error);
}
