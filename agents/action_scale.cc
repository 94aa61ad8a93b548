#include <palaestra/agents/action_scale.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::agents {

ActionScale::ActionScale(std::string_view agent, const Space& space) {
  require(space.kind == Space::Kind::kBox, agent, ": the action space is ", to_string(space), "; ",
          agent, " needs a box of numbers (continuous actions)");
  for (std::size_t i = 0; i < space.low.size(); ++i) {
    require(
        std::isfinite(space.low[i]) && std::isfinite(space.high[i]) && space.low[i] < space.high[i],
        agent, ": the action space ", to_string(space), " has bounds [", space.low[i], ", ",
        space.high[i], "]; ", agent, " needs finite ones, low below high");
    low.push_back(static_cast<float>(space.low[i]));
    high.push_back(static_cast<float>(space.high[i]));
    middle.push_back(static_cast<float>(0.5 * (space.low[i] + space.high[i])));
    half.push_back(static_cast<float>(0.5 * (space.high[i] - space.low[i])));
  }
}

void ActionScale::to_space(std::span<float> actions) const {
  const std::size_t size = low.size();
  for (std::size_t row = 0; row < actions.size(); row += size) {
    for (std::size_t i = 0; i < size; ++i) {
      const float action = middle[i] + half[i] * actions[row + i];
      actions[row + i] = std::clamp(action, low[i], high[i]);
    }
  }
}

void ActionScale::to_unit(std::span<const float> actions, std::span<float> out) const {
  const std::size_t size = low.size();
  for (std::size_t row = 0; row < actions.size(); row += size) {
    for (std::size_t i = 0; i < size; ++i) {
      out[row + i] = (actions[row + i] - middle[i]) / half[i];
    }
  }
}

}  // namespace palaestra::agents
