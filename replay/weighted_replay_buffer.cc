#include <palaestra/replay/weighted_replay_buffer.h>

#include <algorithm>
#include <limits>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

constexpr char kName[] = "WeightedReplayBuffer";
constexpr std::string_view kNotAppended = "; nothing was appended";

bool has_transitions(const std::vector<ColumnSpec>& columns) {
  return std::count_if(columns.begin(), columns.end(), [](const ColumnSpec& column) {
           return (column.name == "observation" && column.state) || column.name == "action" ||
                  column.name == "reward";
         }) == 3;
}

Room room_of(const BufferOptions& options) {
  if (options.removal == Removal::kOldest) {
    return {.capacity = options.capacity,
            .lanes = options.lanes,
            .tail = options.tail,
            .pinned = options.pinned,
            .file = options.file};
  }
  require(options.priorities != PriorityKind::kNone, kName,
          ": removal by lowest priority needs priorities (BufferOptions::priorities)");
  require(options.tail == 0, kName, ": tail is ", options.tail,
          ", expected 0 with removal by lowest priority");
  require(options.capacity >= 1 && options.pinned >= 0, kName, ": capacity is ", options.capacity,
          " and pinned ", options.pinned, ", expected 1 or more and 0 or more");
  return {.capacity = options.capacity + options.pinned, .single = true, .file = options.file};
}

}  // namespace

WeightedReplayBuffer::WeightedReplayBuffer(std::vector<ColumnSpec> columns, BufferOptions options)
    : options_(std::move(options)),
      storage_(std::move(columns), room_of(options_)),
      episodes_(storage_),
      groups_(storage_, options_.groups),
      priorities_(options_.priorities, options_.priority_exponent, storage_.slots(),
                  std::max(options_.lanes, storage_.lanes())) {
  if (has_transitions(storage_.columns())) {
    gather_.emplace(storage_);
  }
  if (options_.removal == Removal::kLowestPriority) {
    // a row waits for its next states beside the one that brings them
    inbox_.emplace(storage_.columns(),
                   Room{.capacity = 2 * options_.lanes, .lanes = options_.lanes});
    removal_ = RemovalQueue(storage_.room().capacity);
  }
}

void WeightedReplayBuffer::follow() {
  episodes_.follow(storage_);
  groups_.follow(storage_, episodes_);
}

void WeightedReplayBuffer::follow(std::span<const float> priority, Index rows, Index lane,
                                  bool one_lane) {
  follow();
  priorities_.follow(storage_.changes(), priority, rows, lane, one_lane);
  const auto changes = storage_.changes();
  const Index evicted = std::count_if(changes.begin(), changes.end(), [](const Change& change) {
    return change.kind == Change::Kind::kEvicted;
  });
  const Index added = std::ssize(changes) - evicted;
  limiter_.inserted(added, size() - added + evicted);
}

/// Takes in the rows of another storage that can now be drawn, each in place of the lowest one.
void WeightedReplayBuffer::adopt(const Storage& from, std::span<const float> priority, Index rows,
                                 Index lane, bool one_lane, bool pinned) {
  for (const Change& change : from.changes()) {
    if (change.kind == Change::Kind::kEvicted) {
      continue;  // it has been taken in before
    }
    Index target = storage_.lanes();
    if (!pinned && removal_.size() == options_.capacity) {
      target = removal_.lowest();
      removal_.remove(target);
    }
    limiter_.inserted(1, size());
    storage_.adopt(from, from.place_of_slot(change.slot), target, change);
    priorities_.follow(storage_.changes(), priority, 0, 0, one_lane);
    if (!pinned) {
      removal_.add(target, priorities_.weight(storage_.changes().back().slot));
    }
  }
  priorities_.follow({}, priority, rows, lane, one_lane);
}

void WeightedReplayBuffer::require_append(std::span<const float> priority, Index rows,
                                          std::string_view caller) const {
  if (!priority.empty()) {
    priorities_.check(priority, rows, caller, kNotAppended);
  }
  require(rows <= may_insert(), kName, "::", caller, ": ", rows, " rows, but only ", may_insert(),
          " may come before more are drawn (set_limit())", kNotAppended);
}

