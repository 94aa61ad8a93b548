#include <doctest/doctest.h>

#include <cstring>

#include <palaestra/agents/doc/latents.h>
#include <palaestra/agents/doc/transformer/actor.h>
#include <palaestra/core/error.h>
#include <tests/agents/saved_file.h>
#include <tests/agents/sequence/episodes.h>
#include <tests/agents/sequence/players.h>
#include <tests/allocations.h>

namespace palaestra::agents::doc {
namespace {

using agents::testing::SavedFile;
using sequence::testing::Episodes;

const std::vector<Index> kLengths = {1, 5, 6, 9, 3, 7};

SequenceConfig small() {
  SequenceConfig config;
  config.context = 3;
  config.future = 3;
  config.width = 16;
  config.layers = 2;
  config.heads = 2;
  config.hidden = {24};
  config.latent = 4;
  config.embedding = 8;
  config.batch_size = 8;
  config.learning_rate = 1e-3;
  config.critic_learning_rate = 2e-3;
  config.warmup = 5;
  config.candidates = 10;
  config.bank_windows = 64;
  return config;
}

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

std::vector<float> copy(std::span<const float> x) { return {x.begin(), x.end()}; }

replay::WindowRequest request(const SequenceConfig& config) {
  return {.windows = config.batch_size, .shape = config.shape()};
}

using Players = sequence::testing::Players<SequenceActor, SequenceMemory>;

std::shared_ptr<const Bank> bank(SequenceLearner& learner, const Episodes& episodes) {
  return std::make_shared<const Bank>(bank_of(learner, episodes.buffer.storage(), 1));
}

void train(SequenceLearner& learner, const Episodes& episodes, int updates) {
  auto sampler = episodes.sampler();
  for (int i = 0; i < updates; ++i) {
    Stream random(7, purpose("tests/doc/transformer"),
                  static_cast<std::uint64_t>(learner.updates()));
    learner.update(sampler.sample(episodes.buffer, random, request(learner.config())));
  }
}

/// π's output at each step of windows, for latents of one's own.
struct Outputs {
  nn::Graph graph;
  nn::Program<float> program;
  std::vector<float> z;

