#pragma once

#include <span>
#include <string_view>
#include <vector>

#include <palaestra/core/types.h>
#include <palaestra/nn/program.h>

/// What the learners of all agents are made with.
namespace palaestra::agents {

/// Extents of a program without a batch dimension.
inline constexpr std::span<const Index> kFixedRows{};

inline std::vector<float> zeros(Index n) { return std::vector<float>(as_size(n)); }

/// The configuration as given. Throws UserError where its validate() does.
template <class Config>
const Config& checked(const Config& config) {
  validate(config);
  return config;
}

/// The one number of a scalar output.
inline double scalar(const nn::Program<float>& program, int output) {
  return program.value(output)[0];
}

/// Throws std::runtime_error naming `agent` unless the `what` loss of an update is finite.
void require_finite(std::string_view agent, std::string_view what, double loss, Index update);

}  // namespace palaestra::agents
