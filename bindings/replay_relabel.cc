// palaestra._palaestra.RelabelSampler, HindsightSampler: minibatches whose steps Python rewrites.

#include <algorithm>
#include <cmath>

#include <palaestra/bindings/replay_follow.h>
#include <palaestra/replay/hindsight.h>
#include <palaestra/replay/relabel.h>

namespace palaestra::python {
namespace {

using replay::Minibatch;
using replay::StepBatch;

/// Shapes of one row.
struct Shapes {
  explicit Shapes(const ReplayBuffer& buffer)
      : observation(shape_of(buffer, "observation")), action(shape_of(buffer, "action")) {}
  std::vector<Index> observation, action;
};

py::dict dict_of(const Minibatch& batch, const Shapes& shapes) {
  py::dict arrays;
  arrays["observation"] = copy_of(batch.observation, batch.rows, shapes.observation);
  arrays["action"] = copy_of(batch.action, batch.rows, shapes.action);
  arrays["reward"] = copy_of(batch.reward);
  arrays["discount"] = copy_of(batch.discount);
  arrays["next_observation"] = copy_of(batch.next_observation, batch.rows, shapes.observation);
  arrays["index"] = copy_of(batch.index);
  arrays["weight"] = copy_of(batch.weight);
  arrays["probability"] = copy_of(batch.probability);
  arrays["steps"] = copy_of(batch.steps);
  return arrays;
}

void put(const py::object& given, std::span<float> to, const char* name) {
  const auto array = py::array_t<float, py::array::c_style | py::array::forcecast>::ensure(given);
  if (!array) {
    PyErr_Clear();
  }
  require(static_cast<bool>(array), "relabel: ", name, " is a ", Py_TYPE(given.ptr())->tp_name,
          ", expected an array of ", to.size(), " numbers");
  require(array.ndim() == 1 && array.shape(0) == std::ssize(to), "relabel: ", name, " has shape ",
          shape_text(array.shape(), array.ndim()), ", expected [", to.size(), "]");
  for (std::size_t i = 0; i < to.size(); ++i) {
    const float value = array.data()[i];
    require(std::isfinite(value), "relabel: ", name, " ", i, " is ", value,
            ", expected a finite number");
  }
  std::copy_n(array.data(), to.size(), to.begin());
}

/// What the function of Python returns: rewards, or rewards and factors of the discount.
void put(const py::object& result, const StepBatch& steps) {
  if (py::isinstance<py::tuple>(result)) {
    const auto pair = py::reinterpret_borrow<py::tuple>(result);
    require(pair.size() == 2, "relabel: ", pair.size(),
            " arrays were returned; accepted: rewards, or rewards and discounts");
    put(py::object(pair[0]), steps.reward, "reward");
    put(py::object(pair[1]), steps.discount, "discount");
  } else {
    put(result, steps.reward, "reward");
  }
}

/// Calls a function of Python with the steps as new arrays, goals of `goal` numbers or none.
replay::Relabel relabel_with(const py::function& function, const Shapes& shapes,
                             const std::vector<Index>& goal) {
  return [function, shapes, goal](const StepBatch& steps) {
    const auto goals = [&](std::span<const float> values) -> py::object {
      return values.empty() ? py::object(py::none()) : copy_of(values, steps.steps, goal);
    };
    put(function(copy_of(steps.observation, steps.steps, shapes.observation),
                 copy_of(steps.action, steps.steps, shapes.action),
                 copy_of(steps.next_observation, steps.steps, shapes.observation),
                 copy_of(steps.reward), copy_of(steps.discount), copy_of(steps.id),
                 copy_of(steps.row), goals(steps.achieved_goal), goals(steps.next_achieved_goal),
                 goals(steps.goal)),
        steps);
  };
}

class RelabelSampler {
 public:
  RelabelSampler(ReplayBuffer& buffer, const py::function& relabel)
      : buffer_(buffer),
        sampler_(buffer.idle()),
        shapes_(buffer),
        relabel_(relabel_with(relabel, shapes_, {})) {}

  py::dict sample(Index rows, const py::dict& choice) {
    const auto& buffer = buffer_.idle();
    const auto request = request_of(buffer_, choice, rows, "RelabelSampler.sample");
    const Closed closed(buffer_.busy());
    return dict_of(sampler_.sample(buffer, buffer_.random(), request, relabel_), shapes_);
  }

