#include <palaestra/replay/relabel.h>

#include <algorithm>

namespace palaestra::replay {
namespace {

constexpr Index kRowsPerBlock = 1024;        // of a parallel block
constexpr Index kMostRoom = Index{1} << 22;  // steps for which room is made beforehand

/// Lists every step of every row.
void unfold(const Storage& storage, const Draw& draw, Index n_step, StepMemory& memory) {
  memory.begin.clear();
  memory.begin.push_back(0);
  memory.row.clear();
  memory.draw.id.clear();
  memory.draw.slot.clear();
  for (std::size_t i = 0; i < draw.id.size(); ++i) {
    const Index most = std::min(n_step, storage.place_of(draw.id[i]).ahead);
    Index slot = draw.slot[i];
    for (Index k = 0; k < most; ++k) {
      if (k > 0) {
        slot = storage.slot_of(storage.place_of(draw.id[i] + k));
      }
      memory.draw.id.push_back(draw.id[i] + k);
      memory.draw.slot.push_back(slot);
      memory.row.push_back(static_cast<std::int32_t>(i));
      if (storage.link(slot).ends()) {
        break;
      }
    }
    memory.begin.push_back(std::ssize(memory.row));
  }
}

StepBatch steps_of(MinibatchMemory& memory, std::span<const RowId> id,
                   std::span<const std::int32_t> row, Index observation_width, Index action_width) {
  const auto part = [&](std::vector<float>& values, Index width) {
    return std::span(values).first(id.size() * static_cast<std::size_t>(width));
  };
  StepBatch steps;
  steps.steps = std::ssize(id);
  steps.observation = part(memory.observation, observation_width);
  steps.action = part(memory.action, action_width);
  steps.next_observation = part(memory.next_observation, observation_width);
  steps.reward = memory.reward;
  steps.discount = memory.discount;
  steps.id = id;
  steps.row = row;
  return steps;
}

}  // namespace

StepBatch RelabelGather::begin(const Storage& storage, const Draw& draw, const Fold& fold,
                               Threads threads, StepMemory& memory, MinibatchMemory& out) const {
  // a discount of 1 leaves 0 or 1: whether the step terminated
  constexpr Fold kSingle{.n_step = 1, .discount = 1.0};
  const Index width = gather_.observation_width(), action_width = gather_.action_width();
  if (fold.n_step == 1) {
    memory.row.resize(draw.id.size());
    for (std::size_t i = 0; i < memory.row.size(); ++i) {
      memory.row[i] = static_cast<std::int32_t>(i);
    }
    gather_(storage, draw, kSingle, threads, out);
    return steps_of(out, draw.id, memory.row, width, action_width);
  }
  const Index most = std::min(draw.rows() * fold.n_step, kMostRoom);
  if (most > memory.room) {  // how many steps there are changes from draw to draw
    memory.draw.resize(most);
    memory.minibatch.resize(most, width, action_width);
    memory.row.reserve(static_cast<std::size_t>(most));
    memory.begin.reserve(static_cast<std::size_t>(draw.rows() + 1));
    memory.room = most;
  }
  unfold(storage, draw, fold.n_step, memory);
  gather_(storage, memory.draw, kSingle, threads, memory.minibatch);
  out.resize(draw.rows(), width, action_width);
  return steps_of(memory.minibatch, memory.draw.id, memory.row, width, action_width);
}

void RelabelGather::finish(const Fold& fold, Threads threads, const StepMemory& memory,
                           MinibatchMemory& out) const {
  if (fold.n_step == 1) {
    for (float& discount : out.discount) {
      discount = static_cast<float>(fold.discount * static_cast<double>(discount));
    }
    return;
  }
  const MinibatchMemory& from = memory.minibatch;
  const auto width = static_cast<std::size_t>(gather_.observation_width());
  const auto action_width = static_cast<std::size_t>(gather_.action_width());
  parallel_for(threads, std::ssize(out.reward), kRowsPerBlock, [&](Index begin, Index end, int) {
    for (auto row = static_cast<std::size_t>(begin); row < static_cast<std::size_t>(end); ++row) {
      const auto first = static_cast<std::size_t>(memory.begin[row]);
      const auto behind = static_cast<std::size_t>(memory.begin[row + 1]);
      double sum = 0, discount = 1;
      std::size_t step = first;
      do {
        sum += discount * static_cast<double>(from.reward[step]);
        discount *= fold.discount * static_cast<double>(from.discount[step]);
        ++step;
      } while (step < behind && from.discount[step - 1] != 0.0f);
      out.reward[row] = static_cast<float>(sum);
      out.discount[row] = static_cast<float>(discount);
      out.steps[row] = static_cast<std::int32_t>(step - first);
      std::copy_n(&from.observation[first * width], width, &out.observation[row * width]);
      std::copy_n(&from.action[first * action_width], action_width,
                  &out.action[row * action_width]);
      std::copy_n(&from.next_observation[(step - 1) * width], width,
                  &out.next_observation[row * width]);
    }
  });
}

void RelabelGather::operator()(const Storage& storage, const Draw& draw, const Fold& fold,
                               const Relabel& relabel, Threads threads, StepMemory& memory,
                               MinibatchMemory& out) const {
  const StepBatch steps = begin(storage, draw, fold, threads, memory, out);
  if (relabel) {
    relabel(steps);
  }
  finish(fold, threads, memory, out);
}

const Minibatch& RelabelSampler::sample(const WeightedReplayBuffer& buffer, Stream& random,
                                        const SampleRequest& request, const Relabel& relabel) {
  Stream stream = random;
  buffer.draw(stream, request, draw_);
  gather_(buffer.storage(), draw_, {request.n_step, request.discount}, relabel,
          buffer.options().threads, steps_, memory_);
  random = stream;
  minibatch_ = memory_.view(draw_);
  return minibatch_;
}

}  // namespace palaestra::replay
