#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include <palaestra/envs/conformance_check.h>

namespace palaestra::envs::conformance {
namespace {

constexpr Index kLimit = 30;

/// A batch in the middle of episodes, with some ends behind it.
std::unique_ptr<AnyBatch> warmed_up(const Check& check, AutoresetMode mode, Index steps) {
  auto batch = check.make(3, mode, kLimit);
  RandomActions actions = check.actions(3);
  for (Index t = 0; t < steps; ++t) {
    actions.step(*batch, t);
  }
  return batch;
}

}  // namespace

void states_can_be_saved_and_branched(Check& check) {
  for (const AutoresetMode mode : {AutoresetMode::kNextStep, AutoresetMode::kSameStep}) {
    // 30: with NEXT_STEP the rows are saved between the end of an episode and the next
    for (const Index steps : {Index{17}, Index{30}}) {
      const auto source = warmed_up(check, mode, steps);
      const auto target = check.make(5, mode, kLimit, 2);
      Bytes state(static_cast<std::size_t>(source->state_bytes()));
      source->get_state(std::vector<Index>{1}, state);
      target->set_state(std::vector<Index>{4}, state);
      Bytes again(state.size());
      target->get_state(std::vector<Index>{4}, again);
      check.expect(state == again, "a restored state is not the saved one");
      check.expect(observation_bytes(*target, 4, target->columns().observation) ==
                       observation_bytes(*source, 1, source->columns().observation),
                   "a restored row observes something else");

      RandomActions ours = check.actions(5), theirs = check.actions(3);
      for (Index t = steps; t < steps + 70; ++t) {
        theirs.step(*source, t);
        ours.step_as(*target, t, std::vector<Index>{0, 0, 0, 0, 1});
        check.expect(column_bytes(*target, 4, 5) == column_bytes(*source, 1, 2),
                     "a branched row goes its own way at step ", t);
      }

      const Bytes before = states_of(*target);
      check.expect(
          !refusal([&] { target->set_state(std::vector<Index>{5}, state); }).empty() &&
              !refusal([&] { target->set_state(std::vector<Index>{-1}, state); }).empty() &&
              !refusal([&] {
                 target->set_state(std::vector<Index>{0, 1}, state);
               }).empty(),
          "a state is restored into rows that are not there, or from too few bytes");
      check.expect(before == states_of(*target), "a refused set_state changed something");
    }
  }
}

void files_continue_to_the_same_bits(Check& check) {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() /
      concat("palaestra-conformance-", ::getpid(), "-", check.spec.id, ".safetensors");
  std::filesystem::create_directories(file.parent_path());  // an id may contain a slash
  for (const AutoresetMode mode :
       {AutoresetMode::kNextStep, AutoresetMode::kSameStep, AutoresetMode::kDisabled}) {
    const bool disabled = mode == AutoresetMode::kDisabled;
    const auto whole = warmed_up(check, mode, disabled ? 1 : 47);
    ArchiveWriter writer;
    whole->save(writer, "batch");
    writer.save(file);

    const auto resumed = check.registration.make(
        {.size = 3, .autoreset = mode, .seed = kSeed + 1, .time_limit = kLimit}, check.keywords);
    resumed->load(ArchiveReader(file), "batch");
    RandomActions actions = check.actions(3);
    for (Index t = 100; t < (disabled ? 101 : 180); ++t) {
      check.expect(all_column_bytes(*whole, 0, 3) == all_column_bytes(*resumed, 0, 3),
                   "a loaded batch goes its own way at step ", t);
      if (!disabled || !(ended(*whole, 0) || ended(*whole, 1) || ended(*whole, 2))) {
        actions.step(*whole, t);
        actions.step(*resumed, t);
      }
    }
    check.expect(states_of(*whole) == states_of(*resumed), "a loaded batch ends in other states");

    const auto smaller = check.make(2, mode, kLimit);
    const Bytes before = all_column_bytes(*smaller, 0, 2), states = states_of(*smaller);
    check.expect(!refusal([&] { smaller->load(ArchiveReader(file), "batch"); }).empty() &&
                     !refusal([&] { smaller->load(ArchiveReader(file), "nothing"); }).empty(),
                 "a batch of 2 loads one of 3, or one that is not there");
    check.expect(before == all_column_bytes(*smaller, 0, 2) && states == states_of(*smaller),
                 "a refused load changed something");
  }
  std::filesystem::remove(file);
}

void physical_state_can_be_set(Check& check) {
  const auto source = warmed_up(check, AutoresetMode::kNextStep, 13);
  const auto target = check.make(2);
  const auto size = static_cast<std::size_t>(source->physics_size());
  if (size == 0) {
    std::vector<double> none;
    check.expect(!refusal([&] { target->set_physics(0, none); }).empty(),
                 "set_physics is accepted although there is no physical state");
    return;
  }
  std::vector<double> values(size), again(size);
  source->get_physics(2, values);
  target->set_physics(1, values);
  target->get_physics(1, again);
  check.expect(values == again, "the physical state that is read is not the one that was set");

  const Bytes states = states_of(*target), columns = all_column_bytes(*target, 0, 2);
  std::vector<double> broken = values;
  broken.back() = std::numeric_limits<double>::quiet_NaN();
  check.expect(
      !refusal([&] { target->set_physics(1, broken); }).empty() &&
          !refusal([&] { target->set_physics(2, values); }).empty() &&
          !refusal([&] { target->set_physics(1, std::span(values).first(size - 1)); }).empty() &&
          !refusal([&] { target->get_physics(-1, values); }).empty(),
      "a physical state with a NaN, of the wrong length or row is accepted");
  check.expect(states == states_of(*target) && columns == all_column_bytes(*target, 0, 2),
               "a refused set_physics changed something");
}

void absurd_states_are_the_row_s_own_trouble(Check& check) {
  constexpr Index kRow = 1;
  const std::vector<std::uint8_t> only_that_row = {0, 1, 0};
  const std::vector<std::uint64_t> seeds = {4, 5, 6};
  for (const double size : {1e12, 1e160, 1e300, -1e300}) {
    const auto batch = check.make(3, AutoresetMode::kSameStep),
               calm = check.make(3, AutoresetMode::kSameStep);
    if (batch->physics_size() == 0) {
      return;
    }
    const Bytes before = states_of(*batch);
    const std::string refused = refusal([&] {
      batch->set_physics(
          kRow, std::vector<double>(static_cast<std::size_t>(batch->physics_size()), size));
    });
    check.expect(refused.empty() || before == states_of(*batch), "a refused state of ", size,
                 " changed something");
    RandomActions actions = check.actions(3);
    const auto expect_others_calm = [&](Index t) {
      for (const Index row : {Index{0}, Index{2}}) {
        check.expect(column_bytes(*batch, row, row + 1) == column_bytes(*calm, row, row + 1),
                     "a state of ", size, " in row ", kRow, " disturbs row ", row, " at step ", t);
      }
    };
    for (Index t = 0; t < 3; ++t) {
      actions.step(*batch, t);
      actions.step(*calm, t);
      check.expect(std::isfinite(batch->columns().reward[kRow]), "the reward is ",
                   batch->columns().reward[kRow], " in a state of ", size);
      expect_others_calm(t);
    }
    // the next episode in that row, and in the work space that it has used, is like any other
    batch->reset(seeds, only_that_row);
    calm->reset(seeds, only_that_row);
    for (Index t = 3; t < 6; ++t) {
      check.expect(column_bytes(*batch, kRow, kRow + 1) == column_bytes(*calm, kRow, kRow + 1),
                   "a state of ", size, " is felt in the next episode");
      actions.step(*batch, t);
      actions.step(*calm, t);
      expect_others_calm(t);
    }
  }
}

}  // namespace palaestra::envs::conformance
