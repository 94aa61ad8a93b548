#include <palaestra/bindings/wrappers.h>

#include <pybind11/stl.h>

#include <cmath>
#include <cstddef>

#include <palaestra/core/error.h>

namespace palaestra::python {
namespace {

using namespace envs;

// What Python calls the settings of each wrapper: one list for both directions.

template <class F>
void fields(ActionRepeat& w, F&& f) {
  f("repeat", w.repeat);
}
template <class F>
void fields(Crop& w, F&& f) {
  f("top", w.top), f("left", w.left), f("height", w.height), f("width", w.width);
}
template <class F>
void fields(FlattenGoal&, F&&) {}
template <class F>
void fields(FrameStack& w, F&& f) {
  f("size", w.size), f("padding", w.padding), f("custom", w.custom);
}
template <class F>
void fields(NormalizeObservation& w, F&& f) {
  f("epsilon", w.epsilon), f("clip", w.clip), f("update", w.update);
}
template <class F>
void fields(NormalizeReward& w, F&& f) {
  f("discount", w.discount), f("epsilon", w.epsilon), f("update", w.update);
}
template <class F>
void fields(RecordStatistics& w, F&& f) {
  f("capacity", w.capacity);
}
template <class F>
void fields(RescaleObservation& w, F&& f) {
  f("low", w.low), f("high", w.high);
}
template <class F>
void fields(Resize& w, F&& f) {
  f("height", w.height), f("width", w.width), f("method", w.method);
}
template <class F>
void fields(RewardNoise& w, F&& f) {
  f("standard_deviation", w.standard_deviation), f("probability", w.probability);
}
template <class F>
void fields(TransitionNoise& w, F&& f) {
  f("sigma", w.sigma);
}

const char* name_of(const ActionRepeat&) { return "action_repeat"; }
const char* name_of(const Crop&) { return "crop"; }
const char* name_of(const FlattenGoal&) { return "flatten_goal"; }
const char* name_of(const FrameStack&) { return "frame_stack"; }
const char* name_of(const NormalizeObservation&) { return "normalize_observation"; }
const char* name_of(const NormalizeReward&) { return "normalize_reward"; }
const char* name_of(const RecordStatistics&) { return "record_statistics"; }
const char* name_of(const RescaleObservation&) { return "rescale_observation"; }
const char* name_of(const Resize&) { return "resize"; }
const char* name_of(const RewardNoise&) { return "reward_noise"; }
const char* name_of(const TransitionNoise&) { return "transition_noise"; }

std::vector<std::string> names(FrameStack::Padding) { return {"reset", "zero"}; }
std::vector<std::string> names(Resize::Method) { return {"area", "bilinear"}; }

/// One setting of a wrapper out of its dict.
class Reader {
 public:
  Reader(std::string wrapper, const py::dict& given)
      : wrapper_(std::move(wrapper)), given_(given) {}

  template <class T>
  void operator()(const char* name, T& value) {
    if (!given_.contains(name)) {
      return;
    }
    found_ += 1;
    const py::object object = given_[name];
    try {
      if constexpr (std::is_enum_v<T>) {
        const auto text = object.cast<std::string>();
        const auto accepted = names(value);
        for (std::size_t k = 0; k < accepted.size(); ++k) {
          if (accepted[k] == text) {
            value = static_cast<T>(k);
            return;
          }
        }
        throw UserError(concat(wrapper_, ": ", name, " is \"", text, "\"; accepted: ", accepted[0],
                               ", ", accepted[1]));
      } else if constexpr (std::is_same_v<T, Index>) {
        const auto number = object.cast<double>();
        require(number == std::floor(number) && std::abs(number) < 0x1p53, wrapper_, ": ", name,
                " is ", number, "; accepted: whole numbers");
        value = static_cast<Index>(number);
      } else {
        value = object.cast<T>();
      }
    } catch (const py::cast_error&) {
      throw UserError(concat(wrapper_, ": ", name, " is ", std::string(py::repr(object)),
                             ", which is of another type than that setting"));
    }
  }

  void finish() const {
    require(found_ == given_.size(), wrapper_, ": got a setting that it does not have among ",
            std::string(py::repr(given_.attr("keys")())));
  }

 private:
  std::string wrapper_;
  const py::dict& given_;
  std::size_t found_ = 0;
};

/// The first alternative of the variant, from number k on, that has this name.
template <std::size_t k = 0>
Wrapper named(const std::string& name) {
  if constexpr (k < std::variant_size_v<Wrapper>) {
    const std::variant_alternative_t<k, Wrapper> wrapper{};
    return name == name_of(wrapper) ? Wrapper(wrapper) : named<k + 1>(name);
  } else {
    throw UserError(concat("unknown wrapper \"", name, "\""));
  }
}

}  // namespace

Wrappers to_wrappers(const std::vector<NamedWrapper>& given) {
  Wrappers result;
  for (const auto& [name, settings] : given) {
    Wrapper wrapper = named(name);
    Reader reader(name, settings);
    std::visit([&](auto& w) { fields(w, reader); }, wrapper);
    reader.finish();
    result.push_back(std::move(wrapper));
  }
  return result;
}

std::vector<NamedWrapper> to_python(const Wrappers& wrappers) {
  std::vector<NamedWrapper> result;
  for (Wrapper wrapper : wrappers) {
    py::dict settings;
    const auto write = [&]<class T>(const char* name, T& value) {
      if constexpr (std::is_enum_v<T>) {
        settings[name] = names(value)[static_cast<std::size_t>(value)];
      } else {
        settings[name] = py::cast(value);
      }
    };
    std::visit([&](auto& w) { fields(w, write); }, wrapper);
    result.emplace_back(std::visit([](const auto& w) { return name_of(w); }, wrapper), settings);
  }
  return result;
}

}  // namespace palaestra::python
