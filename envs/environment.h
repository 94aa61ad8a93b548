#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <type_traits>

#include <palaestra/core/random.h>
#include <palaestra/envs/spec.h>

namespace palaestra::envs {

/// How a row is doing. Anything but kOk ends the episode as a truncation.
enum class Status : std::uint8_t {
  kOk = 0,
  kDiverged = 1,  ///< the simulation met a NaN, an infinity or a huge value
};

/// What one step returns besides the next state.
struct Transition {
  double reward = 0.0;
  bool terminated = false;  ///< the task itself ended; time limits are the batch's business
  Status status = Status::kOk;
};

/// A step whose numbers are not finite, or too large to go on with. It is not taken: the
/// environment leaves its state as it was, so that the final observation is finite.
inline constexpr Transition kDivergedStep = {
    .reward = 0.0, .terminated = false, .status = Status::kDiverged};

/// Whether every number is finite. x - x is 0 for those and NaN for the others: cheap enough for a
/// step of ten nanoseconds.
template <class... Numbers>
bool all_finite(Numbers... x) {
  return ((x - x) + ...) == 0;
}

/// An environment is a constant parameter object; all that changes lives in its State.
///
///   using State = ...;                 trivially copyable, or std::span<double> for state rows
///                                      whose length is known at run time (then state_size()
///                                      exists)
///   using Observation = float;         element type of the observation
///   using Action = float | int64_t;    element type of the action (int64_t: discrete)
///   EnvSpec spec() const;
///   void reset(State&, Stream&) const;
///   Transition step(State&, std::span<const Action>, Stream&) const;
///   void observe(const State&, std::span<Observation>) const;
///
/// An environment that needs mutable work space, one per thread (an mjData), has besides
///
///   using Scratch = ...;
///   Scratch make_scratch() const;      and every call above takes a `Scratch&` first
///
/// An environment whose state cannot be copied, such as a world of a physics engine, has
///
///   using State = ...;                 not trivially copyable, made without arguments; the batch
///                                      holds one object per row
///
/// and the calls of the first list. Its row is saved as the actions of the running episode and
/// restored by taking those steps again, so reset(State&, ...) must leave no trace of what the
/// object did before, and step() may depend on nothing but state, action and stream. What an
/// episode may take over from the one before all the same, such as colours, is saved beside them:
///
///   using Kept = ...;                  trivially copyable, without padding
///   Kept kept(const State&) const;     what the running episode began with
///   bool restart(State&, Stream&, const Kept&) const;
///                                      begins that episode again, from the draws of its reset();
///                                      false for what no episode can have begun with
///
/// What may be left out:
///
///   static E from(KeywordReader&);       options by name; the registry needs it
///   auto read_beginning(KeywordReader&) const;
///   void reset(State&, Stream&, const Beginning&) const;
///                                        options of a reset by name, and the reset that goes by
///                                        what was read; a held state needs restart() with them
///   static constexpr Index kGrain;       rows per parallel block, some 10 us of work
///   static constexpr std::size_t kTogether;
///   std::array<Transition, kTogether> step_together(std::span<State, kTogether>,
///                                        std::span<const Action, kTogether>) const;
///                                        steps of neighbouring rows at once, where that is faster:
///                                        for plain environments with one number of action, and
///                                        taken only where spec().deterministic says that steps
///                                        draw nothing. Every bit must be as from step(), which
///                                        rows without enough neighbours get
///   void info(const State&, std::span<double>) const;
///                                        spec().info.size() values, also after a reset
///   Index physics_size() const;          the state as the original names it, with
///   void get_physics(const State&, std::span<double>) const;
///   void set_physics(State&, std::span<const double>) const;
///                                        may throw UserError for what is no state, s unchanged
///   Index position_size() const;         besides, where that state is (qpos, qvel): how many
///                                        numbers of it are qpos
///   double compute_reward(Goal achieved, Goal desired) const;
///   bool compute_terminated(Goal achieved, Goal desired) const;
///   void set_goal(State&, Goal) const;   Goal: std::span<const double>
///                                        what a goal task (spec().goal) has besides: the reward
///                                        and the end that go with these goals, each as step()
///                                        gives them for the goals that are observed after it
///   bool holds(const State&) const;      whether saved bytes are a state of this environment;
///                                        needed where others would lead out of a table
///   render::ImageSize render_size() const;      pictures: EnvSpec::render_fps says that there are
///   void render(const State&, render::Canvas&) const;          some. The canvas is of that size
///                                        and attached; every pixel is to be painted
///   auto make_renderer() const;          instead of these two, where a canvas is not enough: makes
///                                        an object with size() and draw(const State&,
///                                        std::span<std::uint8_t>), which may keep a pointer to the
///                                        environment; with scratch, draw(Scratch&, ...)
///   const TabularModel& model() const;   all outcomes with their probabilities, where they can be
///                                        listed; opens optimal_value() of the registry
///   double optimal_value(Index horizon) const;
///                                        opens it where they cannot, but the best policy is known
///
/// Calls on different states may run at the same time. Nothing allocates after make_scratch() (held
/// states: the engine may, for a new episode).
template <class E>
concept PlainEnvironment = std::is_trivially_copyable_v<typename E::State> &&
    requires(const E& env, typename E::State& state, Stream& random,
             std::span<const typename E::Action> action, std::span<typename E::Observation> out) {
  { env.spec() } -> std::convertible_to<EnvSpec>;
  env.reset(state, random);
  { env.step(state, action, random) } -> std::convertible_to<Transition>;
  env.observe(state, out);
};

template <class E>
concept ScratchEnvironment = requires(const E& env, typename E::Scratch& scratch,
                                      std::span<double> state, Stream& random,
                                      std::span<const typename E::Action> action,
                                      std::span<typename E::Observation> out) {
  { env.spec() } -> std::convertible_to<EnvSpec>;
  { env.state_size() } -> std::convertible_to<Index>;
  { env.make_scratch() } -> std::same_as<typename E::Scratch>;
  env.reset(scratch, state, random);
  { env.step(scratch, state, action, random) } -> std::convertible_to<Transition>;
  env.observe(scratch, state, out);
};

template <class E>
concept HeldEnvironment =
    !std::is_trivially_copyable_v<typename E::State> &&
    std::default_initializable<typename E::State> &&
    requires(const E& env, typename E::State& state, Stream& random,
             std::span<const typename E::Action> action, std::span<typename E::Observation> out) {
  { env.spec() } -> std::convertible_to<EnvSpec>;
  env.reset(state, random);
  { env.step(state, action, random) } -> std::convertible_to<Transition>;
  env.observe(state, out);
};

/// How many steps of an episode a batch of held environments keeps at most: what bounds the size of
/// a saved row where there is no time limit. Longer episodes go on, but cannot be saved.
inline constexpr Index kLongestHistory = 10'000;

template <class E>
concept Environment = PlainEnvironment<E> || ScratchEnvironment<E> || HeldEnvironment<E>;

}  // namespace palaestra::envs
