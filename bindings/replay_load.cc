// palaestra._palaestra.ReplayBuffer: rows from a data set.

#include <map>

#include <palaestra/bindings/data_set.h>
#include <palaestra/bindings/replay_buffer.h>
#include <palaestra/replay/datasets/load.h>

namespace palaestra::python {
namespace {

/// Episodes, steps, and steps that were dropped.
py::tuple load_data(ReplayBuffer& buffer, DataSet& set, Index first_episode,
                    std::optional<Index> end_episode, Index first_step,
                    std::optional<Index> end_step, double fraction, std::optional<Index> lane,
                    bool pinned, const std::map<std::string, std::vector<std::string>>& sources) {
  auto& native = buffer.idle();
  set.require_idle();
  replay::LoadResult result;
  {
    set.busy = true;  // falls again under the interpreter lock, behind Busy
    struct Release {
      bool& flag;
      ~Release() { flag = false; }
    } const release{set.busy};
    const Busy unlocked(buffer.busy());
    result = replay::load_into(native, set.data,
                               {.first_episode = first_episode,
                                .end_episode = end_episode,
                                .first_step = first_step,
                                .end_step = end_step,
                                .fraction = fraction,
                                .lane = lane,
                                .pinned = pinned,
                                .sources = sources});
  }
  return py::make_tuple(result.episodes, result.steps, result.dropped);
}

}  // namespace

void bind_replay_load(py::class_<ReplayBuffer>& type) { type.def("_load_data_set", &load_data); }

}  // namespace palaestra::python
