#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include <palaestra/agents/doc/bank.h>
#include <palaestra/agents/doc/imitation.h>
#include <palaestra/agents/doc/one_step_q.h>
#include <palaestra/agents/doc/probe.h>
#include <palaestra/core/error.h>
#include <tests/agents/doc/data.h>
#include <tests/allocations.h>

namespace palaestra::agents::doc {
namespace {

using testing::Batches;
using testing::Data;
using testing::small_config;

double metric(const Learner& learner, std::string_view name) {
  for (const auto& m : learner.metrics()) {
    if (m.name == name) return m.value;
  }
  FAIL("no metric " << name);
  return 0;
}

template <class Agent>
void save(const Agent& agent, const std::filesystem::path& file) {
  ArchiveWriter archive;
  agent.save(archive, "doc.");
  archive.save(file);
}

/// The bytes that an agent's archive has: all that decides its future.
template <class Agent>
std::string bytes_of(const Agent& agent) {
  const auto file = testing::scratch_file();
  save(agent, file);
  const ArchiveReader archive(file);
  std::string all;
  for (const std::string& name : archive.names()) {
    const auto bytes = archive.block(name).bytes;
    all.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  std::filesystem::remove(file);
  return all;
}

template <class Agent>
void run(Agent& agent, Batches& batches, int updates) {
  for (int k = 0; k < updates; ++k) agent.update(batches.next());
}

}  // namespace

TEST_CASE("the same bits for any number of threads") {
  for (const bool counted : {true, false}) {
    const Data data(counted, testing::episode_lengths());
    DocConfig config = small_config();
    config.hidden = {128, 128};  // large enough for work to be shared
    std::string one;
    for (const int threads : {1, 2, 3, 7}) {
      CAPTURE(threads);
      Learner learner(data.task(), config, 5, Threads{threads});
      Batches batches(data, config);
      run(learner, batches, 4);
      const std::string bytes = bytes_of(learner);
      if (threads == 1) one = bytes;
      CHECK(bytes == one);
    }
  }
}

TEST_CASE("a saved learner goes on to the same bits, baselines too") {
  for (const bool counted : {true, false}) {
    for (const Penalty penalty : {Penalty::kBounded, Penalty::kAdversarial, Penalty::kPublished}) {
      const Data data(counted, testing::episode_lengths());
      DocConfig config = small_config();
      config.penalty = penalty;
      const auto cut = [&](auto whole, auto first, auto second, const DocConfig& windows) {
        Batches a(data, windows), b(data, windows);
        run(*whole, a, 9);
        run(*first, b, 4);
        const auto file = testing::scratch_file();
        save(*first, file);
        second->load(ArchiveReader(file), "doc.");
        std::filesystem::remove(file);
        CHECK(second->updates() == 4);
        run(*second, b, 5);
        CHECK(bytes_of(*whole) == bytes_of(*second));
      };
      const auto learner = [&](std::uint64_t seed) {
        return std::make_unique<Learner>(data.task(), config, seed);
      };
      cut(learner(1), learner(1), learner(2), config);
      if (penalty != Penalty::kBounded) continue;
      const DocConfig single = small_config(1);
      const auto imitation = [&](std::uint64_t seed) {
        return std::make_unique<Imitation>(data.task(), single, Condition::kReturn, seed);
      };
      cut(imitation(1), imitation(1), imitation(2), single);
      const auto one_step = [&](std::uint64_t seed) {
        return std::make_unique<OneStep>(data.task(), single, seed);
      };
      cut(one_step(1), one_step(1), one_step(2), single);
    }
  }
}

TEST_CASE("a file of another agent is refused and changes nothing") {
  const Data data(true, testing::episode_lengths()), other(false, testing::episode_lengths());
  const DocConfig config = small_config();
  Learner learner(data.task(), config, 1);
  const std::string before = bytes_of(learner);
  const auto file = testing::scratch_file();
  const auto refuses = [&](const auto& agent) {
    save(agent, file);
    CHECK_THROWS_AS(learner.load(ArchiveReader(file), "doc."), UserError);
    CHECK(bytes_of(learner) == before);
  };
  refuses(Learner(other.task(), config, 1));
  refuses(Learner(data.task(), small_config(2), 1));
  DocConfig narrow = config;
  narrow.latent = 3;
  refuses(Learner(data.task(), narrow, 1));
  refuses(Imitation(data.task(), config, Condition::kNothing, 1));
  save(learner, file);
  CHECK_THROWS_AS(learner.load(ArchiveReader(file), "else."), UserError);
  std::filesystem::remove(file);
}

TEST_CASE("an update allocates nothing") {
  for (const bool counted : {true, false}) {
    const Data data(counted, testing::episode_lengths());
    const DocConfig config = small_config();
    Learner learner(data.task(), config, 0);
    Imitation imitation(data.task(), config, Condition::kReturn, 0);
    Batches batches(data, config);
    DocConfig single = small_config(1);
    Batches rows(data, single);
    run(learner, batches, 3);
    run(imitation, rows, 3);
    const auto before = palaestra::testing::allocations();
    run(learner, batches, 3);
    run(imitation, rows, 3);
    CHECK(palaestra::testing::allocations() == before);
  }
}

TEST_CASE("learning rates fall in a line: when they are 0 the model stays, the critics go on") {
  const Data data(true, testing::episode_lengths());
  DocConfig config = small_config();
  config.decay_updates = 4;
  Learner learner(data.task(), config, 0);
  Batches batches(data, config);
  run(learner, batches, 3);
  const std::vector<float> before(learner.model().begin(), learner.model().end());
  run(learner, batches, 1);  // the fourth, at a quarter of the rate
  const std::vector<float> last(learner.model().begin(), learner.model().end());
  CHECK(last != before);
  const double critic = metric(learner, "critic_loss");
  run(learner, batches, 3);
  CHECK(std::equal(last.begin(), last.end(), learner.model().begin()));
  CHECK(metric(learner, "critic_loss") != critic);
}

TEST_CASE("a loss that is not finite ends in an error that names it") {
  const Data data(true, testing::episode_lengths());
  const DocConfig config = small_config();
  Learner learner(data.task(), config, 0);
  Batches batches(data, config);
  run(learner, batches, 1);
  learner.model()[0] = std::nanf("");
  CHECK_THROWS_WITH_AS(learner.update(batches.next()), doctest::Contains("update 1"),
                       std::runtime_error);
}

TEST_CASE("a probe finds luck where the published sign or no constraint left it, else none") {
  // states, rewards and next states are drawn at random: 12 outcomes alike, ln 12 = 2.485 nats that
  // nothing foretells. What z tells of them is what the encoder was allowed to keep.
  const Data data(true, std::vector<Index>(80, 8), 3), unseen(true, std::vector<Index>(80, 8), 4);
  const auto luck = [&](Penalty penalty, double beta, double* own) {
    DocConfig config = small_config(1);
    config.hidden = {32};
    config.penalty = penalty;
    config.beta = beta;
    config.kl_weight = 0;
    config.detach_value = false;
    Learner learner(data.task(), config, 0);
    Batches batches(data, config), fresh(unseen, config);
    run(learner, batches, 800);
    for (int k = 0; k < 100; ++k) {
      run(learner, batches, 1);
      *own += metric(learner, "information") / 100;
    }
    Probe probe(learner, 9);
    run(probe, batches, 800);
    double mean = 0;
    for (int k = 0; k < 100; ++k) mean += probe.information(fresh.next()) / 100;
    return mean;
  };
  double own = 0;
  CHECK(luck(Penalty::kBounded, 1, &own) < 0.25);
  CHECK(own < 0.1);
  own = 0;
  const double kept = luck(Penalty::kPublished, 1, &own);
  CHECK(kept > 1.5);
  CHECK(kept < 2.6);  // no more than there is
  CHECK(own > 1.5);
  own = 0;
  CHECK(luck(Penalty::kBounded, 0, &own) > 0.3);
  CHECK(own == 0);  // no critics were trained
}

TEST_CASE("cloning finds the shares of the data, and with the return those given the return") {
  // one state, action 1 in three of four rows; the return is 1 after action 0, 0 after action 1
  Data data(true, {});
  replay::ReturnColumn returns(data.buffer.storage(), kReturnColumn, {.discount = 1});
  for (int e = 0; e < 200; ++e) {
    const std::vector<std::int64_t> state{2}, action{e % 4 == 0 ? 0 : 1};
    const std::vector<float> reward{e % 4 == 0 ? 1.0f : 0.0f}, unknown{0};
    const std::vector<std::uint8_t> yes{1}, no{0};
    const replay::NamedValues named[] = {{"observation", replay::Values(state)},
                                         {"action", replay::Values(action)},
                                         {"reward", replay::Values(reward)},
                                         {kReturnColumn, replay::Values(unknown)}};
    const replay::NamedValues last[] = {{"observation", replay::Values(state)}};
    data.buffer.extend(0, {.columns = named,
                           .terminated = yes,
                           .truncated = no,
                           .skip = {},
                           .next = {},
                           .last = last});
    returns.follow(data.buffer);
  }
  const DocConfig config = small_config(1);
  Imitation clone(data.task(), config, Condition::kNothing, 0);
  Imitation conditioned(data.task(), config, Condition::kReturn, 0);
  OneStep one_step(data.task(), config, 0);
  Batches batches(data, config);
  for (int k = 0; k < 600; ++k) {
    const auto& batch = batches.next();
    clone.update(batch);
    conditioned.update(batch);
    one_step.update(batch);
  }
  const std::vector<float> state{2};
  std::vector<float> policy(3);
  clone.distribution(state, 1, {}, policy);
  CHECK(std::abs(policy[1] - 0.75f) < 0.08f);
  conditioned.distribution(state, 1, std::vector<float>{1}, policy);
  CHECK(policy[0] > 0.95f);
  conditioned.distribution(state, 1, std::vector<float>{0}, policy);
  CHECK(policy[1] > 0.95f);
  std::vector<float> action(1), q(1);
  one_step.act(state, 1, 0, 0, action, q);
  CHECK(action[0] == 0);
  CHECK(std::abs(q[0] - 1) < 0.05f);
  CHECK_THROWS_WITH_AS(conditioned.distribution(state, 1, {}, policy),
                       doctest::Contains("0 returns are asked for, expected 1"), UserError);
  CHECK_THROWS_AS(conditioned.distribution(state, 1, std::vector<float>{NAN}, policy), UserError);
}

}  // namespace palaestra::agents::doc
