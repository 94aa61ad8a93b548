#pragma once

#include <span>
#include <string>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/environment.h>
#include <palaestra/envs/render/image.h>
#include <palaestra/envs/stochastic/tabular.h>

namespace palaestra::envs::render {
class Canvas;
}

namespace palaestra::envs {

/// An environment that is nothing but its model: the part that all tabular tasks share. A task
/// derives from it, fills in the model and adds `spec` and `from`.
///
/// The observation is the number of the state. The info `prob` is the probability of the outcome
/// that was drawn, 1 after a reset. The physical state is the number of the state; setting another
/// than one of the model's is an error.
class TabularTask {
 public:
  struct State {
    Index state;
    double probability;
  };
  using Observation = std::int64_t;
  using Action = std::int64_t;

  /// Throws UserError for a model that is not valid.
  explicit TabularTask(std::string id, TabularModel model)
      : id_(std::move(id)), model_(std::move(model)) {
    require_valid(model_);
    for (std::size_t s = 0; s < model_.start.size(); ++s) {
      if (model_.start[s] == 1.0) {
        only_start_ = static_cast<Index>(s);
      }
    }
  }

  const TabularModel& model() const { return model_; }

  void reset(State& s, Stream& random) const {
    s.probability = 1.0;
    // a certain start costs no draw
    s.state =
        only_start_ >= 0 ? only_start_ : draw(model_.start, random, [](double p) { return p; });
  }

  Transition step(State& s, std::span<const Action> action, Stream& random) const {
    const auto outcomes = model_.at(s.state, action[0]);
    // a certain outcome costs no draw
    const auto k = outcomes.size() == 1
                       ? 0
                       : draw(outcomes, random, [](const Outcome& o) { return o.probability; });
    const Outcome& outcome = outcomes[static_cast<std::size_t>(k)];
    s = {outcome.next, outcome.probability};
    return {.reward = outcome.reward, .terminated = outcome.terminated};
  }

  void observe(const State& s, std::span<std::int64_t> out) const { out[0] = s.state; }
  void info(const State& s, std::span<double> out) const { out[0] = s.probability; }

  bool holds(const State& s) const { return s.state >= 0 && s.state < model_.states; }

  static constexpr Index physics_size() { return 1; }
  void get_physics(const State& s, std::span<double> out) const {
    out[0] = static_cast<double>(s.state);
  }
  void set_physics(State& s, std::span<const double> in) const {
    const double last = static_cast<double>(model_.states - 1);
    require(in[0] >= 0 && in[0] <= last && in[0] == static_cast<double>(static_cast<Index>(in[0])),
            id_, ": the state is ", in[0], "; accepted: whole numbers from 0 to ",
            model_.states - 1);
    s = {static_cast<Index>(in[0]), 1.0};
  }

  /// The model as a graph.
  render::ImageSize render_size() const;
  void render(const State& s, render::Canvas& canvas) const;

 protected:
  /// The facts that follow from the model.
  EnvSpec spec_of_model() const {
    EnvSpec s;
    s.id = id_;
    s.family = "stochastic";
    s.origin = "palaestra";
    s.observation = Space::discrete(model_.states);
    s.action = Space::discrete(model_.actions);
    s.deterministic = std::ssize(model_.outcomes) == model_.states * model_.actions;
    s.distinct_starts = false;
    s.info = {"prob"};
    s.render_fps = 4;
    return s;
  }

 private:
  /// Number of the first item at which the running sum of probabilities passes a uniform draw.
  /// Items of probability 0 are never drawn, whatever rounding makes of the sum.
  template <class Items, class Probability>
  static Index draw(const Items& items, Stream& random, Probability&& probability) {
    double left = random.uniform();
    Index chosen = 0;
    for (std::size_t k = 0; k < items.size(); ++k) {
      const double p = probability(items[k]);
      if (p > 0) {
        chosen = static_cast<Index>(k);
        left -= p;
        if (left < 0) {
          break;
        }
      }
    }
    return chosen;
  }

  std::string id_;
  TabularModel model_;
  Index only_start_ = -1;  // -1: one of several
};

}  // namespace palaestra::envs
