#include <palaestra/rollout/normalized_agent.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include <palaestra/core/error.h>
#include <palaestra/replay/gather.h>

namespace palaestra::rollout {
namespace {

constexpr Index kPiece = 64;  // rows of one call of the agent within

}  // namespace

/// One of the other policies of the agent within.
class NormalizedAgent::Alternative final : public Actor {
 public:
  Alternative(NormalizedAgent& owner, Actor& actor) : owner_(owner), actor_(actor) {}

  std::string_view name() const override { return actor_.name(); }
  Index observation_size() const override { return actor_.observation_size(); }
  Index action_size() const override { return actor_.action_size(); }
  Index choices() const override { return actor_.choices(); }
  Index grain() const override { return actor_.grain(); }
  void act(std::span<const float> observations, Index rows, Index first_row, Index step,
           ActMode mode, int thread, std::span<float> actions) override {
    owner_.act_scaled(actor_, nullptr, {}, observations, rows, first_row, step, mode, thread,
                      actions);
  }
  std::unique_ptr<RowMemory> make_memory(Index rows) const override {
    return actor_.make_memory(rows);
  }
  void act_from(RowMemory& memory, const Past& past, std::span<const float> observations,
                Index rows, Index first_row, Index step, ActMode mode, int thread,
                std::span<float> actions) override {
    owner_.act_scaled(actor_, &memory, past, observations, rows, first_row, step, mode, thread,
                      actions);
  }