void WeightedReplayBuffer::append(const Steps& steps, std::span<const float> priority) {
  require_append(priority, options_.lanes, "append");
  if (inbox_) {
    inbox_->append(steps);
    return adopt(*inbox_, priority, options_.lanes, 0, false, false);
  }
  storage_.append(steps);
  follow(priority, options_.lanes, storage_.first_lane(), false);
}

/// Recorded rows, checked and with all their next states, for a buffer of single rows.
Storage WeightedReplayBuffer::checked_rows(const Steps& steps, std::string_view caller) const {
  const Index rows = std::ssize(steps.terminated);
  require(rows == 0 || !steps.next.empty(), kName, "::", caller,
          ": next states are needed, as rows are removed one by one", kNotAppended);
  Storage checked(storage_.columns(), {.capacity = std::max<Index>(rows, 1)});
  checked.extend(0, steps);
  return checked;
}

void WeightedReplayBuffer::extend(Index lane, const Steps& steps, std::span<const float> priority) {
  const Index rows = std::ssize(steps.terminated);
  require_append(priority, rows, "extend");
  if (inbox_) {
    require(lane >= 0 && lane < options_.lanes, kName, "::extend: lane is ", lane,
            ", expected 0 to ", options_.lanes - 1);
    return adopt(checked_rows(steps, "extend"), priority, 0, 0, true, false);
  }
  storage_.extend(lane, steps);
  follow(priority, rows, storage_.first_lane() + lane, true);
}

void WeightedReplayBuffer::pin(const Steps& steps, std::span<const float> priority) {
  const Index rows = std::ssize(steps.terminated);
  require_append(priority, rows, "pin");
  if (inbox_) {
    const Index room = options_.pinned - (storage_.lanes() - removal_.size());
    require(rows <= room, kName, "::pin: ", rows, " rows, room for ", room, " more of ",
            options_.pinned, kNotAppended);
    return adopt(checked_rows(steps, "pin"), priority, 0, 0, true, true);
  }
  storage_.pin(steps);
  follow(priority, rows, storage_.pinned_lane(), true);
}

void WeightedReplayBuffer::cut(Index lane) {
  if (inbox_) {
    return inbox_->cut(lane);
  }
  storage_.cut(lane);
  follow();
}

void WeightedReplayBuffer::evict_oldest(Index lane, Index rows) {
  require_neighbours("evict_oldest");
  storage_.evict_oldest(lane, rows);
  follow({}, 0, 0, true);
}

void WeightedReplayBuffer::mark() {
  storage_.mark();
  follow();
}

void WeightedReplayBuffer::roll_back() {
  storage_.roll_back();
  follow({}, 0, 0, true);
}

Index WeightedReplayBuffer::begin_group(Index tag) {
  require_neighbours("begin_group");
  return groups_.begin(storage_, tag);
}

void WeightedReplayBuffer::require_neighbours(std::string_view caller) const {
  require(!inbox_, kName, "::", caller,
          ": rows that are removed by lowest priority stand alone, without lanes and neighbours");
}

void WeightedReplayBuffer::require_request(const SampleRequest& request) const {
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

  const auto among = [&](auto... kinds) { return ((request.selection == kinds) || ...); };
  if (request.n_step > 1 ||
      among(Selection::kRecent, Selection::kEpisode, Selection::kGroupEpisode)) {
    require_neighbours("sample");
  }
  require(size() > 0, kName, "::sample: the buffer is empty");
  if (among(Selection::kPriority, Selection::kGroupPriority)) {
    require(priorities_.kind() != PriorityKind::kNone, kName,
            "::sample: this buffer keeps no priorities (BufferOptions::priorities)");
    require(priorities_.drawable(), kName, "::sample: all priorities are zero");
  }
  if (among(Selection::kGroup, Selection::kGroupPriority, Selection::kGroupEpisode)) {
    require(groups_.size() > 0, kName,
            "::sample: no group has been closed (begin_group(), end_group()), or all are gone");
  }
  require(!among(Selection::kGroupPriority) || priorities_.kind() == PriorityKind::kProportional,
          kName, "::sample: priorities by rank are ranks among all rows, not within a group");
  require(!among(Selection::kRecent) || recent_rows(storage_) > 0, kName,
          "::sample: there are no recent rows, only pinned ones");
}

