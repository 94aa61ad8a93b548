#include <palaestra/agents/one_hot.h>

#include <cmath>
#include <vector>

#include <palaestra/core/error.h>
#include <palaestra/nn/graph.h>

namespace palaestra::agents {

nn::Expr one_hot(nn::Expr index, Index count) {
  std::vector<nn::Expr> numbers;
  for (Index i = 0; i < count; ++i) {
    numbers.push_back(nn::constant(index.graph(), static_cast<double>(i)));
  }
  const nn::Expr distance = nn::abs(index - nn::concat_columns(numbers));
  return nn::stop_gradient(1 - nn::greater(distance, nn::constant(index.graph(), 0.5)));
}

void Encoding::check(std::span<const float> values, std::string_view caller) const {
  if (choices == 0) {
    return;
  }
  for (const float value : values) {
    require(value >= 0 && value < static_cast<float>(choices) && std::trunc(value) == value, caller,
            " ", value, " is no choice; accepted: 0 to ", choices - 1);
  }
}

}  // namespace palaestra::agents