 private:
  NormalizedAgent& owner_;
  Actor& actor_;
};

NormalizedAgent::NormalizedAgent(std::unique_ptr<Agent> inner, Threads threads)
    : inner_(std::move(inner)),
      mean_(as_size(inner_->observation_size()), 0.0f),
      deviation_(mean_.size(), 1.0f),
      rows_(static_cast<std::size_t>(threads.count()),
            std::vector<float>(as_size(kPiece) * mean_.size())) {
  for (const NamedActor& other : inner_->alternatives()) {
    owned_alternatives_.push_back(std::make_unique<Alternative>(*this, *other.actor));
    alternatives_.push_back({other.name, owned_alternatives_.back().get()});
  }
}

NormalizedAgent::~NormalizedAgent() = default;

void NormalizedAgent::normalize(std::span<const float> in, std::span<float> out,
                                std::size_t stride) const {
  const std::size_t width = mean_.size();
  for (std::size_t row = 0; row < in.size(); row += stride) {
    const bool indicated = stride > width;
    if (indicated) out[row + width] = in[row + width];
    const bool absorbing = indicated && in[row + width] != 0;
    for (std::size_t k = 0; k < width; ++k) {
      out[row + k] = absorbing ? in[row + k] : (in[row + k] - mean_[k]) / deviation_[k];
    }
  }
}

void NormalizedAgent::act(std::span<const float> observations, Index rows, Index first_row,
                          Index step, ActMode mode, int thread, std::span<float> actions) {
  act_scaled(*inner_, nullptr, {}, observations, rows, first_row, step, mode, thread, actions);
}

void NormalizedAgent::act_scaled(Actor& actor, RowMemory* memory, const Past& past,
                                 std::span<const float> observations, Index rows, Index first_row,
                                 Index step, ActMode mode, int thread, std::span<float> actions) {
  const Index width = observation_size(), chosen = action_size();
  require(std::ssize(observations) == rows * width && std::ssize(actions) == rows * chosen,
          "act: got ", observations.size(), " and ", actions.size(), " numbers for ", rows,
          " rows of ", width, " observations and ", chosen, " actions");
  require(thread >= 0 && thread < static_cast<int>(rows_.size()), "act: thread is ", thread,
          ", must be within [0, ", rows_.size(), ")");
  const std::span<float> scaled(rows_[static_cast<std::size_t>(thread)]);
  for (Index begin = 0; begin < rows; begin += kPiece) {
    const Index count = std::min(kPiece, rows - begin);
    normalize(observations.subspan(as_size(begin * width), as_size(count * width)), scaled,
              as_size(width));
    const auto part = scaled.first(as_size(count * width));
    const auto out = actions.subspan(as_size(begin * chosen), as_size(count * chosen));
    if (memory == nullptr) {
      actor.act(part, count, first_row + begin, step, mode, thread, out);
    } else {
      const auto of_rows = [&](auto span) { return span.subspan(as_size(begin), as_size(count)); };
      actor.act_from(*memory, {of_rows(past.begins), of_rows(past.reward)}, part, count,
                     first_row + begin, step, mode, thread, out);
    }
  }
}

bool NormalizedAgent::prepare(const replay::Storage& data) {
  require(!inner_->prepare(data), "normalize_observations is true; accepted: false, since agent ",
          name(), " scales observations by itself");
  const replay::ColumnGather column(data, "observation", "NormalizedAgent::prepare");
  const auto& spec = data.columns()[replay::find_column(data.columns(), "observation",
                                                        "NormalizedAgent::prepare")];
  const bool indicated = column.width() == observation_size() + 1;
  require(spec.dtype == DType::kFloat32 && (indicated || column.width() == observation_size()),
          "normalize_observations is true; accepted: false, since observations are ",
          column.width(), " x ", name_of(spec.dtype), ", not ", observation_size(),
          " real numbers");
  const std::size_t width = mean_.size();
  std::vector<float> row(as_size(column.width()));
  std::vector<double> mean(width), squares(width);
  double count = 0;
  const auto for_each_row = [&](auto&& visit) {
    for (Index i = 0; i < data.size(); ++i) {
      column.now(data, data.slot_of(data.locate(i)), row.data());
      if (!indicated || row.back() == 0) visit();
    }
  };
  for_each_row([&] { count += 1; });
  const auto add_up = [&](auto&& add) {
    for_each_row([&] {
      for (std::size_t k = 0; k < width; ++k) add(k, static_cast<double>(row[k]));
    });
  };
  // in two passes: the square of a mean would drown a small deviation
  add_up([&](std::size_t k, double x) { mean[k] += x / count; });
  add_up([&](std::size_t k, double x) { squares[k] += (x - mean[k]) * (x - mean[k]) / count; });
  for (std::size_t k = 0; k < width; ++k) {
    mean_[k] = static_cast<float>(mean[k]);
    deviation_[k] = static_cast<float>(std::max(std::sqrt(squares[k]), kFloor));
  }
  return true;
}

replay::Minibatch NormalizedAgent::normalize(const replay::Minibatch& batch, Scaled& memory) const {
  replay::Minibatch scaled = batch;
  const auto scale = [&](std::span<const float> in, std::vector<float>& out) {
    const std::size_t rows = as_size(batch.rows), width = mean_.size();
    const bool indicated = in.size() == rows * (width + 1);
    require(indicated || in.size() == rows * width, name(), ": the batch has ", in.size(),
            " numbers of observations, expected ", rows, " x ", width,
            ", or one more per row for absorbing states");
    out.resize(std::max(out.size(), in.size()));
    normalize(in, out, width + (indicated ? 1 : 0));
    return std::span<const float>(out).first(in.size());
  };
  scaled.observation = scale(batch.observation, memory.observation);
  scaled.next_observation = scale(batch.next_observation, memory.next_observation);
  return scaled;
}

void NormalizedAgent::update(const replay::Minibatch& batch) {
  inner_->update(normalize(batch, batch_));
}

void NormalizedAgent::imitate(const replay::Minibatch& batch,
                              const replay::Minibatch& demonstrations) {
  inner_->imitate(normalize(batch, batch_), normalize(demonstrations, demonstrations_));
}

void NormalizedAgent::judge(const replay::Minibatch& episode, std::span<float> reward) {
  inner_->judge(normalize(episode, batch_), reward);
}

double NormalizedAgent::held_out_loss(const replay::Minibatch& rows) {
  return inner_->held_out_loss(normalize(rows, batch_));
}

void NormalizedAgent::update_windows(const replay::WindowBatch& batch) {
  replay::WindowBatch scaled = batch;
  std::vector<float>& observation = batch_.observation;
  blocks_.assign(batch.columns.begin(), batch.columns.end());
  const std::size_t width = mean_.size();
  for (replay::WindowBlock& block : blocks_) {
    if (block.name != "observation") {
      continue;
    }
    const auto in = block.values<float>();
    observation.resize(std::max(observation.size(), in.size()));
    normalize(in, observation, width);
    // padding stays 0
    for (Index w = 0; w < batch.windows; ++w) {
      const Index extra = block.steps - batch.length;  // the state after the last row
      const Index first = batch.first[as_size(w)], end = first + batch.rows[as_size(w)] + extra;
      const auto begin = observation.begin() + w * block.steps * std::ssize(mean_);
      std::fill(begin, begin + first * std::ssize(mean_), 0.0f);
      std::fill(begin + end * std::ssize(mean_), begin + block.steps * std::ssize(mean_), 0.0f);
    }
    block.bytes = std::as_bytes(std::span<const float>(observation).first(in.size()));
    require(block.width == static_cast<Index>(width), name(), ": windows have ", block.width,
            " numbers per observation, expected ", width);
  }
  scaled.columns = blocks_;
  inner_->update_windows(scaled);
}

void NormalizedAgent::save(ArchiveWriter& archive, std::string_view prefix) const {
  archive.put(concat(prefix, "observation_mean"), mean_);
  archive.put(concat(prefix, "observation_deviation"), deviation_);
  inner_->save(archive, prefix);
}

void NormalizedAgent::load(const ArchiveReader& archive, std::string_view prefix) {
  auto mean = mean_, deviation = deviation_;
  archive.get(concat(prefix, "observation_mean"), mean);
  archive.get(concat(prefix, "observation_deviation"), deviation);
  for (std::size_t k = 0; k < mean.size(); ++k) {
    require(std::isfinite(mean[k]) && std::isfinite(deviation[k]) && deviation[k] > 0, "\"", prefix,
            "observation_mean\" and \"observation_deviation\" are ", mean[k], " and ", deviation[k],
            " at ", k, "; accepted: finite numbers, the second above 0");
  }
  inner_->load(archive, prefix);
  mean_ = std::move(mean);
  deviation_ = std::move(deviation);
}

}  // namespace palaestra::rollout