void WeightedReplayBuffer::draw(Stream& random, const SampleRequest& request, Draw& out) const {
  require_request(request);
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
    case Selection::kGroupEpisode:
      return groups_.draw_by_episode(storage_, episodes_, random, out);
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
  require(request.rows <= may_sample() || size() == 0, kName, "::sample: ", request.rows,
          " rows, but only ", may_sample(), " may be drawn before more come (set_limit())");
  draw(random, request, draw_);
  gather(draw_, request, memory_);
  limiter_.sampled(request.rows);
  minibatch_ = memory_.view(draw_);
  return minibatch_;
}

Index WeightedReplayBuffer::update_priorities(std::span<const RowId> ids,
                                              std::span<const float> priorities) {
  const Index stale = priorities_.update(storage_, ids, priorities);
  for (std::size_t i = 0; inbox_ && i < ids.size(); ++i) {
    if (storage_.presence(ids[i]) == Storage::Presence::kStored &&
        removal_.contains(lane_of(ids[i]))) {
      removal_.change(lane_of(ids[i]), weight(ids[i]));
    }
  }
  return stale;
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
  limiter_.save(archive, name);
  if (inbox_) {
    inbox_->save(archive, name + "inbox/");
    archive.put(name + "arrivals", removal_.arrivals());
  }
}

void WeightedReplayBuffer::load(const ArchiveReader& archive, std::string_view prefix) {
  const std::string name(prefix);
  Storage storage(storage_.columns(), storage_.room());
  storage.load(archive, name);
  PriorityTable priorities = PriorityTable::load(archive, name, priorities_, storage);
  EpisodeIndex episodes(storage_);
  RemovalQueue removal;
  std::optional<Storage> inbox;
  if (inbox_) {
    inbox.emplace(storage_.columns(), inbox_->room());
    inbox->load(archive, name + "inbox/");
    removal = load_removal(archive, name + "arrivals", storage, priorities);
  } else {
    episodes = EpisodeIndex(storage);
  }
  Limiter limiter;
  limiter.load(archive, name);
  groups_.load(archive, name, storage, episodes);  // the last that may fail
  limiter_ = limiter;
  storage_ = std::move(storage);
  episodes_ = std::move(episodes);
  priorities_ = std::move(priorities);
  inbox_ = std::move(inbox);
  removal_ = std::move(removal);
}

/// The order of removal as saved: one of the rows that are not pinned.
RemovalQueue WeightedReplayBuffer::load_removal(const ArchiveReader& archive,
                                                const std::string& name, const Storage& storage,
                                                const PriorityTable& priorities) const {
  std::vector<Index> arrivals(static_cast<std::size_t>(storage.room().capacity));
  archive.get(name, arrivals);
  std::vector<float> weights(arrivals.size(), 0.0f);
  std::vector<Index> present;
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    if (arrivals[i] < 0) {
      continue;
    }
    present.push_back(arrivals[i]);
    const auto lane = static_cast<Index>(i);
    if (lane < storage.lanes()) {
      const RowId row = row_id(lane, storage.oldest(lane));
      weights[i] = priorities.weight(storage.slot_of(storage.place_of(row)));
    }
  }
  const Index pinned = storage.lanes() - std::ssize(present);
  std::sort(present.begin(), present.end());
  require(std::adjacent_find(present.begin(), present.end()) == present.end() && pinned >= 0 &&
              pinned <= options_.pinned && std::ssize(present) <= options_.capacity &&
              std::all_of(arrivals.begin() + storage.lanes(), arrivals.end(),
                          [](Index arrival) { return arrival == -1; }) &&
              (present.empty() || present.back() < std::numeric_limits<Index>::max()),
          "replay: the archive's order of removal is inconsistent; nothing was loaded");
  return {arrivals, weights};
}

}  // namespace palaestra::replay
