#include <palaestra/envs/adapters/flatten_goal.h>

#include <palaestra/envs/adapters/observation_map.h>

namespace palaestra::envs {
namespace {

class FlatGoalBatch final : public ObservationMap {
 public:
  FlatGoalBatch(std::unique_ptr<AnyBatch> inner_batch, EnvSpec spec)
      : ObservationMap(std::move(inner_batch), std::move(spec)) {
    const EnvSpec& whole = inner().spec();
    const std::size_t number = size_of(whole.observation.dtype);
    first_ = static_cast<std::size_t>(whole.goal->observation) * number;
    skipped_ = static_cast<std::size_t>(whole.goal->achieved) * number;
    last_ = static_cast<std::size_t>(whole.goal->desired) * number;
    show_all();
  }

  std::string_view name() const override { return "flatten_goal"; }

 private:
  void map(const std::byte* from, std::byte* to) const override {
    std::memcpy(to, from, first_);
    std::memcpy(to + first_, from + first_ + skipped_, last_);
  }

  std::size_t first_, skipped_, last_;  // bytes
};

}  // namespace

EnvSpec wrapped(EnvSpec spec, const FlattenGoal&) {
  require(spec.goal.has_value(), "flatten_goal: ", spec.id, " is not a goal task");
  Space& space = spec.observation;
  const auto from = spec.goal->observation, to = from + spec.goal->achieved;
  space.low.erase(space.low.begin() + from, space.low.begin() + to);
  space.high.erase(space.high.begin() + from, space.high.begin() + to);
  space.shape = {spec.goal->observation + spec.goal->desired};
  spec.goal.reset();
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const FlattenGoal& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  return std::make_unique<FlatGoalBatch>(std::move(inner), std::move(spec));
}

}  // namespace palaestra::envs
