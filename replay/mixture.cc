#include <palaestra/replay/mixture.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

constexpr char kName[] = "Mixture";

void require_sources(const std::vector<MixtureSource>& sources) {
  require(!sources.empty(), kName, ": no sources were given, expected at least one");
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const MixtureSource& source = sources[i];
    require(!source.name.empty(), kName, ": source ", i, " has no name");
    for (std::size_t j = 0; j < i; ++j) {
      require(sources[j].name != source.name, kName, ": two sources are called \"", source.name,
              "\"");
    }
    require(source.buffer != nullptr, kName, ": source \"", source.name, "\" has no buffer");
    const Share& share = source.share;
    const auto good = [](double value) { return value >= 0.0 && value <= 1.0; };
    require(good(share.begin) && good(share.end), kName, ": the share of source \"", source.name,
            "\" goes from ", share.begin, " to ", share.end, ", expected 0 to 1");
    require(share.steps >= 0, kName, ": the share of source \"", source.name, "\" changes over ",
            share.steps, " steps, expected 0 or more");
  }
}

/// The sum of straight lines is straight between their corners: it is enough to look there.
void require_sum(const std::vector<MixtureSource>& sources) {
  const auto check = [&](Index step) {
    double sum = 0;
    for (const MixtureSource& source : sources) {
      sum += source.share.at(step);
    }
    require(std::abs(sum - 1.0) <= 1e-9, kName, ": the shares add up to ", sum, " at step ", step,
            ", expected 1");
  };
  check(0);
  for (const MixtureSource& source : sources) {
    check(source.share.steps);
  }
}

}  // namespace

MixtureBatch part(const MixtureBatch& batch, Index k, Index of) {
  MixtureBatch result{.minibatch = part(batch.minibatch, k, of), .source = {}};
  result.source = batch.source.subspan(static_cast<std::size_t>(k * batch.minibatch.rows / of),
                                       static_cast<std::size_t>(result.minibatch.rows));
  return result;
}

Mixture::Mixture(std::vector<MixtureSource> sources)
    : sources_(std::move(sources)),
      quotas_(sources_.size()),
      next_quotas_(sources_.size()),
      share_(sources_.size()) {
  require_sources(sources_);
  require_sum(sources_);
  for (const MixtureSource& source : sources_) {
    parts_.push_back({TransitionGather(source.buffer->storage()), {}, {}, {}, {}});
    const TransitionGather& first = parts_.front().gather;
    const TransitionGather& gather = parts_.back().gather;
    const auto require_width = [&](std::string_view column, Index width, Index expected) {
      require(width == expected, kName, ": column \"", column, "\" has ", width,
              " numbers in source \"", source.name, "\" and ", expected, " in source \"",
              sources_.front().name, "\"");
    };
    require_width("observation", gather.observation_width(), first.observation_width());
    require_width("action", gather.action_width(), first.action_width());
  }
}

/// Each part may have all rows, so that a share that changes makes nothing allocate.
void Mixture::resize(Index rows) {
  const TransitionGather& any = parts_.front().gather;
  memory_.resize(rows, any.observation_width(), any.action_width());
  merged_.resize(rows);
  source_.resize(static_cast<std::size_t>(rows));
  for (Part& part : parts_) {
    part.draw.resize(rows);
    part.to.reserve(static_cast<std::size_t>(rows));
    part.id.reserve(static_cast<std::size_t>(rows));
    part.priority.reserve(static_cast<std::size_t>(rows));
    part.to.clear();
  }
}

