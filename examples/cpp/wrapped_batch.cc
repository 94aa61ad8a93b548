// Wrappers around a batch: the same calls, other numbers.

#include <iostream>
#include <vector>

#include <palaestra/envs/adapters/wrappers.h>

using namespace palaestra;

int main() {
  const auto batch =
      envs::make("Pendulum-v1", {.size = 8}, {},
                 {envs::ActionRepeat{2}, envs::NormalizeObservation{}, envs::FrameStack{3}});
  const std::vector<float> actions(8, 0.5f);
  for (int step = 0; step < 100; ++step) {
    batch->step(actions);
  }
  std::vector<double> statistics(static_cast<std::size_t>(batch->shared_size()));
  batch->get_shared(statistics);
  std::cout << batch->spec().observation.size() << " numbers a row, normalised by " << statistics[0]
            << " observations\n";
}
