#pragma once

#include <span>

namespace palaestra::envs::goal {

// Scripted experts of our own goal tasks: what data sets are made with and learners are measured
// against. Each sees the observation row [observation | achieved | desired] and writes the action
// within +-1. They know nothing beyond the row and draw no random number.

/// Straight to the goal.
void point_reach_expert(std::span<const double> row, std::span<float> action);
/// Through the doors, on a shortest path over the centres of rooms and doors.
void point_rooms_expert(std::span<const double> row, std::span<float> action);
/// Round the object until it is behind, then pushes it.
void push_2d_expert(std::span<const double> row, std::span<float> action);
/// Round the object until it is behind, then strikes it as hard as the way is long.
void slide_2d_expert(std::span<const double> row, std::span<float> action);
/// The target onto the goal.
void reach_3d_expert(std::span<const double> row, std::span<float> action);

}  // namespace palaestra::envs::goal