 private:
  ReplayBuffer& buffer_;
  replay::RelabelSampler sampler_;
  Shapes shapes_;
  replay::Relabel relabel_;
};

replay::GoalLaw law_of(const py::dict& goals) {
  replay::GoalLaw law;
  for (const auto& [key, value] : goals) {
    const auto name = py::cast<std::string>(key);
    const std::pair<const char*, double*> weights[] = {
        {"relabel", &law.relabel},   {"future", &law.future},    {"geometric", &law.geometric},
        {"final", &law.final},       {"episode", &law.episode},  {"random", &law.random},
        {"achieved", &law.achieved}, {"discount", &law.discount}};
    const auto found = std::find_if(std::begin(weights), std::end(weights),
                                    [&](const auto& weight) { return name == weight.first; });
    if (found != std::end(weights)) {
      *found->second = py::cast<double>(value);
    } else if (name == "future_margin") {
      law.future_margin = py::cast<Index>(value);
    } else {
      law.clamp = py::cast<bool>(value);
    }
  }
  return law;
}

/// For a sampler that is written in Python: ids of the rows whose achieved goals rows are given.
py::array draw_goals(ReplayBuffer& buffer, const Ids& ids, const py::dict& goals) {
  const auto& native = buffer.idle();
  const replay::GoalLaw law = law_of(goals);
  replay::require_law(law, "draw_goals");
  require(!native.storage().room().single, "draw_goals: rows that are removed by lowest priority ",
          "stand alone, without episodes");
  replay::Draw draw;
  draw.resize(ids.size());
  for (std::size_t i = 0; i < draw.id.size(); ++i) {
    draw.id[i] = numbers(ids)[i];
    require(native.storage().presence(draw.id[i]) == replay::Storage::Presence::kStored,
            "draw_goals: row id ", draw.id[i], " is not stored");
    draw.slot[i] = native.storage().slot_of(native.storage().place_of(draw.id[i]));
  }
  replay::GoalDraw drawn;
  drawn.resize(draw.rows());
  replay::draw_goals(native.storage(), native.episodes(), law, buffer.random(), draw, drawn);
  return copy_of(std::span<const replay::RowId>(drawn.row));
}

class HindsightSampler {
 public:
  HindsightSampler(ReplayBuffer& buffer, const py::function& relabel, const std::string& achieved,
                   const std::string& desired)
      : buffer_(buffer),
        shapes_(buffer),
        goal_(shape_of(buffer, achieved)),
        sampler_(buffer.idle(), relabel_with(relabel, shapes_, goal_), {achieved, desired}) {}

  py::dict sample(Index rows, const py::dict& goals, const py::dict& choice) {
    const auto& buffer = buffer_.idle();
    const auto request = request_for("HindsightSampler.sample", rows, goals, choice);
    const Closed closed(buffer_.busy());
    return arrays_of(sampler_.sample(buffer, buffer_.random(), request));
  }

  py::dict sample_arrivals(ReachedRows& reached, Index rows, const py::dict& goals,
                           const py::dict& choice) {
    constexpr const char* kName = "HindsightSampler.sample_arrivals";
    const auto& buffer = buffer_.idle();
    require(&reached.buffer() == &buffer_, kName, ": reached is of another buffer");
    const auto request = request_for(kName, rows, goals, choice);
    reached.follow();  // a row that has been evicted since must not be drawn
    const Closed closed(buffer_.busy());
    return arrays_of(sampler_.sample_arrivals(buffer, reached.rows(), buffer_.random(), request));
  }

 private:
  replay::HindsightRequest request_for(const char* caller, Index rows, const py::dict& goals,
                                       const py::dict& choice) const {
    return {request_of(buffer_, choice, rows, caller), law_of(goals)};
  }

  py::dict arrays_of(const replay::HindsightBatch& batch) const {
    const Index n = batch.minibatch.rows;
    py::dict arrays;
    arrays["minibatch"] = dict_of(batch.minibatch, shapes_);
    arrays["goal"] = copy_of(batch.goal, n, goal_);
    arrays["achieved_goal"] = copy_of(batch.achieved_goal, n, goal_);
    arrays["next_achieved_goal"] = copy_of(batch.next_achieved_goal, n, goal_);
    py::array_t<bool> relabelled(n);
    std::copy(batch.relabelled.begin(), batch.relabelled.end(), relabelled.mutable_data());
    arrays["relabelled"] = relabelled;
    arrays["goal_row"] = copy_of(batch.goal_row);
    arrays["offset"] = copy_of(batch.offset);
    return arrays;
  }

  ReplayBuffer& buffer_;
  Shapes shapes_;
  std::vector<Index> goal_;
  replay::HindsightSampler sampler_;
};

}  // namespace

void bind_replay_relabel(py::module_& module) {
  py::class_<RelabelSampler>(module, "RelabelSampler")
      .def(py::init<ReplayBuffer&, const py::function&>(), py::arg("buffer"), py::arg("relabel"),
           py::keep_alive<1, 2>())
      .def("_sample", &RelabelSampler::sample);
  py::class_<HindsightSampler>(module, "HindsightSampler")
      .def(py::init<ReplayBuffer&, const py::function&, const std::string&, const std::string&>(),
           py::arg("buffer"), py::arg("relabel"), py::arg("achieved"), py::arg("desired"),
           py::keep_alive<1, 2>())
      .def("_sample", &HindsightSampler::sample)
      .def("_sample_arrivals", &HindsightSampler::sample_arrivals);
  module.def("_draw_goals", &draw_goals);
}

}  // namespace palaestra::python
