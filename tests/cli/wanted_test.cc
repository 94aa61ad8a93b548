#include <palaestra/benchmarks/wanted.h>

#include <doctest/doctest.h>

namespace palaestra::benchmarks {
namespace {

TEST_CASE("names choose rows and what lies below them, up to slashes") {
  const Wanted wanted({"mujoco/Ant-v5/step", "envs", "goal/PointMaze"});
  CHECK(wanted.row("mujoco/Ant-v5/step"));
  CHECK_FALSE(wanted.row("mujoco/Ant-v5/memory"));
  CHECK_FALSE(wanted.row("mujoco/Ant-v5/step2"));
  CHECK(wanted.row("envs/CartPole-v1/step"));
  CHECK_FALSE(wanted.row("envs2/CartPole-v1/step"));
  CHECK(wanted.row("goal/PointMaze/step"));
  CHECK_FALSE(wanted.row("goal/PointMaze-v3/step"));
}

TEST_CASE("a task is measured where any of its rows may be wanted") {
  const Wanted wanted({"mujoco/Ant-v5/step", "envs"});
  CHECK(wanted.below("mujoco"));
  CHECK(wanted.below("mujoco/Ant-v5"));
  CHECK_FALSE(wanted.below("mujoco/Ant"));
  CHECK_FALSE(wanted.below("mujoco/Hopper-v5"));
  CHECK(wanted.below("envs/Pendulum-v1"));
  CHECK_FALSE(wanted.below("box2d"));
}

TEST_CASE("without names everything is wanted") {
  const Wanted all({});
  CHECK(all.row("mujoco/Ant-v5/step"));
  CHECK(all.below("mujoco/Ant-v5"));
}

}  // namespace
}  // namespace palaestra::benchmarks
