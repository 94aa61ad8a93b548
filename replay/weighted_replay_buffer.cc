#include <palaestra/replay/weighted_replay_buffer.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

constexpr char kName[] = "WeightedReplayBuffer";

void require_request(const SampleRequest& request) {
  require(request.rows >= 1 && request.rows <= Index{1} << 31, kName, "::sample: rows is ",
          request.rows, ", expected 1 to 2^31");
  require(request.n_step >= 1 && request.n_step <= Index{1} << 20, kName, "::sample: n_step is ",
          request.n_step, ", expected 1 to 2^20");
  require(request.discount >= 0.0 && request.discount <= 1.0, kName, "::sample: discount is ",
          request.discount, ", expected 0 to 1");
  require(request.importance_exponent >= 0.0 && request.importance_exponent <= 100.0, kName,
          "::sample: importance_exponent is ", request.importance_exponent, ", expected 0 to 100");
}

bool has_transitions(const std::vector<ColumnSpec>& columns) {
  return std::count_if(columns.begin(), columns.end(), [](const ColumnSpec& column) {
           return (column.name == "observation" && column.state) || column.name == "action" ||
                  column.name == "reward";
         }) == 3;
}

}  // namespace

WeightedReplayBuffer::WeightedReplayBuffer(std::vector<ColumnSpec> columns, BufferOptions options)
    : options_(options),
      storage_(std::move(columns), options.capacity, options.lanes),
      groups_(storage_, options.groups) {
  require(options.priority_exponent >= 0.0 && options.priority_exponent <= 1.0, kName,
          ": priority_exponent is ", options.priority_exponent, ", expected 0 to 1");
  if (has_transitions(storage_.columns())) {
    gather_.emplace(storage_);
  }
  if (options.priorities) {
    tree_ = SumTree(storage_.slots());
    newest_weight_.resize(static_cast<std::size_t>(storage_.lanes()), 0.0f);
  }
}

float WeightedReplayBuffer::tree_weight(float priority) const {
  // zero means never, also where alpha is 0
  return priority > 0.0f ? std::pow(priority, static_cast<float>(options_.priority_exponent))
                         : 0.0f;
}

void WeightedReplayBuffer::check_priorities(std::span<const float> priority, Index rows,
                                            std::string_view caller,
                                            std::string_view outcome) const {
  require(options_.priorities, kName, "::", caller,
          ": this buffer keeps no priorities (BufferOptions::priorities)", outcome);
  require(static_cast<Index>(priority.size()) == rows, kName, "::", caller, ": ", priority.size(),
          " priorities for ", rows, " rows", outcome);
  for (std::size_t i = 0; i < priority.size(); ++i) {
    require(std::isfinite(priority[i]) && priority[i] >= 0.0f, kName, "::", caller, ": priority ",
            i, " is ", priority[i], ", expected a finite number, 0 or more", outcome);
  }
}

void WeightedReplayBuffer::append(const Steps& steps, std::span<const float> priority) {
  if (!priority.empty()) {
    check_priorities(priority, storage_.lanes(), "append", "; nothing was appended");
  }
  storage_.append(steps);
  groups_.follow(storage_);
  follow_changes(steps, priority, false, 0);
}

void WeightedReplayBuffer::extend(Index lane, const Steps& steps, std::span<const float> priority) {
  if (!priority.empty()) {
    check_priorities(priority, static_cast<Index>(steps.terminated.size()), "extend",
                     "; nothing was appended");
  }
  storage_.extend(lane, steps);
  groups_.follow(storage_);
  follow_changes(steps, priority, true, lane);
}

void WeightedReplayBuffer::cut(Index lane) {
  storage_.cut(lane);
  groups_.follow(storage_);
}

