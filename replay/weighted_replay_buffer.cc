#include <palaestra/replay/weighted_replay_buffer.h>

#include <algorithm>

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
  require(request.recent >= 1, kName, "::sample: recent is ", request.recent,
          ", expected 1 or more");
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
    : options_(std::move(options)),
      storage_(std::move(columns), {.capacity = options_.capacity,
                                    .lanes = options_.lanes,
                                    .tail = options_.tail,
                                    .pinned = options_.pinned,
                                    .file = options_.file}),
      episodes_(storage_),
      groups_(storage_, options_.groups),
      priorities_(options_.priorities, options_.priority_exponent, storage_) {
  if (has_transitions(storage_.columns())) {
    gather_.emplace(storage_);
  }
}

void WeightedReplayBuffer::follow() {
  episodes_.follow(storage_);
  groups_.follow(storage_);
}

void WeightedReplayBuffer::follow(const Steps& steps, std::span<const float> priority, Index lane,
                                  bool one_lane) {
  follow();
  priorities_.follow(storage_, priority, std::ssize(steps.terminated), lane, one_lane);
}

void WeightedReplayBuffer::append(const Steps& steps, std::span<const float> priority) {
  if (!priority.empty()) {
    priorities_.check(priority, storage_.step_lanes(), "append", "; nothing was appended");
  }
  storage_.append(steps);
  follow(steps, priority, storage_.first_lane(), false);
}

void WeightedReplayBuffer::extend(Index lane, const Steps& steps, std::span<const float> priority) {
  if (!priority.empty()) {
    priorities_.check(priority, std::ssize(steps.terminated), "extend", "; nothing was appended");
  }
  storage_.extend(lane, steps);
  follow(steps, priority, storage_.first_lane() + lane, true);
}

void WeightedReplayBuffer::pin(const Steps& steps, std::span<const float> priority) {
  if (!priority.empty()) {
    priorities_.check(priority, std::ssize(steps.terminated), "pin", "; nothing was appended");
  }
  storage_.pin(steps);
  follow(steps, priority, storage_.pinned_lane(), true);
}

void WeightedReplayBuffer::cut(Index lane) {
  storage_.cut(lane);
  follow();
}

void WeightedReplayBuffer::mark() {
  storage_.mark();
  follow();
}

void WeightedReplayBuffer::roll_back() {
  storage_.roll_back();
  follow({}, {}, 0, true);
}

void WeightedReplayBuffer::require_drawable(const SampleRequest& request) const {
  require_request(request);
  const auto among = [&](auto... kinds) { return ((request.selection == kinds) || ...); };
  require(size() > 0, kName, "::sample: the buffer is empty");
  if (among(Selection::kPriority, Selection::kGroupPriority)) {
    require(priorities_.kind() != PriorityKind::kNone, kName,
            "::sample: this buffer keeps no priorities (BufferOptions::priorities)");
    require(priorities_.drawable(), kName, "::sample: all priorities are zero");
  }
  if (among(Selection::kGroup, Selection::kGroupPriority)) {
    require(groups_.size() > 0, kName,
            "::sample: no group has been closed (begin_group(), end_group()), or all are gone");
  }
  require(!among(Selection::kGroupPriority) || priorities_.kind() == PriorityKind::kProportional,
          kName, "::sample: priorities by rank are ranks among all rows, not within a group");
  require(!among(Selection::kRecent) || recent_rows(storage_) > 0, kName,
          "::sample: there are no recent rows, only pinned ones");
}

void WeightedReplayBuffer::draw(Stream& random, const SampleRequest& request, Draw& out) const {
  require_drawable(request);
  out.resize(request.rows);
  switch (request.selection) {
    case Selection::kUniform:
      return draw_uniform(storage_, random, out);
    case Selection::kRecent:
      return draw_recent(storage_, request.recent, random, out);
    case Selection::kEpisode:
      return draw_episodes(storage_, episodes_, random, out);
    case Selection::kPriority:
      priorities_.draw(storage_, random, request.stratified, out);
      return priorities_.weigh(storage_, {request.importance_exponent, request.scale}, out);
    case Selection::kGroup:
      return groups_.draw(storage_, random, out);
    case Selection::kGroupPriority:
      return groups_.draw_by_priority(storage_, priorities_.tree(), random,
                                      {request.importance_exponent, request.scale}, out);
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
  return priorities_.update(storage_, ids, priorities);
}

float WeightedReplayBuffer::weight(RowId id) const {
  require(priorities_.kind() != PriorityKind::kNone, kName,
          "::weight: this buffer keeps no priorities (BufferOptions::priorities)");
  require(storage_.presence(id) == Storage::Presence::kStored, kName, "::weight: row id ", id,
          " is not stored");
  return priorities_.weight(storage_.slot_of(storage_.place_of(id)));
}

void WeightedReplayBuffer::save(ArchiveWriter& archive, std::string_view prefix) const {
  const std::string name(prefix);
  storage_.save(archive, name);
  groups_.save(archive, name);
  priorities_.save(archive, name);
}

void WeightedReplayBuffer::load(const ArchiveReader& archive, std::string_view prefix) {
  const std::string name(prefix);
  Storage storage(storage_.columns(), storage_.room());
  storage.load(archive, name);
  PriorityTable priorities = PriorityTable::load(archive, name, priorities_, storage);
  EpisodeIndex episodes(storage);
  groups_.load(archive, name, storage);  // the last that may fail
  storage_ = std::move(storage);
  episodes_ = std::move(episodes);
  priorities_ = std::move(priorities);
}

}  // namespace palaestra::replay
