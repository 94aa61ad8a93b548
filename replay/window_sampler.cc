#include <palaestra/replay/window_sampler.h>

#include <algorithm>
#include <limits>

#include <palaestra/core/error.h>
#include <palaestra/replay/neighbours.h>

namespace palaestra::replay {
namespace {

constexpr char kCaller[] = "WindowSampler::sample";
constexpr int kTries = 16;  // per window, before the table

/// Drawn rows of an episode around which a window fits: this many, from `first` + before on.
Index places(const Episode& episode, const WindowShape& shape) {
  return std::max<Index>(0, episode.length() - shape.length + 1);
}

/// A row by trial; false where none was found.
bool try_row(const Storage& storage, const EpisodeIndex& episodes, const WindowShape& shape,
             Stream& random, RowId& row) {
  for (int k = 0; k < kTries; ++k) {
    row = storage.id_of(storage.locate(random.below(storage.size())));
    const Episode episode = episodes.of(storage, row);
    const Index start = sequence_of(row) - shape.before;
    if (start >= episode.first && start + shape.length <= episode.end) {
      return true;
    }
  }
  return false;
}

/// The running sums of places(), in draw.work: exact as doubles below 2^53.
double count_places(const Storage& storage, const EpisodeIndex& episodes, const WindowShape& shape,
                    std::vector<double>& sums) {
  sums.resize(static_cast<std::size_t>(episodes.size()));
  double sum = 0;
  for (std::size_t k = 0; k < sums.size(); ++k) {
    sum += static_cast<double>(places(episodes.at(storage, static_cast<Index>(k)), shape));
    sums[k] = sum;
  }
  return sum;
}

}  // namespace

void draw_whole_windows(const Storage& storage, const EpisodeIndex& episodes, Stream& random,
                        const WindowShape& shape, Draw& out) {
  double total = 0;  // of the table, where there is one
  for (std::size_t i = 0; i < out.id.size(); ++i) {
    if (total > 0 || !try_row(storage, episodes, shape, random, out.id[i])) {
      if (total == 0) {
        total = count_places(storage, episodes, shape, out.work);
        require(total > 0, kCaller, ": no stored episode has ", shape.length, " rows");
      }
      const auto k = static_cast<double>(random.below(static_cast<Index>(total)));
      const auto found = std::upper_bound(out.work.begin(), out.work.end(), k);
      const Episode episode = episodes.at(storage, static_cast<Index>(found - out.work.begin()));
      const Index behind = static_cast<Index>(*found - k);  // places from this one on
      out.id[i] = episode.row(shape.before + places(episode, shape) - behind);
    }
    out.slot[i] = storage.slot_of(storage.place_of(out.id[i]));
  }
  std::fill(out.probability.begin(), out.probability.end(),
            std::numeric_limits<double>::quiet_NaN());
  std::fill(out.weight.begin(), out.weight.end(), 1.0f);
}

WindowSampler::WindowSampler(const WeightedReplayBuffer& buffer, std::vector<WindowColumn> columns)
    : gather_(buffer.storage(), std::move(columns)) {}

const WindowBatch& WindowSampler::sample(const WeightedReplayBuffer& buffer, Stream& random,
                                         const WindowRequest& request) {
  require_shape(request.shape, kCaller);
  require(request.windows >= 1 && request.windows <= (Index{1} << 31) / request.shape.length,
          kCaller, ": windows is ", request.windows, ", expected 1 to ",
          (Index{1} << 31) / request.shape.length, " of length ", request.shape.length);
  require_neighbours(buffer.storage(), kCaller);
  require(buffer.size() > 0, kCaller, ": the buffer is empty");
  Stream stream = random;
  if (request.fit == WindowFit::kPad) {
    SampleRequest choice = request.choice;
    choice.rows = request.windows;
    choice.n_step = 1;
    choice.discount = 0;
    buffer.draw(stream, choice, draw_);
  } else {
    draw_.resize(request.windows);
    draw_whole_windows(buffer.storage(), buffer.episodes(), stream, request.shape, draw_);
  }
  gather_(buffer.storage(), draw_, request.shape, buffer.options().threads, memory_);
  random = stream;
  batch_ = memory_.view(draw_);
  return batch_;
}

}  // namespace palaestra::replay
