#pragma once

// Definitions of Controlled<Task>: included by the source file of each domain, and nowhere else.

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/dm_control/controlled.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/envs/mujoco/options.h>

namespace palaestra::envs::dm_control {

template <class Task>
EnvSpec Controlled<Task>::spec_of(const std::string& id, const Task& task, int action_repeat) {
  EnvSpec s = task.spec();
  s.id = id;
  s.time_limit = (Task::kTimeLimit + action_repeat - 1) / action_repeat;
  s.render_fps = std::max(1L, std::lrint(1 / (Task::kControlStep * action_repeat)));
  return s;
}

template <class Task>
auto Controlled<Task>::read_options(KeywordReader& options) -> Choice {
  Choice choice{1, mujoco::read_view(options, default_view())};
  mujoco::read_integer(options, "action_repeat", 1, 1000, choice.action_repeat);
  options.finish();  // a wrong option is reported before a missing file
  return choice;
}

template <class Task>
EnvSpec Controlled<Task>::describe(KeywordReader& options, const Task& task) {
  const Choice choice = read_options(options);
  return spec_of(options.id(), task, choice.action_repeat);
}

template <class Task>
Controlled<Task> Controlled<Task>::from(KeywordReader& options, const Task& task) {
  const Choice choice = read_options(options);
  return Controlled(options.id(), task, choice.action_repeat, load(options.id(), task),
                    choice.view);
}

template <class Task>
mujoco::Model Controlled<Task>::load(const std::string& id, const Task& task) {
  const auto file =
      mujoco::find_asset(kPackage.name, std::filesystem::path("suite") / Task::kModel.name);
  mujoco::require_original(file, id.c_str(), Task::kModel.sha256, kPackage);
  return mujoco::load_model(file, [&](mjSpec& spec) {
    shrink_sky(spec);
    if constexpr (requires { task.edit(spec); }) {
      task.edit(spec);
    }
  });
}

template <class Task>
Controlled<Task>::Controlled(const std::string& id, const Task& task, int action_repeat,
                             mujoco::Model model, const mujoco::View& view)
    : id_(id),
      task_(task),
      action_repeat_(action_repeat),
      model_(std::move(model)),
      view_(with_camera(model_, view)),
      layout_(mujoco::layout_of(*model_, 1 + Task::kEpisode)),
      episode_(layout_.memory + 1),
      observation_(layout_.derived) {
  const EnvSpec s = spec();
  spec_size_ = s.observation.size();
  require_controls(*model_, id, s.action);
  require(std::abs(mujoco::step_seconds(*model_, Task::kSubsteps) - Task::kControlStep) < 1e-12, id,
          ": a control step of the model lasts ", mujoco::step_seconds(*model_, Task::kSubsteps),
          " s; this task's lasts ", Task::kControlStep, " s");
  task_.bind(Names(*model_));
}

template <class Task>
Stage Controlled<Task>::make_scratch() const {
  if constexpr (kOwnModel) {
    auto own = std::make_shared<EpisodeModel>(model_);
    mujoco::Model view(own, &**own);
    return {std::move(own), mujoco::Data(std::move(view))};
  } else {
    return {nullptr, mujoco::Data(model_)};
  }
}

template <class Task>
void Controlled<Task>::arrange(Stage& stage, std::span<const double> episode) const {
  if constexpr (kOwnModel) {
    task_.arrange(**stage.own, episode);
  }
}

template <class Task>
void Controlled<Task>::store(const Stage& stage, State row, double control_steps) const {
  mujoco::pack(stage.data, row);
  row[layout_.memory] = control_steps;
  const std::span<double> seen = row.subspan(observation_);
  Sink sink{seen};
  task_.observe(scene(stage, row), sink);
  for (double& x : seen) {
    x = std::isfinite(x) ? x : 0.0;
  }
}

template <class Task>
void Controlled<Task>::reset(Stage& stage, State row, Stream& random) const {
  std::fill(row.begin(), row.end(), 0.0);
  if constexpr (kOwnModel) {
    stage.own->restore();  // whatever row has used it before
  }
  mujoco::start_over(stage.data);
  mujoco::forward_without_actuation(stage.data);
  Start start{.data = stage.data,
              .qpos = {stage.data->qpos, layout_.positions},
              .qvel = {stage.data->qvel, layout_.velocities},
              .episode = row.subspan(episode_, Task::kEpisode),
              .random = random,
              .own = stage.own == nullptr ? nullptr : &**stage.own};
  task_.start(start);
  arrange(stage, episode(row));
  stage.data->time = 0.0;
  mujoco::forward_without_actuation(stage.data);
  store(stage, row, 0.0);
}

template <class Task>
Transition Controlled<Task>::step(Stage& stage, State row, std::span<const float> action,
                                  Stream&) const {
  arrange(stage, episode(row));
  const auto limit = static_cast<double>(Task::kTimeLimit);
  double control_steps = row[layout_.memory], total = 0.0;
  try {
    for (int k = 0; k < action_repeat_; ++k) {
      const bool good = k == 0 ? mujoco::advance(stage.data, row, action, Task::kSubsteps, false)
                               : mujoco::go_on(stage.data, Task::kSubsteps);
      if (!good) [[unlikely]] {
        return kDivergedStep;
      }
      mujoco::refresh(stage.data, task_.fresh());
      total += task_.reward(scene(stage, row));
      control_steps += 1.0;
      if (control_steps == limit) {
        break;  // the last decision of an episode may be a short one
      }
    }
  } catch (const mujoco::EngineError&) {
    return kDivergedStep;  // more contacts than its memory holds: this row's trouble, not the run's
  }
  if (!std::isfinite(total)) [[unlikely]] {
    return kDivergedStep;
  }
  store(stage, row, control_steps);
  return {.reward = total};
}

template <class Task>
void Controlled<Task>::observe(Stage&, std::span<const double> row, std::span<double> out) const {
  std::copy_n(row.begin() + static_cast<std::ptrdiff_t>(observation_), out.size(), out.begin());
}

template <class Task>
void Controlled<Task>::get_physics(std::span<const double> row, std::span<double> out) const {
  const std::size_t engine = layout_.positions + layout_.velocities + layout_.activations;
  std::copy_n(row.begin() + static_cast<std::ptrdiff_t>(layout_.qpos), engine, out.begin());
  std::ranges::copy(episode(row), out.begin() + static_cast<std::ptrdiff_t>(engine));
}

template <class Task>
void Controlled<Task>::set_physics(Stage& stage, State row, std::span<const double> values) const {
  const std::span<const double> numbers = values.last(Task::kEpisode);
  mujoco::start_over(stage.data);
  arrange(stage, numbers);
  mujoco::forward_without_actuation(stage.data);
  const auto take = [&values](double* to, std::size_t count) {
    std::copy_n(values.begin(), count, to);
    values = values.subspan(count);
  };
  take(stage.data->qpos, layout_.positions);
  take(stage.data->qvel, layout_.velocities);
  take(stage.data->act, layout_.activations);
  mujoco::as_asked([&] { mujoco::forward_without_actuation(stage.data); });
  std::ranges::copy(numbers, row.begin() + static_cast<std::ptrdiff_t>(episode_));
  store(stage, row, row[layout_.memory]);
}

template <class Task>
Controlled<Task>::Renderer::Renderer(const Controlled& env)
    : env_(&env), scene_(env.model_, env.view_) {}

template <class Task>
void Controlled<Task>::Renderer::draw(Stage& stage, std::span<const double> row,
                                      std::span<std::uint8_t> out) {
  env_->arrange(stage, env_->episode(row));
  scene_.draw(stage.data, row, out);
}

}  // namespace palaestra::envs::dm_control
