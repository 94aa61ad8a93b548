#include <palaestra/envs/adapters/wrap_config.h>

#include <palaestra/core/error.h>

namespace palaestra::envs {

void WrapConfig::check(std::vector<std::string>& problems) const {
  if (!crop.empty() && crop.size() != 4) {
    problems.push_back(
        concat("crop has ", crop.size(), " numbers; accepted: top, left, height, width, or none"));
  }
  if (!resize.empty() && resize.size() != 2) {
    problems.push_back(
        concat("resize has ", resize.size(), " numbers; accepted: height, width, or none"));
  }
  if (!rescale_observation.empty() && rescale_observation.size() != 2) {
    problems.push_back(concat("rescale_observation has ", rescale_observation.size(),
                              " numbers; accepted: low, high, or none"));
  }
}

Wrappers WrapConfig::wrappers() const {
  validate(*this);
  Wrappers result;
  if (transition_noise > 0) {
    result.push_back(TransitionNoise{.sigma = transition_noise});
  }
  if (action_repeat > 1) {
    result.push_back(ActionRepeat{.repeat = action_repeat});
  }
  if (reward_noise > 0) {
    result.push_back(
        RewardNoise{.standard_deviation = reward_noise, .probability = reward_noise_probability});
  }
  if (!crop.empty()) {
    result.push_back(Crop{.top = crop[0], .left = crop[1], .height = crop[2], .width = crop[3]});
  }
  if (!resize.empty()) {
    result.push_back(Resize{.height = resize[0], .width = resize[1], .method = resize_method});
  }
  if (flatten_goal) {
    result.push_back(FlattenGoal{});
  }
  if (!rescale_observation.empty()) {
    result.push_back(
        RescaleObservation{.low = rescale_observation[0], .high = rescale_observation[1]});
  }
  if (normalize_observation) {
    result.push_back(NormalizeObservation{.clip = normalize_clip});
  }
  if (frame_stack > 1) {
    result.push_back(FrameStack{.size = frame_stack, .padding = frame_padding});
  }
  if (normalize_reward) {
    result.push_back(NormalizeReward{.discount = normalize_discount});
  }
  return result;
}

}  // namespace palaestra::envs
