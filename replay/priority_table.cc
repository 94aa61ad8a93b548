#include <palaestra/replay/priority_table.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

constexpr char kName[] = "WeightedReplayBuffer";

}  // namespace

PriorityTable::PriorityTable(PriorityKind kind, double exponent, Index slots, Index lanes)
    : kind_(kind),
      exponent_(exponent),
      tree_(kind == PriorityKind::kProportional ? slots : 0),
      ranks_(kind == PriorityKind::kRanked ? slots : 0),
      newest_weight_(kind == PriorityKind::kNone ? 0 : static_cast<std::size_t>(lanes), 0.0f) {
  require(exponent >= 0.0 && exponent <= 1.0, kName, ": priority_exponent is ", exponent,
          ", expected 0 to 1");
  law_ = PowerLaw(exponent);
}

void PriorityTable::check(std::span<const float> priority, Index rows, std::string_view caller,
                          std::string_view outcome) const {
  require(kind_ != PriorityKind::kNone, kName, "::", caller,
          ": this buffer keeps no priorities (BufferOptions::priorities)", outcome);
  require(std::ssize(priority) == rows, kName, "::", caller, ": ", priority.size(),
          " priorities for ", rows, " rows", outcome);
  for (std::size_t i = 0; i < priority.size(); ++i) {
    require(std::isfinite(priority[i]) && priority[i] >= 0.0f, kName, "::", caller, ": priority ",
            i, " is ", priority[i], ", expected a finite number, 0 or more", outcome);
  }
}

float PriorityTable::weight_of(float priority) const {
  // zero means never, also where alpha is 0
  return kind_ == PriorityKind::kRanked || priority == 0.0f
             ? priority
             : std::pow(priority, static_cast<float>(exponent_));
}

void PriorityTable::set(std::span<const Index> slots, std::span<const float> weights) {
  if (kind_ == PriorityKind::kRanked) {
    ranks_.set(slots, weights);
  } else {
    tree_.set(slots, weights);
  }
}

void PriorityTable::follow(std::span<const Change> changes, std::span<const float> priority,
                           Index rows, Index lane, bool one_lane) {
  if (kind_ == PriorityKind::kNone) {
    return;
  }
  for (const float p : priority) {
    largest_priority_ = std::max(largest_priority_, p);
  }
  const float usual = weight_of(largest_priority_);
  const auto weight_of_row = [&](Index row) {
    return priority.empty() ? usual : weight_of(priority[static_cast<std::size_t>(row)]);
  };
  changed_slots_.clear();
  changed_weights_.clear();
  for (const Change& change : changes) {
    changed_slots_.push_back(change.slot);
    changed_weights_.push_back(change.kind == Change::Kind::kEvicted ? 0.0f
                               : change.row >= 0
                                   ? weight_of_row(change.row)
                                   : newest_weight_[static_cast<std::size_t>(change.lane)]);
  }
  set(changed_slots_, changed_weights_);
  if (one_lane && rows > 0) {
    newest_weight_[static_cast<std::size_t>(lane)] = weight_of_row(rows - 1);
  }
  for (Index row = 0; row < rows && !one_lane; ++row) {
    newest_weight_[static_cast<std::size_t>(lane + row)] = weight_of_row(row);
  }
}

Index PriorityTable::update(const Storage& storage, std::span<const RowId> ids,
                            std::span<const float> priority) {
  constexpr std::string_view kOutcome = "; nothing was changed";
  check(priority, std::ssize(ids), "update_priorities", kOutcome);
  changed_slots_.clear();
  changed_weights_.clear();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Storage::Presence presence = storage.presence(ids[i]);
    require(presence != Storage::Presence::kNever, kName, "::update_priorities: row id ", ids[i],
            " at ", i, " never was drawn", kOutcome);
    if (presence == Storage::Presence::kStored) {
      changed_slots_.push_back(storage.slot_of(storage.place_of(ids[i])));
      changed_weights_.push_back(weight_of(priority[i]));
    }
  }
  set(changed_slots_, changed_weights_);
  for (const float p : priority) {
    largest_priority_ = std::max(largest_priority_, p);
  }
  return std::ssize(ids) - std::ssize(changed_slots_);
}

Index PriorityTable::rows() const {
  return kind_ == PriorityKind::kRanked ? ranks_.size() : Index{tree_.total() > 0.0};
}

