#include <palaestra/replay/minibatch.h>

#include <palaestra/core/error.h>

namespace palaestra::replay {

Minibatch part(const Minibatch& minibatch, Index k, Index of) {
  const Index rows = minibatch.rows;
  require(of >= 1 && of <= rows, "part: of is ", of, ", expected 1 to ", rows, ", the rows");
  require(k >= 0 && k < of, "part: k is ", k, ", expected 0 to ", of - 1);
  const Index begin = k * rows / of, count = (k + 1) * rows / of - begin;
  const auto cut = [&](auto whole) {
    const Index width = std::ssize(whole) / rows;
    return whole.subspan(static_cast<std::size_t>(begin * width),
                         static_cast<std::size_t>(count * width));
  };
  return {.rows = count,
          .observation = cut(minibatch.observation),
          .action = cut(minibatch.action),
          .reward = cut(minibatch.reward),
          .discount = cut(minibatch.discount),
          .next_observation = cut(minibatch.next_observation),
          .index = cut(minibatch.index),
          .weight = cut(minibatch.weight),
          .probability = cut(minibatch.probability),
          .steps = cut(minibatch.steps)};
}

}  // namespace palaestra::replay
