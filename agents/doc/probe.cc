#include <palaestra/agents/doc/probe.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <palaestra/agents/doc/losses.h>
#include <palaestra/agents/learner_parts.h>
#include <palaestra/core/error.h>

namespace palaestra::agents::doc {

namespace {

constexpr Purpose kProbeInitialPurpose = purpose("doc/probe/initial");
constexpr Purpose kProbeNoisePurpose = purpose("doc/probe/noise");

}  // namespace

Probe::Probe(Learner& learner, std::uint64_t seed, Threads threads)
    : learner_(&learner),
      seed_(seed),
      threads_(threads),
      nets_(learner.networks().sizes, learner.config()),
      blocks_(nets_.sizes, nets_.encode_reward),
      critic_(zeros(nets_.critic.layout.size())),
      free_critic_(zeros(nets_.free_critic.layout.size())),
      critic_gradient_(critic_.size()),
      free_critic_gradient_(free_critic_.size()),
      critic_adam_(nets_.critic.layout.size(), critic_adam_of(learner.config())),
      free_critic_adam_(nets_.free_critic.layout.size(), critic_adam_of(learner.config())),
      z_(zeros(nets_.sizes.windows * nets_.latent)),
      critic_step_(compile(false)),
      free_critic_step_(compile(true)),
      critic_output_(critic_step_.output("loss")),
      free_critic_output_(free_critic_step_.output("loss")) {
  nn::initialize(nets_.critic.layout, Stream(seed, kProbeInitialPurpose, 0), std::span(critic_));
  nn::initialize(nets_.free_critic.layout, Stream(seed, kProbeInitialPurpose, 1),
                 std::span(free_critic_));
  blocks_.bind(critic_step_);
  critic_step_.bind_input(critic_step_.input("z"), z_);
  critic_step_.bind_vector(critic_step_.vector("critic"), critic_);
  critic_step_.bind_output(critic_step_.output("gradient"), critic_gradient_);
  blocks_.bind(free_critic_step_);
  free_critic_step_.bind_vector(free_critic_step_.vector("free_critic"), free_critic_);
  free_critic_step_.bind_output(free_critic_step_.output("gradient"), free_critic_gradient_);
}

Probe::Program Probe::compile(bool free) const {
  nn::Graph graph;
  const Windows w = window_inputs(graph, nets_);
  const nn::Expr z = nn::input(graph, "z", {1, nets_.sizes.windows, nets_.latent});
  const nn::Expr loss = free ? free_critic_loss(nets_, w) : critic_loss(nets_, w, z);
  const std::string vector = free ? "free_critic" : "critic";
  const Index size = free ? nets_.free_critic.layout.size() : nets_.critic.layout.size();
  return {graph,
          {.values = {{"loss", loss}}, .gradients = {{"gradient", loss, vector, size}}},
          {.max_rows = {}, .name = "doc/probe/" + vector}};
}

/// Latents of the encoder as it is now, each time with draws of its own.
void Probe::load(const replay::WindowBatch& batch) {
  blocks_.fill(learner_->task(), batch);
  std::fill(z_.begin(), z_.end(), 0.0f);
  Stream random(seed_, kProbeNoisePurpose, static_cast<std::uint64_t>(calls_));
  learner_->encode(batch, random,
                   std::span(z_).first(static_cast<std::size_t>(batch.windows * nets_.latent)));
  ++calls_;
}

double Probe::run(bool free) {
  Program& program = free ? free_critic_step_ : critic_step_;
  program.run(kFixedRows, threads_);
  const double loss = program.value(free ? free_critic_output_ : critic_output_)[0];
  if (!std::isfinite(loss)) [[unlikely]] {
    throw std::runtime_error(concat("doc: the loss of a probe is ", loss));
  }
  return loss;
}

void Probe::update(const replay::WindowBatch& batch) {
  load(batch);
  run(false);
  critic_adam_.step(critic_, critic_gradient_, threads_);
  run(true);
  free_critic_adam_.step(free_critic_, free_critic_gradient_, threads_);
}

double Probe::information(const replay::WindowBatch& batch) {
  load(batch);
  return run(true) - run(false);
}

}  // namespace palaestra::agents::doc