void PriorityTable::draw(const Storage& storage, Stream& random, bool stratified, Draw& out) const {
  random.fill_uniform(out.work);
  if (stratified) {
    const double slice = 1.0 / static_cast<double>(out.rows());
    for (std::size_t i = 0; i < out.work.size(); ++i) {
      out.work[i] = (static_cast<double>(i) + out.work[i]) * slice;
    }
  }
  if (kind_ == PriorityKind::kRanked) {
    const Index n = ranks_.size();
    const double total = law_.sum(n);
    for (std::size_t i = 0; i < out.work.size(); ++i) {
      const Index rank = law_.draw(out.work[i], n);
      out.slot[i] = ranks_.item_at(rank);
      out.probability[i] = std::pow(static_cast<double>(rank), -exponent_) / total;
    }
  } else {
    const double total = tree_.total();
    for (double& mass : out.work) mass *= total;
    tree_.find(out.work, out.slot);
    for (std::size_t i = 0; i < out.slot.size(); ++i) {
      out.probability[i] = static_cast<double>(tree_.weight(out.slot[i])) / total;
    }
  }
  const PrefetchDrawn prefetch(storage);
  for (std::size_t i = 0; i < out.slot.size(); ++i) {
    prefetch(i, out.slot[i]);
    out.id[i] = storage.id_of(storage.place_of_slot(out.slot[i]));
  }
}

double PriorityTable::smallest_probability() const {
  return kind_ == PriorityKind::kRanked ? law_.probability(ranks_.size(), ranks_.size())
                                        : static_cast<double>(tree_.smallest()) / tree_.total();
}

void PriorityTable::weigh(const Storage& storage, const Importance& importance, Draw& out) const {
  double smallest = 1.0 / static_cast<double>(storage.size());
  if (importance.scale == WeightScale::kBuffer) {
    smallest = smallest_probability();
  } else if (importance.scale == WeightScale::kBatch) {
    smallest = *std::min_element(out.probability.begin(), out.probability.end());
  }
  // (N p_i)^-beta over the largest such = (smallest p / p_i)^beta
  const auto power = static_cast<float>(importance.exponent);
  for (std::size_t i = 0; i < out.probability.size(); ++i) {
    out.weight[i] = std::pow(static_cast<float>(smallest / out.probability[i]), power);
  }
}

std::span<const float> PriorityTable::weights() const {
  return kind_ == PriorityKind::kRanked ? ranks_.priorities() : tree_.weights();
}

float PriorityTable::weight(Index slot) const { return weights()[static_cast<std::size_t>(slot)]; }

double PriorityTable::probability(Index slot) const {
  if (weight(slot) == 0.0f) {
    return 0.0;
  }
  return kind_ == PriorityKind::kRanked ? law_.probability(ranks_.rank_of(slot), ranks_.size())
                                        : static_cast<double>(tree_.weight(slot)) / tree_.total();
}

double PriorityTable::total() const {
  return kind_ == PriorityKind::kRanked ? law_.sum(ranks_.size()) : tree_.total();
}

void PriorityTable::save(ArchiveWriter& archive, const std::string& name) const {
  archive.put_scalar(name + "priorities", static_cast<Index>(kind_));
  if (kind_ != PriorityKind::kNone) {
    archive.put_view(name + "weights", weights());
    archive.put(name + "newest_weights", newest_weight_);
    archive.put_scalar(name + "largest_priority", double{largest_priority_});
    archive.put_scalar(name + "priority_exponent", exponent_);
  }
}

PriorityTable PriorityTable::load(const ArchiveReader& archive, const std::string& name,
                                  const PriorityTable& like, const Storage& storage) {
  require(archive.get_index(name + "priorities") == static_cast<Index>(like.kind_),
          "replay: the archive and this buffer keep different priorities; nothing was loaded");
  PriorityTable loaded(like.kind_, like.exponent_, storage.slots(),
                       std::ssize(like.newest_weight_));
  if (like.kind_ == PriorityKind::kNone) {
    return loaded;
  }
  require(archive.get_double(name + "priority_exponent") == like.exponent_,
          "replay: the archive's priority_exponent differs from this buffer's ", like.exponent_,
          "; nothing was loaded");
  std::vector<float> weights(static_cast<std::size_t>(storage.slots()));
  archive.get(name + "weights", weights);
  archive.get(name + "newest_weights", loaded.newest_weight_);
  const double largest = archive.get_double(name + "largest_priority");
  const auto good = [](float w) { return std::isfinite(w) && w >= 0.0f; };
  bool fits = std::isfinite(largest) && largest >= 0.0 &&
              largest <= double{std::numeric_limits<float>::max()} &&
              std::all_of(weights.begin(), weights.end(), good) &&
              std::all_of(loaded.newest_weight_.begin(), loaded.newest_weight_.end(), good);
  // only rows that can be drawn have a weight
  Index weighted = std::ssize(weights) - std::count(weights.begin(), weights.end(), 0.0f);
  for (Index k = 0; fits && k < storage.size(); ++k) {
    const Index slot = storage.slot_of(storage.locate(k));
    weighted -= weights[static_cast<std::size_t>(slot)] > 0.0f ? 1 : 0;
  }
  fits = fits && weighted == 0;
  require(fits, "replay: the archive's priorities are inconsistent; nothing was loaded");
  loaded.largest_priority_ = static_cast<float>(largest);
  if (like.kind_ == PriorityKind::kRanked) {
    loaded.ranks_.assign(weights);
  } else {
    loaded.tree_.assign(weights);
  }
  return loaded;
}

}  // namespace palaestra::replay
