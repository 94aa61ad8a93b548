#pragma once

#include <vector>

#include <palaestra/experiments/experiment.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments {

/// Adds "score:x" to the runs of an experiment, as its Scores say. Where an arm that a scale is
/// made of has no run or a failed one, or its two ends are the same, there are no scores: whatever
/// asks for them says so.
void add_scores(const Experiment& experiment, std::vector<Measurement>& runs);

}  // namespace palaestra::experiments