  static nn::Program<float> compile(nn::Graph& graph, const SequenceLearner& learner,
                                    Index windows) {
    const SequenceNetworks& nets = learner.networks();
    const SequenceWindows w = sequence_inputs(graph, nets, learner.task(), windows);
    const nn::Expr h = nets.features(w.all, nets.window);
    const nn::Expr latent = nn::input(graph, "z", {1, windows, nets.latent});
    const nn::Expr out = nets.act(h, nn::repeat_rows(latent, nets.window));
    return {graph,
            {.values = {{"h", h}, {"out", nets.counted_actions ? nn::softmax(out) : out}},
             .gradients = {}},
            {.max_rows = {}}};
  }
  Outputs(const SequenceLearner& learner, Index windows)
      : program(compile(graph, learner, windows)),
        z(static_cast<std::size_t>(windows * learner.config().latent)) {
    Stream(1, purpose("tests/doc/transformer")).fill_normal(std::span(z));
    program.bind_input(program.input("z"), z);
    program.bind_vector(program.vector("model"), learner.model());
  }
  std::vector<float> run(const sequence::WindowSteps& steps, const char* output) {
    program.bind_input(program.input("observation"), steps.observation);
    program.bind_input(program.input("action"), steps.action);
    program.bind_input(program.input("reward"), steps.reward);
    program.run(std::span<const Index>());
    return copy(program.value(program.output(output)));
  }
};

TEST_CASE("transformer: what a step does and brings leaves no trace in its own action") {
  for (const bool counted : {true, false}) {
    const Episodes episodes(counted, kLengths);
    SequenceLearner learner(episodes.task, small(), 1);
    train(learner, episodes, 3);
    const Index length = small().window();
    auto sampler = episodes.sampler();
    Stream random(3, purpose("tests/doc/transformer"));
    sequence::WindowSteps steps(episodes.task, 8, length);
    steps.fill(episodes.task, sampler.sample(episodes.buffer, random, request(small())));
    Outputs outputs(learner, 8);
    const auto before = outputs.run(steps, "out");
    const Index actions = episodes.task.action_width();
    for (Index t = 0; t < length; ++t) {
      sequence::WindowSteps changed = steps;
      const auto shift = [&](std::vector<float>& column, Index from) {
        const auto width = std::ssize(column) / (8 * length);
        for (Index w = 0; w < 8; ++w) {
          for (Index i = (w * length + from) * width; i < (w + 1) * length * width; ++i) {
            column[static_cast<std::size_t>(i)] += 1.5f;
          }
        }
      };
      shift(changed.action, t);           // a_t and later
      shift(changed.reward, t);           // r_t and later
      shift(changed.observation, t + 1);  // s_t+1 and later
      const auto after = outputs.run(changed, "out");
      for (Index w = 0; w < 8; ++w) {
        const auto begin = static_cast<std::size_t>(w * length * actions);
        const auto count = static_cast<std::size_t>((t + 1) * actions);
        CHECK(same_bits(std::span(after).subspan(begin, count),
                        std::span(before).subspan(begin, count)));
      }
      if (t + 1 < length) CHECK(!same_bits(after, before));
    }
  }
}

TEST_CASE("transformer: acting sees the bits that training sees") {
  const Episodes episodes(true, kLengths);
  SequenceConfig config = small();
  config.candidates_from = Candidates::kPrior;
  config.candidates = 1;
  SequenceLearner learner(episodes.task, config, 1);
  train(learner, episodes, 3);
  constexpr Index kRows = 2, kSteps = 7;
  Players players(learner, kRows);
  const Index length = config.window(), context = config.context;
  Outputs outputs(learner, kRows);
  Stream random(5, purpose("tests/doc/transformer"));
  std::vector<std::vector<float>> states(kRows), actions(kRows), rewards(kRows);
  for (Index t = 0; t < kSteps; ++t) {
    std::vector<float> observation(kRows), action(kRows);
    for (float& x : observation) x = static_cast<float>(random.below(5));
    players.act(observation, rollout::ActMode::kSample, action);
    for (float& x : players.reward) x = static_cast<float>(random.uniform());
    sequence::WindowSteps steps(episodes.task, kRows, length);
    for (std::size_t r = 0; r < kRows; ++r) {
      std::vector<float> s(5), a(3);
      episodes.task.encode_observation({&observation[r], 1}, s);
      episodes.task.encode_action({&action[r], 1}, a);
      states[r].insert(states[r].end(), s.begin(), s.end());
      actions[r].insert(actions[r].end(), a.begin(), a.end());
      rewards[r].push_back(episodes.task.reward_scale.to(players.reward[r]));
      // a window of training: the context, this step in full, padding where the future would be
      const Index first = std::max<Index>(0, t + 1 - context), count = t + 1 - first;
      const auto put = [&](const std::vector<float>& from, std::vector<float>& to, Index width) {
        std::copy_n(from.begin() + first * width, count * width,
                    to.begin() + static_cast<Index>(r) * length * width);
      };
      put(states[r], steps.observation, 5);
      put(actions[r], steps.action, 3);
      put(rewards[r], steps.reward, 1);
    }
    const auto h = outputs.run(steps, "h");
    const Index newest = std::min(t, context - 1), width = config.width;
    std::vector<float> picked;
    for (Index r = 0; r < kRows; ++r) {
      const auto row = std::span(h).subspan(static_cast<std::size_t>((r * length + newest) * width),
                                            static_cast<std::size_t>(width));
      picked.insert(picked.end(), row.begin(), row.end());
    }
    CHECK(same_bits(players.actor.features().first(picked.size()), picked));
  }
}

TEST_CASE("transformer: padding has no influence on an update") {
  for (const bool counted : {true, false}) {
    const Episodes episodes(counted, kLengths);
    SequenceLearner one(episodes.task, small(), 1), other(episodes.task, small(), 1);
    auto sampler = episodes.sampler();
    Stream random(3, purpose("tests/doc/transformer"));
    const replay::WindowBatch& batch = sampler.sample(episodes.buffer, random, request(small()));
    // the same windows with their padding in front
    auto second = episodes.sampler();
    Stream again(3, purpose("tests/doc/transformer"));
    replay::WindowRequest in_front = request(small());
    in_front.shape.padding = replay::WindowPadding::kInFront;
    one.update(batch);
    other.update(second.sample(episodes.buffer, again, in_front));
    CHECK(same_bits(one.model(), other.model()));
    for (std::size_t i = 0; i < one.metrics().size(); ++i) {
      CHECK(one.metrics()[i].value == other.metrics()[i].value);
    }
  }
}

TEST_CASE("transformer: 1, 2, 3 and 7 threads train and plan to the same bits") {
  const Episodes episodes(true, kLengths);
  SequenceConfig config = small();
  config.width = 64;
  config.batch_size = 64;
  std::vector<float> model, distribution;
  for (const int threads : {1, 2, 3, 7}) {
    SequenceLearner learner(episodes.task, config, 1, Threads{threads});
    train(learner, episodes, 2);
    Players players(learner, 3, threads);
    players.actor.set_bank(bank(learner, episodes));
    std::vector<float> action(3);
    players.act(std::vector<float>{0, 1, 2}, rollout::ActMode::kSample, action);
    if (threads == 1) {
      model = copy(learner.model());
      distribution = copy(players.actor.distribution());
    } else {
      CHECK(same_bits(learner.model(), model));
      CHECK(same_bits(players.actor.distribution(), distribution));
    }
  }
}

TEST_CASE("transformer: the best of the candidates is played, the first of equal ones") {
  const Episodes episodes(true, kLengths);
  SequenceConfig config = small();
  config.candidates_from = Candidates::kPrior;
  config.candidates = 100;
  config.replan_every = 3;
  SequenceLearner learner(episodes.task, config, 1);
  train(learner, episodes, 3);
  Players many(learner, 1);
  std::vector<float> action(1);
  const std::vector<float> state = {2};
  // V of the best of 100 draws is above that of most single draws
  config.candidates = 1;
  SequenceLearner single(episodes.task, config, 1);
  std::ranges::copy(learner.model(), single.model().begin());
  double below = 0;
  many.act(state, rollout::ActMode::kMean, action);
  const double best = many.memory.promised()[0];
  Players one(single, 50);
  std::vector<float> actions(50), states(50, 2.0f);
  one.act(states, rollout::ActMode::kMean, actions);
  for (const double v : one.memory.promised()) below += v <= best ? 1 : 0;
  CHECK(below >= 47);
  // the latent is kept for three steps: a new value comes at the fourth; what the episode was
  // promised stays
  for (int t = 0; t < 2; ++t) {
    many.act(state, rollout::ActMode::kMean, action);
    CHECK(many.memory.value()[0] == best);
  }
  many.act(state, rollout::ActMode::kMean, action);
  CHECK(many.memory.value()[0] != best);
  CHECK(many.memory.promised()[0] == best);
  many.begins[0] = 1;
  many.act(state, rollout::ActMode::kMean, action);
  CHECK(many.memory.promised()[0] != best);
  CHECK(many.memory.promised()[0] == many.memory.value()[0]);
}

TEST_CASE("transformer: a learner saved midway goes on to the same bits") {
  const SavedFile file;
  const Episodes episodes(true, kLengths);
  SequenceLearner whole(episodes.task, small(), 1);
  train(whole, episodes, 4);
  save(whole, file);
  train(whole, episodes, 3);
  SequenceLearner other(episodes.task, small(), /*seed=*/2);
  load(other, file);
  CHECK(other.updates() == 4);
  train(other, episodes, 3);
  CHECK(same_bits(other.model(), whole.model()));
  SequenceConfig wider = small();
  wider.width = 32;
  SequenceLearner foreign(episodes.task, wider, 1);
  const auto before = copy(foreign.model());
  CHECK_THROWS_AS(load(foreign, file), UserError);
  CHECK(same_bits(foreign.model(), before));
}

TEST_CASE("transformer: updates and acts allocate nothing") {
  const Episodes episodes(true, kLengths);
  SequenceLearner learner(episodes.task, small(), 1);
  Players players(learner, 3);
  players.actor.set_bank(bank(learner, episodes));
  auto sampler = episodes.sampler();
  Stream random(7, purpose("tests/doc/transformer"));
  const std::vector<float> observation = {0, 1, 2};
  std::vector<float> action(3);
  const replay::WindowRequest wanted = request(small());
  const auto step = [&] {
    learner.update(sampler.sample(episodes.buffer, random, wanted));
    players.act(observation, rollout::ActMode::kSample, action);
    players.begins[1] = 1;
  };
  step();
  const long before = palaestra::testing::allocations();
  for (int i = 0; i < 3; ++i) step();
  CHECK(palaestra::testing::allocations() == before);
}

TEST_CASE("transformer: bad settings and batches are errors") {
  const Episodes episodes(true, kLengths);
  for (const auto change :
       {+[](SequenceConfig& c) { c.heads = 3; }, +[](SequenceConfig& c) { c.future = 0; },
        +[](SequenceConfig& c) { c.latent = 0; }, +[](SequenceConfig& c) { c.beta = -1; },
        +[](SequenceConfig& c) { c.hidden = {}; }}) {
    SequenceConfig config = small();
    change(config);
    CHECK_THROWS_AS(SequenceLearner(episodes.task, config, 1), UserError);
  }
  SequenceLearner learner(episodes.task, small(), 1);
  const auto before = copy(learner.model());
  auto sampler = episodes.sampler();
  Stream random(7, purpose("tests/doc/transformer"));
  replay::WindowRequest few = request(small());
  few.windows = 7;
  CHECK_THROWS_AS(learner.update(sampler.sample(episodes.buffer, random, few)), UserError);
  replay::WindowRequest late = request(small());
  late.shape.before = small().context;  // more past than the context
  CHECK_THROWS_AS(learner.update(sampler.sample(episodes.buffer, random, late)), UserError);
  CHECK(same_bits(learner.model(), before));
}

/// One pull of an arm: arm 0 pays 1 with probability 0.1, arm 1 with 0.9, and the data pull the
/// better arm in one of ten cases (doc/tabular).
TEST_CASE("transformer: luck is told from skill on the Bernoulli bandit") {
  const Space observation = Space::discrete(1), action = Space::discrete(2);
  replay::WeightedReplayBuffer buffer(Episodes::columns(observation, action), {.capacity = 2000});
  Stream random(1, purpose("tests/doc/bandit"));
  for (int i = 0; i < 1000; ++i) {
    const std::vector<std::int64_t> state = {0}, arm = {random.uniform() < 0.1 ? 1 : 0};
    const std::vector<float> reward = {random.uniform() < (arm[0] == 1 ? 0.9 : 0.1) ? 1.0f : 0.0f};
    const std::vector<std::uint8_t> end = {1}, no = {0};
    const replay::NamedValues values[] = {
        {"observation", state}, {"action", arm}, {"reward", reward}, {kReturnColumn, reward}};
    const replay::NamedValues after[] = {{"observation", state}};
    buffer.extend(0, {.columns = values,
                      .terminated = end,
                      .truncated = no,
                      .skip = {},
                      .next = {},
                      .last = after});
  }
  SequenceConfig config = small();
  config.context = 1;
  config.future = 1;
  config.layers = 1;
  config.heads = 1;
  config.batch_size = 64;
  config.dropout = 0;
  config.learning_rate = 2e-3;
  config.critic_learning_rate = 4e-3;
  config.candidates = 100;
  config.bank_windows = 256;
  const auto score = [&] {
    SequenceLearner learner(task_of(buffer.storage(), observation, action), config, 1);
    replay::WindowSampler sampler(buffer, window_columns());
    for (int i = 0; i < 600; ++i) {
      learner.update(sampler.sample(buffer, random, request(config)));
    }
    Players players(learner, 64);
    players.actor.set_bank(std::make_shared<const Bank>(bank_of(learner, buffer.storage(), 1)));
    std::vector<float> arms(64);
    players.act(std::vector<float>(64, 0.0f), rollout::ActMode::kSample, arms);
    double better = 0, promise = 0;
    for (std::size_t i = 0; i < 64; ++i) {
      better += double{players.actor.distribution()[2 * i + 1]} / 64;
      promise += players.memory.promised()[i] / 64;
    }
    return std::pair(better * 0.9 + (1 - better) * 0.1, promise);
  };
  const auto [earned, promised] = score();
  CHECK(earned > 0.85);
  CHECK(std::abs(promised - earned) < 0.2);

  // the published sign, and a value that trains the encoder: the latent carries the luck, so the
  // promise is 1 whatever the arm
  config.penalty = Penalty::kPublished;
  config.detach_value = false;
  config.kl_weight = 0;
  const auto [lucky, hoped] = score();
  CHECK(hoped > 0.9);
  CHECK(lucky < 0.7);
}

}  // namespace
}  // namespace palaestra::agents::doc
