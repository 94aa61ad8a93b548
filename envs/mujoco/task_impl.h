#pragma once

// Definitions of Simulated<Task>: included by the source file of each task, and nowhere else.

#include <mujoco/mujoco.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/mujoco/assets.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/envs/mujoco/task.h>

namespace palaestra::envs::mujoco {

template <class Task>
Simulated<Task> Simulated<Task>::from(KeywordReader& options) {
  const Task task = Task::from(options);
  const Choice choice = read_options(options);
  return Simulated(task, load(choice), choice.view, choice.file);
}

template <class Task>
auto Simulated<Task>::read_options(KeywordReader& options) -> Choice {
  Choice choice{.view = read_gymnasium_view(options, default_view()),
                .file = options.text("xml_file", Task::kModelFile)};
  options.finish();  // a wrong option is reported before a missing file
  return choice;
}

template <class Task>
Model Simulated<Task>::load(const Choice& choice) {
  const std::filesystem::path file = gymnasium_model(choice.file);
  if (choice.original()) {
    require_original(file, Task::kId, Task::kModelSha256);
  }
  return load_model(file);
}

template <class Task>
EnvSpec Simulated<Task>::describe(KeywordReader& options) {
  const Task task = Task::from(options);
  const Choice choice = read_options(options);
  return choice.original() ? spec_of(task)
                           : Simulated(task, load(choice), choice.view, choice.file).spec();
}

template <class Task>
EnvSpec Simulated<Task>::spec_of(const Task& task) {
  check(task);
  EnvSpec spec = task.spec();
  spec.render_fps = std::max(1L, std::lrint(1 / (Task::kTimestep * task.frame_skip)));
  if constexpr (requires { Task::kTrackingCamera; }) {
    spec.tracking_camera = Task::kTrackingCamera;
  }
  return spec;
}

template <class Task>
Simulated<Task>::Simulated(const Task& task, Model model, const View& view, const std::string& file)
    : task_(task),
      model_(std::move(model)),
      view_(view),
      layout_(layout_of(*model_, sizeof(Memory) / sizeof(double))),
      dt_(step_seconds(*model_, task.frame_skip)) {
  if constexpr (requires { Task::kLeast; }) {
    require_fitting(*model_, Task::kId, file, Task::kLeast, false);
    task_.sizes = sizes_of(*model_);
  } else {
    require_fitting(*model_, Task::kId, file, Task::kModel, true);
  }
  check(task_);
  if constexpr (requires { task_.bind(*model_); }) {
    task_.bind(*model_);
  }
  make_renderer();  // refuses a camera that the model does not have
}

template <class Task>
EnvSpec Simulated<Task>::spec() const {
  EnvSpec spec = spec_of(task_);
  spec.action = control_space(*model_);
  spec.render_fps = std::max(1L, std::lrint(1 / dt_));
  if (mj_name2id(model_.get(), mjOBJ_CAMERA, spec.tracking_camera.c_str()) < 0) {
    spec.tracking_camera.clear();
  }
  return spec;
}

template <class Task>
Snapshot Simulated<Task>::snapshot(const Data& data, bool stepped) const {
  return {.pose = {{data->qpos, layout_.positions}, {data->qvel, layout_.velocities}},
          .dt = dt_,
          .stepped = stepped,
          .model = *model_,
          .data = *data};
}

template <class Task>
void Simulated<Task>::store(const Data& data, const Snapshot& now, const Memory& memory,
                            State row) const {
  pack(data, row);
  std::memcpy(row.data() + layout_.memory, &memory, sizeof(Memory));
  if constexpr (requires { task_.derived_size(); }) {
    const std::span<double> kept = row.subspan(layout_.derived);
    task_.derive(now, kept);
    for (double& x : kept) {
      x = std::isfinite(x) ? x : 0.0;
    }
  }
}

template <class Task>
void Simulated<Task>::reset(Scratch& data, State row, Stream& random) const {
  start_over(data);
  task_.start({data->qpos, layout_.positions}, {data->qvel, layout_.velocities}, random);
  settle(data);

  std::fill(row.begin(), row.end(), 0.0);
  Memory memory{};
  const Snapshot now = snapshot(data, false);
  task_.placed(now, memory);
  store(data, now, memory, row);
}

template <class Task>
Transition Simulated<Task>::step(Scratch& data, State row, std::span<const float> action,
                                 Stream&) const {
  try {
    if (!advance(data, row, action, task_.frame_skip, Task::kExternalForces)) [[unlikely]] {
      return kDivergedStep;
    }
  } catch (const EngineError&) {
    return kDivergedStep;  // more contacts than its memory holds: this row's trouble, not the run's
  }
  Memory memory = remember(row);
  const Snapshot now = snapshot(data, true);
  const Transition transition = task_.step(pose(row), now, action, memory);
  // the engine cuts huge controls to their range, but their price is computed before the cut
  if (!std::isfinite(transition.reward)) [[unlikely]] {
    return kDivergedStep;
  }
  store(data, now, memory, row);
  return transition;
}

template <class Task>
void Simulated<Task>::observe(Scratch&, std::span<const double> row, std::span<double> out) const {
  task_.observe(pose(row), derived(row), out);
}

template <class Task>
void Simulated<Task>::info(std::span<const double> row, std::span<double> out) const {
  std::copy_n(row.begin() + static_cast<std::ptrdiff_t>(layout_.memory), out.size(), out.begin());
}

template <class Task>
void Simulated<Task>::get_physics(std::span<const double> row, std::span<double> out) const {
  const Pose p = pose(row);
  std::copy(p.qvel.begin(), p.qvel.end(), std::copy(p.qpos.begin(), p.qpos.end(), out.begin()));
}

template <class Task>
void Simulated<Task>::set_physics(Scratch& data, State row, std::span<const double> values) const {
  unpack(data, row);
  as_asked(
      [&] { place(data, values.first(layout_.positions), values.subspan(layout_.positions)); });
  Memory memory = remember(row);
  const Snapshot now = snapshot(data, false);
  task_.placed(now, memory);
  store(data, now, memory, row);
}

}  // namespace palaestra::envs::mujoco
