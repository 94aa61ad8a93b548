#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>

#include <nlohmann/json.hpp>

#include <palaestra/core/error.h>
#include <palaestra/experiments/measurement.h>

using namespace palaestra;
using namespace palaestra::experiments;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

TEST_CASE("a result is written and read back whole; anything else is refused") {
  Measurement m;
  m.arm = "ours/task";
  m.seed = 3;
  m.command = "palaestra rollout";
  m.cpu_s = 1.25;
  m.numbers["return"] = 0.1;
  m.texts["hash"] = "ab";
  m.curves["return"] = {{1, 2}, {3.5, 4}};
  const Json document = to_json(m);
  const Measurement back = measurement_from(document);
  CHECK(to_json(back) == document);
  for (const auto& [key, value] : document.items()) {
    Json broken = document;
    broken[key] = nullptr;
    CHECK_THROWS_AS(measurement_from(broken), UserError);
    broken.erase(key);
    CHECK_THROWS_AS(measurement_from(broken), UserError);
  }
  Json uneven = document;
  uneven["curves"]["return"]["step"].push_back(3);
  CHECK_THROWS_AS(measurement_from(uneven), UserError);
  CHECK_THROWS_AS(measurement_from(Json::array()), UserError);
}

TEST_CASE("a record of curves is read by implementation, up to a step") {
  const std::string text = R"([
    {"implementation": "ours", "seed": 1, "curve": {"10": 1.0, "200": 5.0, "100": 3.0}},
    {"implementation": "ours", "seed": 0, "curve": {"100": 2.0}},
    {"implementation": "theirs", "seed": 0, "curve": {"100": 9.0}},
    {"implementation": "ours", "seed": 2, "curve": {"500": 2.0}}])";
  const auto runs = read_record(text, "ours", 10, 100);
  REQUIRE(runs.size() == 2);  // seed 2 has nothing up to step 100
  CHECK(runs[0].seed == 0);
  CHECK(runs[0].numbers.at("final_return") == 2.0);
  CHECK(runs[1].curves.at("return").step == std::vector<double>{10, 100});
  CHECK(runs[1].numbers.at("final_return") == 3.0);
  CHECK(read_record(text, "ours", 1, 0).size() == 1);
  CHECK_THROWS_AS(read_record("{}", "ours", 1, 0), UserError);
  CHECK_THROWS_AS(read_record(R"([{"implementation": "ours", "seed": 0}])", "ours", 1, 0),
                  UserError);
}

TEST_CASE("rows of a benchmark become numbers by name, n and peer") {
  Measurement m;
  read_bench(Json::parse(R"({"rows": [
    {"name": "envs/A/step", "n": 16, "value": 5.0, "share_of_limit": 0.9, "ratio": null},
    {"name": "envs/A/step", "n": 16, "value": 5.0, "peer": "envpool", "ratio": 12.0},
    {"name": "envs/A/step", "n": 64, "value": 6.0}]})"),
             m);
  CHECK(m.numbers == std::map<std::string, double>{{"envs/A/step n=16", 5.0},
                                                   {"envs/A/step n=16:ratio:envpool", 12.0},
                                                   {"envs/A/step n=16:share_of_limit", 0.9},
                                                   {"envs/A/step n=64", 6.0}});
  CHECK_THROWS_AS(read_bench(Json::parse("[]"), m), UserError);
  CHECK_THROWS_AS(read_bench(Json::parse(R"({"rows": [{"name": "x", "n": 1}]})"), m), UserError);
  CHECK_THROWS_AS(read_rollout(Json::parse(R"({"steps_per_s": 1})"), m), UserError);
}

TEST_CASE("a run that was never evaluated has no result") {
  const fs::path run = fs::temp_directory_path() / "palaestra-measurement-test";
  fs::create_directories(run);
  std::ofstream(run / "eval.jsonl") << "";
  std::ofstream(run / "final.safetensors") << "weights";
  Measurement m;
  CHECK_THROWS_AS(read_train(run, m), UserError);
  std::ofstream(run / "eval.jsonl") << "{\"step\": 10, \"return_mean\": -3.5}\n{\"step\": 20, "
                                       "\"return_mean\": -2}\n";
  read_train(run, m);
  CHECK(m.numbers.at("final_return") == -2.0);
  CHECK(m.curves.at("return").value == std::vector<double>{-3.5, -2});
  // sha256sum of "weights"
  CHECK(m.texts.at("weights_sha256") ==
        "9a129038d9a00aed0cf6a7ea059ca50a813449061ab87848cf1a13eafdf33b2c");
  CHECK(m.numbers.at("late_return") == -2.75);  // of the last five, or as many as there are
  CHECK(m.numbers.at("mean_return") == -2.75);
  CHECK(m.curves.size() == 1);

  std::ofstream(run / "metrics.jsonl")
      << "{\"step\": 5}\n{\"step\": 10, \"slope\": 2}\n{\"step\": 15, \"slope\": null}\n"
         "{\"step\": 20, \"slope\": 1.5, \"updates\": 15, \"rounds\": 3}\n";
  Measurement with_slope;
  read_train(run, with_slope, {"slope"});
  CHECK(with_slope.numbers.at("slope") == 1.5);
  CHECK(with_slope.numbers.at("steps") == 20);
  CHECK(with_slope.numbers.at("updates") == 15);
  CHECK(with_slope.numbers.at("rounds") == 3);
  CHECK(!with_slope.numbers.contains("discriminator_updates"));
  CHECK(with_slope.curves.at("slope").step == std::vector<double>{10, 20});
  CHECK_THROWS_WITH_AS(read_train(run, with_slope, {"slop"}),
                       doctest::Contains("metrics.jsonl has no number \"slop\""), UserError);

  {  // another policy of the agent, and more than five evaluations
    std::ofstream lines(run / "eval.jsonl");
    for (int k = 1; k <= 7; ++k) {
      lines << "{\"step\": " << k << ", \"return_mean\": " << k
            << ", \"mixed/return_mean\": " << 10 * k << ", \"mixed/return_std\": 1}\n";
    }
  }
  Measurement two;
  read_train(run, two);
  CHECK(two.numbers.at("late_return") == 5.0);
  CHECK(two.numbers.at("mean_return") == 4.0);
  CHECK(two.numbers.at("mixed/final_return") == 70.0);
  CHECK(two.numbers.at("mixed/late_return") == 50.0);
  CHECK(two.curves.at("mixed/return").value.size() == 7);
  CHECK(two.curves.size() == 2);
  std::ofstream(run / "eval.jsonl") << "{\"step\": 10, \"mixed/return_mean\": 1}\n";
  CHECK_THROWS_AS(read_train(run, two), UserError);
  std::ofstream(run / "eval.jsonl") << "{\"step\": 10, \"return_mean\": null}\n";
  CHECK_THROWS_AS(read_train(run, m), UserError);
  fs::remove_all(run);
}
