#include <palaestra/envs/adapters/frame_stack.h>

#include <algorithm>
#include <cstring>

#include <palaestra/envs/adapters/adapter.h>

namespace palaestra::envs {
namespace {

/// The observation to pad with, as bytes of its type.
std::vector<std::byte> padding_frame(const Space& space, const FrameStack& wrapper) {
  std::vector<std::byte> frame(space.bytes());
  const auto put = [&](std::size_t k, auto number) {
    std::memcpy(frame.data() + k * sizeof(number), &number, sizeof(number));
  };
  for (std::size_t k = 0; k < static_cast<std::size_t>(space.size()); ++k) {
    const double x =
        wrapper.custom.empty() ? std::clamp(0.0, space.low[k], space.high[k]) : wrapper.custom[k];
    switch (space.dtype) {
      case DType::kFloat32:
        put(k, static_cast<float>(x));
        break;
      case DType::kFloat64:
        put(k, x);
        break;
      case DType::kUint8:
        put(k, static_cast<std::uint8_t>(x));
        break;
      default:
        throw UserError(concat("frame_stack: observations are ", name_of(space.dtype),
                               "; accepted: float32, float64, uint8"));
    }
  }
  return frame;
}

class StackingBatch final : public Adapter {
 public:
  StackingBatch(std::unique_ptr<AnyBatch> inner_batch, EnvSpec spec, const FrameStack& wrapper)
      : Adapter(std::move(inner_batch), std::move(spec)),
        frame_(inner().spec().observation.bytes()),
        stack_(this->spec().observation.bytes()),
        first_again_(wrapper.custom.empty() && wrapper.padding == FrameStack::Padding::kReset),
        padding_(padding_frame(inner().spec().observation, wrapper)),
        observation_(size() * static_cast<Index>(stack_)),
        final_observation_(size() * static_cast<Index>(stack_)) {
    // the stack that is shown is all there is to know of the past
    keep("stack", observation_, static_cast<Index>(stack_));
    show("final_observation", final_observation_);
    columns_.observation = observation_.data();
    columns_.final_observation = final_observation_.data();
    after_reset({}, {});
  }

  std::string_view name() const override { return "frame_stack"; }

 private:
  std::byte* stack(std::size_t i) { return observation_.data() + i * stack_; }
  const std::byte* frame(const void* column, std::size_t i) const {
    return static_cast<const std::byte*>(column) + i * frame_;
  }
  void push(std::byte* stack, const std::byte* frame) const {
    std::memmove(stack, stack + frame_, stack_ - frame_);
    std::memcpy(stack + stack_ - frame_, frame, frame_);
  }
  void fill(std::size_t i) {
    const std::byte* first = frame(below().observation, i);
    const std::byte* before = first_again_ ? first : padding_.data();
    std::size_t at = 0;
    for (; at + frame_ < stack_; at += frame_) {
      std::memcpy(stack(i) + at, before, frame_);
    }
    std::memcpy(stack(i) + at, first, frame_);
  }

  void after_rows(Index begin, Index end) override {
    const BatchColumns& c = below();
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      if (c.reset[i] != 0) {
        fill(i);
        continue;
      }
      const bool over = ended(i);
      push(stack(i), frame(over ? c.final_observation : c.observation, i));
      if (over) {
        std::memcpy(final_observation_.data() + i * stack_, stack(i), stack_);
        if (same_step()) {
          fill(i);
        }
      }
    }
  }

  void start_row(std::size_t i, const std::uint64_t*) override { fill(i); }
  void move_row(Index row) override { fill(static_cast<std::size_t>(row)); }

  std::size_t frame_, stack_;  // bytes
  bool first_again_;
  std::vector<std::byte> padding_;
  Column<std::byte> observation_, final_observation_;
};

}  // namespace

EnvSpec wrapped(EnvSpec spec, const FrameStack& wrapper) {
  const Index most = (Index{1} << 31) / static_cast<Index>(spec.observation.bytes());
  require(wrapper.size >= 1 && wrapper.size <= most, "frame_stack: size is ", wrapper.size,
          "; accepted: 1 to ", most);
  Space& space = spec.observation;
  require(space.kind == Space::Kind::kBox, "frame_stack: the observation of ", spec.id, " is ",
          to_string(space), "; accepted: a box of numbers");
  if (!wrapper.custom.empty()) {
    require(std::ssize(wrapper.custom) == space.size(), "frame_stack: the padding has ",
            wrapper.custom.size(), " numbers, expected ", space.size());
    for (std::size_t k = 0; k < wrapper.custom.size(); ++k) {
      const double x = wrapper.custom[k];
      require(x >= space.low[k] && x <= space.high[k], "frame_stack: number ", k,
              " of the padding is ", x, "; accepted: ", space.low[k], " to ", space.high[k]);
    }
  }
  const std::vector<double> low = space.low, high = space.high;
  for (Index k = 1; k < wrapper.size; ++k) {
    space.low.insert(space.low.end(), low.begin(), low.end());
    space.high.insert(space.high.end(), high.begin(), high.end());
  }
  space.shape.insert(space.shape.begin(), wrapper.size);
  spec.goal.reset();  // its parts are no longer neighbours
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const FrameStack& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  return std::make_unique<StackingBatch>(std::move(inner), std::move(spec), wrapper);
}

}  // namespace palaestra::envs
