#include <palaestra/experiments/doc/sequence_models.h>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/experiments/study.h>

namespace palaestra::experiments::doc {
namespace {

SequenceStudy tiny(SequenceTask task, SequenceMethod method) {
  SequenceStudy study;
  study.task = task;
  study.method = method;
  study.trajectories = 30;
  study.updates = 5;
  study.episodes = 20;
  study.doc.width = study.dt.width = 16;
  study.doc.candidates = 5;
  study.doc.bank_windows = 64;
  return study;
}

Measurement run(const SequenceStudy& study, int threads, std::uint64_t seed = 1) {
  Measurement to;
  run_sequence_models(study, seed, Threads{threads}, to);
  return to;
}

TEST_CASE("sequence models: each method of each task gives its numbers, whatever the threads") {
  for (const auto task : {SequenceTask::kFrozenLake, SequenceTask::kDoubleIntegrator}) {
    for (const auto method :
         {SequenceMethod::kDoc, SequenceMethod::kVae, SequenceMethod::kNoConstraint,
          SequenceMethod::kPublished, SequenceMethod::kDecisionTransformer}) {
      CAPTURE(static_cast<int>(task));
      CAPTURE(static_cast<int>(method));
      const Measurement one = run(tiny(task, method), 1);
      const bool dt = method == SequenceMethod::kDecisionTransformer;
      const std::vector<std::string> prefixes =
          dt ? std::vector<std::string>{""} : std::vector<std::string>{"prior_", "bank_"};
      for (const std::string& prefix : prefixes) {
        for (const char* name :
             {"sampled", "sampled_error", "argmax", "argmax_error", "value", "gap"}) {
          CAPTURE(prefix + name);
          REQUIRE(one.numbers.contains(prefix + name));
          CHECK(std::isfinite(one.numbers.at(prefix + name)));
        }
      }
      if (task == SequenceTask::kFrozenLake) {
        const double returned = one.numbers.at(dt ? "sampled" : "prior_sampled");
        CHECK(returned >= 0);
        CHECK(returned <= 1);
      }
      if (method != SequenceMethod::kDoc && !dt) continue;
      CHECK(run(tiny(task, method), 3).numbers == one.numbers);
      CHECK(run(tiny(task, method), 1, 2).numbers != one.numbers);
    }
  }
}

/// Unlimited data would give 0.107 and, for the likeliest actions, 0.601 (exact: frozen_lake.h).
TEST_CASE("sequence models: Decision Transformer earns on FrozenLake what its posterior earns") {
  SequenceStudy study;
  study.method = SequenceMethod::kDecisionTransformer;
  study.updates = 300;
  study.dt.width = 32;
  study.dt.context = 3;
  const Measurement m = run(study, 1);
  CHECK(std::abs(m.numbers.at("sampled") - 0.107) < 0.06);
  CHECK(m.numbers.at("argmax") > 0.4);
}

TEST_CASE("sequence models: bad settings are refused") {
  const StudyInfo& info = find_study("doc_sequence");
  const auto settings = info.defaults();
  Settings fields;
  settings->add_to(fields);
  CHECK_THROWS_AS(fields.set("dt.heads", "0"), UserError);
  SequenceStudy study = tiny(SequenceTask::kFrozenLake, SequenceMethod::kDoc);
  study.doc.heads = 3;
  Measurement to;
  CHECK_THROWS_AS(run_sequence_models(study, 1, Threads{1}, to), UserError);
}

}  // namespace
}  // namespace palaestra::experiments::doc