/// Draws and copies the rows that `source_` says.
void Mixture::draw(Stream& random) {
  for (std::size_t i = 0; i < source_.size(); ++i) {
    parts_[static_cast<std::size_t>(source_[i])].to.push_back(static_cast<Index>(i));
  }
  for (std::size_t k = 0; k < sources_.size(); ++k) {
    const MixtureSource& source = sources_[k];
    Part& part = parts_[k];
    if (part.to.empty()) {
      continue;
    }
    SampleRequest request = source.request;
    request.rows = std::ssize(part.to);
    try {
      source.buffer->draw(random, request, part.draw);
    } catch (const UserError& error) {
      throw UserError(concat(kName, "::sample: source \"", source.name, "\": ", error.what()));
    }
    part.gather.scatter(source.buffer->storage(), part.draw, {request.n_step, request.discount},
                        source.buffer->options().threads, part.to, memory_);
    for (std::size_t i = 0; i < part.to.size(); ++i) {
      const auto to = static_cast<std::size_t>(part.to[i]);
      merged_.id[to] = part.draw.id[i];
      merged_.weight[to] = part.draw.weight[i];
      merged_.probability[to] = part.draw.probability[i];
    }
  }
}

const MixtureBatch& Mixture::sample(Stream& random, Index rows, Index step) {
  require(rows >= 1 && rows <= Index{1} << 31, kName, "::sample: rows is ", rows,
          ", expected 1 to 2^31");
  require(step >= 0, kName, "::sample: step is ", step, ", expected 0 or more");
  for (std::size_t k = 0; k < sources_.size(); ++k) {
    share_[k] = sources_[k].share.at(step);
  }
  resize(rows);
  next_quotas_ = quotas_;
  next_quotas_.assign(share_, source_);
  Stream stream = random;
  draw(stream);
  random = stream;
  quotas_ = next_quotas_;
  batch_ = {memory_.view(merged_), source_};
  return batch_;
}

void Mixture::require_update(const MixtureBatch& batch, std::span<const float> priorities) const {
  constexpr std::string_view kOutcome = "; nothing was changed";
  const std::span<const RowId> index = batch.minibatch.index;
  require(priorities.size() == index.size() && batch.source.size() == index.size(), kName,
          "::update_priorities: ", priorities.size(), " priorities for ", index.size(), " rows of ",
          batch.source.size(), " sources", kOutcome);
  for (std::size_t i = 0; i < index.size(); ++i) {
    require(batch.source[i] >= 0 && batch.source[i] < size(), kName, "::update_priorities: source ",
            i, " is ", batch.source[i], ", expected 0 to ", size() - 1, kOutcome);
    require(std::isfinite(priorities[i]) && priorities[i] >= 0.0f, kName,
            "::update_priorities: priority ", i, " is ", priorities[i],
            ", expected a finite number, 0 or more", kOutcome);
    const MixtureSource& from = source(batch.source[i]);
    require(from.buffer->storage().presence(index[i]) != Storage::Presence::kNever, kName,
            "::update_priorities: row id ", index[i], " at ", i, " never was drawn from source \"",
            from.name, "\"", kOutcome);
  }
}

Index Mixture::update_priorities(const MixtureBatch& batch, std::span<const float> priorities) {
  require_update(batch, priorities);
  for (Part& part : parts_) {
    part.id.clear();
    part.priority.clear();
  }
  for (std::size_t i = 0; i < priorities.size(); ++i) {
    Part& part = parts_[static_cast<std::size_t>(batch.source[i])];
    part.id.push_back(batch.minibatch.index[i]);
    part.priority.push_back(priorities[i]);
  }
  Index evicted = 0;
  for (std::size_t k = 0; k < parts_.size(); ++k) {
    WeightedReplayBuffer& buffer = *sources_[k].buffer;
    if (!parts_[k].id.empty() && buffer.options().priorities != PriorityKind::kNone) {
      evicted += buffer.update_priorities(parts_[k].id, parts_[k].priority);
    }
  }
  return evicted;
}

void Mixture::save(ArchiveWriter& archive, std::string_view prefix) const {
  quotas_.save(archive, std::string(prefix));
}

void Mixture::load(const ArchiveReader& archive, std::string_view prefix) {
  quotas_.load(archive, std::string(prefix));
}

}  // namespace palaestra::replay