/// Gives added rows their weight in the tree and takes that of evicted ones away.
void WeightedReplayBuffer::follow_changes(const Steps& steps, std::span<const float> priority,
                                          bool one_lane, Index lane) {
  if (!options_.priorities) {
    return;
  }
  for (const float p : priority) {
    largest_priority_ = std::max(largest_priority_, p);
  }
  const float usual = tree_weight(largest_priority_);
  const auto weight_of_row = [&](Index row) {
    return priority.empty() ? usual : tree_weight(priority[static_cast<std::size_t>(row)]);
  };
  changed_slots_.clear();
  changed_weights_.clear();
  for (const Change& change : storage_.changes()) {
    changed_slots_.push_back(change.slot);
    changed_weights_.push_back(change.kind == Change::Kind::kEvicted ? 0.0f
                               : change.row >= 0
                                   ? weight_of_row(change.row)
                                   : newest_weight_[static_cast<std::size_t>(change.lane)]);
  }
  tree_.set(changed_slots_, changed_weights_);
  const auto rows = static_cast<Index>(steps.terminated.size());
  if (one_lane && rows > 0) {
    newest_weight_[static_cast<std::size_t>(lane)] = weight_of_row(rows - 1);
  }
  for (Index row = 0; row < rows && !one_lane; ++row) {
    newest_weight_[static_cast<std::size_t>(row)] = weight_of_row(row);
  }
}

void WeightedReplayBuffer::draw(Stream& random, const SampleRequest& request, Draw& out) const {
  require_request(request);
  require(size() > 0, kName, "::sample: the buffer is empty");
  if (request.selection == Selection::kPriority) {
    require(options_.priorities, kName,
            "::sample: this buffer keeps no priorities (BufferOptions::priorities)");
    require(tree_.total() > 0.0, kName, "::sample: all priorities are zero");
  }
  require(request.selection != Selection::kGroup || groups_.size() > 0, kName,
          "::sample: no group has been closed (begin_group(), end_group()), or all are gone");
  out.resize(request.rows);
  switch (request.selection) {
    case Selection::kUniform:
      draw_uniform(storage_, random, out);
      break;
    case Selection::kPriority:
      draw_by_priority(random, request, out);
      break;
    case Selection::kGroup:
      groups_.draw(storage_, random, out);
      break;
  }
}

void WeightedReplayBuffer::draw_by_priority(Stream& random, const SampleRequest& request,
                                            Draw& out) const {
  const double total = tree_.total();
  const double slice = total / static_cast<double>(request.rows);
  random.fill_uniform(out.work);
  for (std::size_t i = 0; i < out.work.size(); ++i) {
    out.work[i] =
        request.stratified ? (static_cast<double>(i) + out.work[i]) * slice : out.work[i] * total;
  }
  tree_.find(out.work, out.slot);
  float smallest = tree_.smallest();
  if (request.scale == WeightScale::kBatch) {
    smallest = tree_.weight(out.slot[0]);
    for (const Index slot : out.slot) {
      smallest = std::min(smallest, tree_.weight(slot));
    }
  } else if (request.scale == WeightScale::kNone) {
    smallest = static_cast<float>(total / static_cast<double>(size()));
  }
  const auto beta = static_cast<float>(request.importance_exponent);
  for (std::size_t i = 0; i < out.slot.size(); ++i) {
    const float weight = tree_.weight(out.slot[i]);
    out.id[i] = storage_.id_of(storage_.place_of_slot(out.slot[i]));
    out.probability[i] = static_cast<double>(weight) / total;
    // (N p_i)^-beta over the largest such = (smallest weight / weight_i)^beta
    out.weight[i] = std::pow(smallest / weight, beta);
  }
}

void WeightedReplayBuffer::require_transitions() const {
  require(gather_.has_value(), kName,
          "::sample: a minibatch needs the columns \"observation\" (a state), \"action\" and "
          "\"reward\"; draw() and read() serve any columns");
}

void WeightedReplayBuffer::gather(const Draw& draw, const SampleRequest& request,
                                  MinibatchMemory& out) const {
  require_transitions();
  (*gather_)(storage_, draw, {request.n_step, request.discount}, options_.threads, out);
}

