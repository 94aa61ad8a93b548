// palaestra._palaestra.Mixture: minibatches out of several buffers.

#include <palaestra/bindings/replay_buffer.h>
#include <palaestra/replay/mixture.h>

namespace palaestra::python {
namespace {

constexpr Purpose kMixturePurpose = purpose("python/mixture");

class Mixture {
 public:
  /// Name, buffer, share at first, share in the end, steps in between, how to draw.
  using Source = std::tuple<std::string, py::object, double, double, Index, py::dict>;

  Mixture(const std::vector<Source>& sources, std::uint64_t seed) : random_(seed, kMixturePurpose) {
    std::vector<replay::MixtureSource> native;
    native.reserve(sources.size());
    for (const auto& [name, object, begin, end, steps, choice] : sources) {
      auto& buffer = py::cast<ReplayBuffer&>(object);
      objects_.push_back(object);
      buffers_.push_back(&buffer);
      native.push_back({name, &buffer.idle(), replay::Share(begin, end, steps),
                        request_of(buffer, choice, 1, "Mixture: source \"" + name + "\"")});
    }
    mixture_.emplace(std::move(native));
    const auto& specs = buffers_.front()->idle().storage().columns();
    const auto shape = [&](std::string_view name) {
      return specs[replay::find_column(specs, name, "Mixture")].shape;
    };
    observation_ = shape("observation");
    action_ = shape("action");
  }

  py::dict sample(Index rows, Index step) {
    require_idle();
    const replay::MixtureBatch& batch = mixture_->sample(random_, rows, step);
    const replay::Minibatch& minibatch = batch.minibatch;
    py::dict arrays;
    arrays["observation"] = copy_of(minibatch.observation, rows, observation_);
    arrays["action"] = copy_of(minibatch.action, rows, action_);
    arrays["reward"] = copy_of(minibatch.reward);
    arrays["discount"] = copy_of(minibatch.discount);
    arrays["next_observation"] = copy_of(minibatch.next_observation, rows, observation_);
    arrays["index"] = copy_of(minibatch.index);
    arrays["weight"] = copy_of(minibatch.weight);
    arrays["probability"] = copy_of(minibatch.probability);
    arrays["steps"] = copy_of(minibatch.steps);
    arrays["source"] = copy_of(batch.source);
    return arrays;
  }

  Index update_priorities(const py::array_t<std::int32_t, py::array::c_style>& source,
                          const Ids& ids, const Priorities& priorities) {
    require_idle();
    const auto rows = Index{ids.size()};
    require(source.size() == rows, "Mixture.update_priorities: ", source.size(), " sources and ",
            rows, " rows");
    for (const std::int32_t k : numbers(source)) {
      require(k >= 0 && k < mixture_->size(), "Mixture.update_priorities: source ", k,
              ", expected 0 to ", mixture_->size() - 1);
    }
    replay::MixtureBatch batch;
    batch.minibatch.rows = rows;
    batch.minibatch.index = numbers(ids);
    batch.source = numbers(source);
    return mixture_->update_priorities(batch, numbers(priorities));
  }

  void save(const std::string& file) const {
    require_idle();
    ArchiveWriter archive;
    archive.put_stream("random", random_);
    mixture_->save(archive, "mixture/");
    archive.save(file);
  }

  void load(const std::string& file) {
    require_idle();
    const ArchiveReader archive(file);
    const Stream random = archive.get_stream("random");
    mixture_->load(archive, "mixture/");
    random_ = random;
  }

  std::vector<double> owed() const {
    const auto owed = mixture_->quotas().owed();
    return {owed.begin(), owed.end()};
  }

 private:
  void require_idle() const {
    for (const ReplayBuffer* buffer : buffers_) {
      buffer->idle();
    }
  }

  std::vector<py::object> objects_;  // keep the buffers alive
  std::vector<ReplayBuffer*> buffers_;
  std::optional<replay::Mixture> mixture_;
  std::vector<Index> observation_, action_;
  Stream random_;
};

}  // namespace

void bind_replay_mixture(py::module_& module) {
  py::class_<Mixture>(module, "Mixture")
      .def(py::init<const std::vector<Mixture::Source>&, std::uint64_t>(), py::arg("sources"),
           py::arg("seed"))
      .def("_sample", &Mixture::sample)
      .def("_update_priorities", &Mixture::update_priorities)
      .def("_save", &Mixture::save)
      .def("_load", &Mixture::load)
      .def_property_readonly("owed", &Mixture::owed);
}

}  // namespace palaestra::python
