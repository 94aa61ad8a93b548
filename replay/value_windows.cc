#include <palaestra/replay/value_windows.h>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

/// Throws UserError; returns the number of windows.
Index check(const ValueWindows& windows, const LambdaOptions& options, std::size_t outputs,
            const char* caller) {
  require(windows.length >= 1, caller, ": length is ", windows.length, ", expected at least 1");
  require(options.discount >= 0.0 && options.discount <= 1.0, caller, ": discount is ",
          options.discount, ", expected 0 to 1");
  require(options.lambda >= 0.0 && options.lambda <= 1.0, caller, ": lambda is ", options.lambda,
          ", expected 0 to 1");
  const std::size_t steps = windows.reward.size();
  require(steps % static_cast<std::size_t>(windows.length) == 0, caller, ": ", steps,
          " rewards are no whole number of windows of ", windows.length);
  const auto same = [&](std::size_t size, const char* name) {
    require(size == steps, caller, ": ", name, " has ", size, " values for ", steps, " steps");
  };
  same(windows.terminated.size(), "terminated");
  same(windows.truncated.size(), "truncated");
  same(windows.next_value.size(), "next_value");
  same(outputs, "the output");
  if (!windows.mask.empty()) {
    same(windows.mask.size(), "mask");
  }
  return static_cast<Index>(steps) / windows.length;
}

/// Calls step(at, continues, succeeded) for every step that is none of the padding, from the back
/// of each window: whether the task goes on behind it and whether the step called just before is
/// its successor. Padding gets 0.
template <class Step>
void walk_back(const ValueWindows& windows, Index count, std::span<float> out, const Step& step) {
  for (Index window = 0; window < count; ++window) {
    bool successor = false;
    for (Index t = windows.length; t-- > 0;) {
      const auto at = static_cast<std::size_t>(window * windows.length + t);
      if (!windows.mask.empty() && windows.mask[at] == 0) {
        out[at] = 0.0f;
        successor = false;
        continue;
      }
      const bool goes_on = windows.terminated[at] == 0;
      out[at] = step(at, goes_on, successor && goes_on && windows.truncated[at] == 0);
      successor = true;
    }
  }
}

}  // namespace

void lambda_returns(const ValueWindows& windows, const LambdaOptions& options,
                    std::span<float> out) {
  const Index count = check(windows, options, out.size(), "lambda_returns");
  double next = 0;
  walk_back(windows, count, out, [&](std::size_t at, bool goes_on, bool succeeded) {
    double behind = 0;
    if (goes_on) {
      behind = static_cast<double>(windows.next_value[at]);
    }
    if (succeeded) {
      behind = (1.0 - options.lambda) * behind + options.lambda * next;
    }
    next = static_cast<double>(windows.reward[at]) + options.discount * behind;
    return static_cast<float>(next);
  });
}

void advantages(const ValueWindows& windows, std::span<const float> value,
                const LambdaOptions& options, std::span<float> out) {
  const Index count = check(windows, options, out.size(), "advantages");
  require(value.size() == out.size(), "advantages: value has ", value.size(), " values for ",
          out.size(), " steps");
  double next = 0;
  walk_back(windows, count, out, [&](std::size_t at, bool goes_on, bool succeeded) {
    double sum = static_cast<double>(windows.reward[at]) - static_cast<double>(value[at]);
    if (goes_on) {
      sum += options.discount * static_cast<double>(windows.next_value[at]);
    }
    next = succeeded ? sum + options.discount * options.lambda * next : sum;
    return static_cast<float>(next);
  });
}

}  // namespace palaestra::replay