const Minibatch& WeightedReplayBuffer::sample(Stream& random, const SampleRequest& request) {
  require_transitions();
  draw(random, request, draw_);
  gather(draw_, request, memory_);
  minibatch_ = memory_.view(draw_);
  return minibatch_;
}

Index WeightedReplayBuffer::update_priorities(std::span<const RowId> ids,
                                              std::span<const float> priorities) {
  constexpr std::string_view kOutcome = "; nothing was changed";
  check_priorities(priorities, static_cast<Index>(ids.size()), "update_priorities", kOutcome);
  changed_slots_.clear();
  changed_weights_.clear();
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Storage::Presence presence = storage_.presence(ids[i]);
    require(presence != Storage::Presence::kNever, kName, "::update_priorities: row id ", ids[i],
            " at ", i, " never was drawn", kOutcome);
    if (presence == Storage::Presence::kStored) {
      changed_slots_.push_back(storage_.slot_of(storage_.place_of(ids[i])));
      changed_weights_.push_back(tree_weight(priorities[i]));
    }
  }
  tree_.set(changed_slots_, changed_weights_);
  for (const float priority : priorities) {
    largest_priority_ = std::max(largest_priority_, priority);
  }
  return static_cast<Index>(ids.size() - changed_slots_.size());
}

float WeightedReplayBuffer::weight(RowId id) const {
  require(options_.priorities, kName,
          "::weight: this buffer keeps no priorities (BufferOptions::priorities)");
  require(storage_.presence(id) == Storage::Presence::kStored, kName, "::weight: row id ", id,
          " is not stored");
  return tree_.weight(storage_.slot_of(storage_.place_of(id)));
}

void WeightedReplayBuffer::save(ArchiveWriter& archive, std::string_view prefix) const {
  const std::string name(prefix);
  storage_.save(archive, name);
  groups_.save(archive, name);
  archive.put_scalar(name + "priorities", Index{options_.priorities});
  if (options_.priorities) {
    archive.put_view(name + "weights", tree_.weights());
    archive.put(name + "newest_weights", newest_weight_);
    archive.put_scalar(name + "largest_priority", double{largest_priority_});
    archive.put_scalar(name + "priority_exponent", options_.priority_exponent);
  }
}

void WeightedReplayBuffer::load(const ArchiveReader& archive, std::string_view prefix) {
  const std::string name(prefix);
  require((archive.get_index(name + "priorities") != 0) == options_.priorities,
          "replay: the archive and this buffer differ in keeping priorities; nothing was loaded");
  std::vector<float> weights(options_.priorities ? static_cast<std::size_t>(tree_.size()) : 0);
  std::vector<float> newest(newest_weight_.size());
  float largest = 1.0f;
  if (options_.priorities) {
    archive.get(name + "weights", weights);
    archive.get(name + "newest_weights", newest);
    largest = static_cast<float>(archive.get_double(name + "largest_priority"));
    require(archive.get_double(name + "priority_exponent") == options_.priority_exponent,
            "replay: the archive's priority_exponent differs from this buffer's ",
            options_.priority_exponent, "; nothing was loaded");
    const auto good = [](float w) { return std::isfinite(w) && w >= 0.0f; };
    require(good(largest) && std::all_of(weights.begin(), weights.end(), good) &&
                std::all_of(newest.begin(), newest.end(), good),
            "replay: the archive's priorities are inconsistent; nothing was loaded");
  }
  Storage storage(storage_.columns(), options_.capacity, storage_.lanes());
  storage.load(archive, name);
  groups_.load(archive, name, storage);
  storage_ = std::move(storage);
  if (options_.priorities) {
    tree_.assign(weights);
    newest_weight_ = std::move(newest);
    largest_priority_ = largest;
  }
}

}  // namespace palaestra::replay
