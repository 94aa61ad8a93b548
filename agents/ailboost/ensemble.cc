#include <palaestra/agents/ailboost/ensemble.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include <palaestra/core/error.h>
#include <palaestra/core/random.h>

namespace palaestra::agents::ailboost {
namespace {

constexpr Purpose kLearner = purpose("ailboost/ensemble/learner");
constexpr Index kNobody = -1;  // no learner yet: the policy in training

bool is_distribution(std::span<const double> weights) {
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  return std::all_of(weights.begin(), weights.end(), [](double w) { return w >= 0.0; }) &&
         (weights.empty() || std::abs(sum - 1.0) < 1e-6);
}

}  // namespace

class Ensemble::Following final : public rollout::RowMemory {
 public:
  explicit Following(Index rows) : learner(as_size(rows), kNobody) {}
  void save(ArchiveWriter& archive, std::string_view prefix) const override {
    archive.put(concat(prefix, "learner"), learner);
  }
  void load(const ArchiveReader& archive, std::string_view prefix) override {
    archive.get(concat(prefix, "learner"), learner);
  }

  std::vector<Index> learner;  // of each row
};

Ensemble::Ensemble(std::string_view name, Index observation_size, Index action_size, Policy& policy,
                   std::span<const float> current, rollout::ActMode evaluated, std::uint64_t seed)
    : name_(name),
      observation_size_(observation_size),
      action_size_(action_size),
      policy_(policy),
      current_(current),
      evaluated_(evaluated),
      seed_(seed) {}

// ---- who there is

void Ensemble::freeze(Index id) {
  if (!learners_.empty() && learners_.back().id >= id) {
    throw std::logic_error("Ensemble::freeze: ids ascend");
  }
  learners_.push_back({id, {current_.begin(), current_.end()}});
  weights_.push_back(0);
  mass_until_.push_back(mass_until_.empty() ? 0 : mass_until_.back());
}

void Ensemble::keep(std::span<const Index> ids, std::span<const double> weights) {
  if (ids.size() != weights.size() || ids.size() > learners_.size() || !is_distribution(weights)) {
    throw std::logic_error("Ensemble::keep: these are no weights of its learners");
  }
  // groups go from the oldest on, so that those that stay are the newest
  const auto first = learners_.end() - std::ssize(ids);
  if (!std::equal(ids.begin(), ids.end(), first, learners_.end(),
                  [](Index id, const Learner& learner) { return learner.id == id; })) {
    throw std::logic_error("Ensemble::keep: the newest learners must stay");
  }
  learners_.erase(learners_.begin(), first);
  set_weights(weights);
}

void Ensemble::set_weights(std::span<const double> weights) {
  weights_.assign(weights.begin(), weights.end());
  mass_until_.resize(weights_.size());
  std::partial_sum(weights_.begin(), weights_.end(), mass_until_.begin());
}

double Ensemble::effective_size() const {
  const double squares =
      std::inner_product(weights_.begin(), weights_.end(), weights_.begin(), 0.0);
  return squares > 0 ? 1.0 / squares : 0.0;
}

Index Ensemble::draw(double u) const {
  if (learners_.empty()) {
    return kNobody;
  }
  const double mass = u * mass_until_.back();
  const auto found = std::upper_bound(mass_until_.begin(), mass_until_.end(), mass);
  return id(std::min(found - mass_until_.begin(), size() - 1));
}

/// The learner of an episode that begins in this row at this step. Other rounds draw anew, so that
/// a run's evaluations do not all follow learners of the same ages.
Index Ensemble::draw(Index row, Index step) const {
  constexpr int kStepBits = 40;
  const Index round = learners_.empty() ? 0 : learners_.back().id + 1;
  return draw(
      Stream(seed_, kLearner, static_cast<std::uint64_t>(row),
             (static_cast<std::uint64_t>(round) << kStepBits) ^ static_cast<std::uint64_t>(step))
          .uniform());
}

/// Of a learner that has gone meanwhile: those of the oldest, which has inherited its weight.
std::span<const float> Ensemble::parameters_of(Index id) const {
  if (id == kNobody || learners_.empty()) {
    return current_;
  }
  const auto found =
      std::lower_bound(learners_.begin(), learners_.end(), id,
                       [](const Learner& learner, Index wanted) { return learner.id < wanted; });
  return found == learners_.end() ? learners_.back().parameters : found->parameters;
}

// ---- acting

void Ensemble::act_as(std::span<const Index> learners, std::span<const float> observations,
                      Index first_row, Index step, rollout::ActMode mode, int thread,
                      std::span<float> actions) {
  const auto chosen = mode == rollout::ActMode::kMean ? evaluated_ : mode;
  const auto rows = std::ssize(learners);
  for (Index begin = 0, end = 0; begin < rows; begin = end) {
    // neighbours that follow the same learner go together
    while (end < rows && learners[as_size(end)] == learners[as_size(begin)]) {
      ++end;
    }
    const Index count = end - begin;
    policy_.act_with(parameters_of(learners[as_size(begin)]),
                     observations.subspan(as_size(begin * observation_size_),
                                          as_size(count * observation_size_)),
                     count, first_row + begin, step, chosen, thread,
                     actions.subspan(as_size(begin * action_size_), as_size(count * action_size_)));
  }
}

void Ensemble::act(std::span<const float> observations, Index rows, Index first_row, Index step,
                   rollout::ActMode mode, int thread, std::span<float> actions) {
  constexpr Index kPiece = 64;  // needs no memory of its own
  require(std::ssize(observations) == rows * observation_size_ &&
              std::ssize(actions) == rows * action_size_,
          name_, ": got ", observations.size(), " and ", actions.size(), " numbers for ", rows,
          " rows of ", observation_size_, " observations and ", action_size_, " actions");
  std::array<Index, kPiece> learner;
  for (Index begin = 0; begin < rows; begin += kPiece) {
    const Index count = std::min(kPiece, rows - begin);
    for (Index i = 0; i < count; ++i) {
      learner[as_size(i)] = draw(first_row + begin + i, step);
    }
    act_as(std::span(learner).first(as_size(count)),
           observations.subspan(as_size(begin * observation_size_),
                                as_size(count * observation_size_)),
           first_row + begin, step, mode, thread,
           actions.subspan(as_size(begin * action_size_), as_size(count * action_size_)));
  }
}

std::unique_ptr<rollout::RowMemory> Ensemble::make_memory(Index rows) const {
  return std::make_unique<Following>(rows);
}

void Ensemble::act_from(rollout::RowMemory& memory, const rollout::Past& past,
                        std::span<const float> observations, Index rows, Index first_row,
                        Index step, rollout::ActMode mode, int thread, std::span<float> actions) {
  auto& following = dynamic_cast<Following&>(memory);
  for (Index i = 0; i < rows; ++i) {
    if (past.begins[as_size(i)] != 0) {
      following.learner[as_size(first_row + i)] = draw(first_row + i, step);
    }
  }
  act_as(std::span<const Index>(following.learner).subspan(as_size(first_row), as_size(rows)),
         observations, first_row, step, mode, thread, actions);
}

// ---- files

void Ensemble::save(ArchiveWriter& archive, std::string_view prefix) const {
  archive.put_scalar(concat(prefix, "learners.count"), size());
  if (learners_.empty()) {
    return;
  }
  std::vector<Index> ids;
  std::vector<float> parameters;
  parameters.reserve(learners_.size() * current_.size());
  for (const Learner& learner : learners_) {
    ids.push_back(learner.id);
    parameters.insert(parameters.end(), learner.parameters.begin(), learner.parameters.end());
  }
  archive.put(concat(prefix, "learners.id"), ids);
  archive.put(concat(prefix, "learners.weight"), weights_);
  archive.put(concat(prefix, "learners.actor"), parameters, {size(), std::ssize(current_)});
}

void Ensemble::load(const ArchiveReader& archive, std::string_view prefix, Index most) {
  const Index count = archive.get_index(concat(prefix, "learners.count"));
  require(count >= 0 && count <= most, "ailboost: \"", prefix, "learners.count\" is ", count,
          "; accepted: 0 to max_learners, which is ", most);
  std::vector<Index> ids;
  std::vector<double> weights;
  std::vector<float> parameters;
  if (count > 0) {
    // lengths as the file has them: a count that lies allocates nothing
    ids = archive.get_vector<Index>(concat(prefix, "learners.id"));
    weights = archive.get_vector<double>(concat(prefix, "learners.weight"));
    parameters = archive.get_vector<float>(concat(prefix, "learners.actor"));
  }
  const bool ascend = std::adjacent_find(ids.begin(), ids.end(), std::greater_equal()) == ids.end();
  require(std::ssize(ids) == count && weights.size() == ids.size() &&
              parameters.size() == ids.size() * current_.size() && ascend &&
              (ids.empty() || ids.front() >= 0) && is_distribution(weights),
          "ailboost: the learners of \"", prefix, "learners\" are inconsistent");
  std::deque<Learner> learners;
  for (std::size_t k = 0; k < ids.size(); ++k) {
    const auto first = parameters.begin() + static_cast<std::ptrdiff_t>(k * current_.size());
    learners.push_back({ids[k], {first, first + std::ssize(current_)}});
  }
  learners_ = std::move(learners);
  set_weights(weights);
}

}  // namespace palaestra::agents::ailboost
