#include <palaestra/replay/groups.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include <palaestra/core/error.h>

namespace palaestra::replay {

namespace {

using Kind = GroupWeights::Kind;
using Eviction = GroupWeights::Eviction;

Index drawable_end(const Storage& storage, Index lane) {
  return storage.oldest(lane) + storage.size(lane);
}

/// Common numbers of [a, b) and [c, d).
Index overlap(Index a, Index b, Index c, Index d) {
  return std::max<Index>(0, std::min(b, d) - std::max(a, c));
}

__extension__ using Wide = unsigned __int128;  // a GCC and clang extension, hence the mark

/// An integer in [0, n) from 64 random bits, without bias (Lemire 2019); rarely draws again.
Index below(Index n, std::uint64_t bits, Stream& random) {
  const auto range = static_cast<std::uint64_t>(n);
  const auto product = static_cast<Wide>(bits) * range;
  const auto low = static_cast<std::uint64_t>(product);
  if (low < range && low < -range % range) [[unlikely]] {
    return random.below(n);
  }
  return static_cast<Index>(product >> 64);
}

bool by_mass(const GroupWeights& weights) {
  return weights.kind == Kind::kGiven ||
         (weights.kind == Kind::kGeometric && weights.eviction == Eviction::kRenormalise);
}

}  // namespace

Groups::Groups(const Storage& storage, const GroupWeights& weights)
    : evicted_(as_size(storage.lanes())), drawable_(as_size(storage.lanes())) {
  set_weights(weights);
}

Index Groups::begin(const Storage& storage, Index tag) {
  require(!open_, "replay: group ", open_ ? open_->id : 0, " is still open; end it first");
  Group group{.id = next_id_, .tag = tag};
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    group.begin.push_back(storage.next(lane));
  }
  open_ = std::move(group);
  return next_id_++;
}

void Groups::end(const Storage& storage, const EpisodeIndex& index) {
  require(open_.has_value(), "replay: no group is open");
  Group group = *open_;
  group.end.clear();
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    group.end.push_back(storage.next(lane));
    group.rows += overlap(group.begin[as_size(lane)], group.end[as_size(lane)],
                          storage.oldest(lane), drawable_end(storage, lane));
  }
  require(group.rows > 0, "replay: group ", group.id,
          " has no rows that can be drawn; it stays open");
  measure(storage, group);
  group.find_episodes(storage, index);
  const double alpha = weights_.discount;
  if (weights_.kind == Kind::kGiven) {
    const double sum = std::accumulate(groups_.begin(), groups_.end(), 0.0,
                                       [](double s, const Group& g) { return s + g.mass; });
    group.mass = groups_.empty() ? 1.0 : sum / static_cast<double>(size());
  } else if (groups_.empty()) {
    group.mass = 1.0;
  } else {
    group.mass = alpha;
    if (by_mass(weights_)) {
      for (Group& older : groups_) older.mass *= 1.0 - alpha;
    }
  }
  if (groups_.empty()) {
    remember(storage);  // nothing has been followed so far
  }
  groups_.push_back(std::move(group));
  open_.reset();
  refresh();
}

void Groups::drop(Index id) {
  const auto found = std::find_if(groups_.begin(), groups_.end(),
                                  [&](const Group& group) { return group.id == id; });
  require(found != groups_.end(), "replay: there is no closed group ", id);
  groups_.erase(found);
  refresh();
}

void Groups::set_weights(const GroupWeights& weights) {
  if (weights.kind == Kind::kGeometric) {
    ages_ = GeometricAges(weights.discount);
  }
  weights_ = weights;
  // the masses that this kind would have given the groups that are there
  const Index oldest = size() - 1;
  for (Index k = 0; k < size(); ++k) {
    groups_[k].mass =
        weights.kind == Kind::kGeometric ? ages_.probability(oldest - k, oldest) : 1.0;
  }
  refresh();
}

void Groups::set_weights(std::span<const double> weights) {
  require(std::ssize(weights) == size(), "replay: ", weights.size(), " weights for ", size(),
          " closed groups");
  double total = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    require(std::isfinite(weights[k]) && weights[k] >= 0.0, "replay: weight ", k, " is ",
            weights[k], ", expected a finite number, 0 or more");
    total += weights[k];
  }
  require(total > 0.0 && std::isfinite(total), "replay: the weights of all groups are zero");
  weights_.kind = Kind::kGiven;
  for (Index k = 0; k < size(); ++k) groups_[k].mass = weights[as_size(k)];
  refresh();
}

void Groups::remember(const Storage& storage) {
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    evicted_[as_size(lane)] = storage.oldest(lane);
    drawable_[as_size(lane)] = drawable_end(storage, lane);
  }
}

void Groups::follow(const Storage& storage, const EpisodeIndex& index) {
  if (open_) {  // a cut may have taken back a row that could not be drawn yet
    for (Index lane = 0; lane < storage.lanes(); ++lane) {
      open_->begin[as_size(lane)] = std::min(open_->begin[as_size(lane)], storage.next(lane));
    }
  }
  if (groups_.empty()) {
    return;  // an open group is counted when it is closed
  }
  Touched touched;
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    follow_lane(storage, index, lane, touched);
  }
  for (Index k = size() - touched.newest; k < size(); ++k) {
    Group& group = groups_[k];
    group.count_episodes();
    if (std::exchange(group.cut, false)) {  // not before all lanes have been followed
      measure(storage, group);
    }
  }
  bool emptied = false;
  for (Index k = 0; k < touched.oldest; ++k) {
    Group& group = groups_[k];
    group.count_episodes();
    emptied = emptied || group.rows == 0;
    if (2 * group.rows < group.span()) {
      measure(storage, group);
    }
  }
  if (emptied) {
    for (Index k = size(); k-- > 0;) {
      if (groups_[k].rows == 0 && k > 0) groups_.erase(groups_.begin() + k);
    }
    if (groups_[0].rows == 0) groups_.pop_front();
    refresh();
  }
}

void Groups::follow_lane(const Storage& storage, const EpisodeIndex& index, Index lane,
                         Touched& touched) {
  const std::size_t l = as_size(lane);
  const Index oldest = storage.oldest(lane), drawable = drawable_end(storage, lane);
  const Index next = storage.next(lane);
  Index reached = 0;
  // groups behind the evicted rows are as they were
  while (evicted_[l] < oldest && reached < size() && groups_[reached].begin[l] < oldest) {
    Group& group = groups_[reached++];
    const Index lost =
        overlap(group.begin[l], group.end[l], evicted_[l], std::min(oldest, drawable_[l]));
    if (lost > 0) {
      group.rows -= lost;
      group.lose_episodes(storage, index, lane);
    }
  }
  touched.oldest = std::max(touched.oldest, reached);
  for (Index k = size(); k-- > 0 && groups_[k].end[l] > drawable_[l];) {
    Group& group = groups_[k];
    touched.newest = std::max(touched.newest, size() - k);
    if (group.end[l] > next) {  // a row was cut away; its number will be another row's
      group.end[l] = next;
      group.begin[l] = std::min(group.begin[l], next);
      group.cut = true;
    }
    const Index won =
        overlap(group.begin[l], group.end[l], std::max(oldest, drawable_[l]), drawable);
    if (won > 0) {
      group.rows += won;
      group.find_episodes(storage, index, lane);
    }
  }
  evicted_[l] = oldest;
  drawable_[l] = drawable;
}

/// Leaves the evicted rows out of the ranges. Lanes must have been followed that far.
void Groups::measure(const Storage& storage, Group& group) {
  for (Index lane = 0; lane < storage.lanes(); ++lane) {
    const std::size_t l = as_size(lane);
    group.begin[l] = std::min(group.end[l], std::max(group.begin[l], storage.oldest(lane)));
  }
  group.count_span();
}

void Groups::Group::count_span() {
  parts.clear();
  Index before = 0, lanes = 0;
  for (std::size_t l = 0; l < begin.size(); ++l) {
    const auto lane = static_cast<Index>(l);
    parts.push_back({row_id(lane, begin[l]), before});
    if (end[l] > begin[l]) {
      first_lane = lanes++ == 0 ? lane : first_lane;
      before += end[l] - begin[l];
    }
  }
  parts.push_back({0, before});
  lanes_per_row = static_cast<double>(lanes) / static_cast<double>(std::max<Index>(before, 1));
}

inline RowId Groups::Group::row(Index k) const {
  // lanes have about as many rows each, so that the guess is nearly always right
  auto lane = as_size(first_lane + static_cast<Index>(static_cast<double>(k) * lanes_per_row));
  lane = std::min(lane, parts.size() - 2);
  if (k < parts[lane].before || k >= parts[lane + 1].before) [[unlikely]] {
    const auto behind =
        std::upper_bound(parts.begin() + 1, parts.end(), k,
                         [](Index row, const Part& part) { return row < part.before; });
    lane = static_cast<std::size_t>(behind - parts.begin() - 1);
  }
  return parts[lane].first + k - parts[lane].before;
}

void Groups::refresh() {
  if (groups_.empty() || !by_mass(weights_)) {
    return;
  }
  std::vector<double> masses;
  for (const Group& group : groups_) masses.push_back(group.mass);
  const double total = std::accumulate(masses.begin(), masses.end(), 0.0);
  if (total > 0.0 && weights_.kind == Kind::kGeometric) {
    for (Group& group : groups_) group.mass /= total;
  }
  if (!(total > 0.0)) {  // those with weight are gone: the rest is alike
    masses.assign(masses.size(), 1.0);
    for (Group& group : groups_) group.mass = 1.0;
  }
  table_ = AliasTable(masses);
}

GroupInfo Groups::info(Index k) const {
  const Group& group = groups_[k];
  return {group.id, group.tag, group.rows};
}

double Groups::probability(Index k) const {
  if (by_mass(weights_)) {
    return table_.probability(k);
  }
  return weights_.kind == Kind::kEqual ? 1.0 / static_cast<double>(size())
                                       : ages_.probability(size() - 1 - k, size() - 1);
}

Index Groups::group_of(RowId row) const {
  const Index sequence = sequence_of(row);
  const std::size_t l = as_size(lane_of(row));
  for (const Group& group : groups_) {
    if (l < group.end.size() && sequence >= group.begin[l] && sequence < group.end[l]) {
      return group.id;
    }
  }
  return -1;
}

Index Groups::draw_group(double u, Stream& random) const {
  if (by_mass(weights_)) {
    return table_.draw(u);
  }
  return weights_.kind == Kind::kEqual ? random.below(size())
                                       : size() - 1 - ages_.age(u, size() - 1);
}

void Groups::draw(const Storage& storage, Stream& random, Draw& out) const {
  random.fill_uniform(out.work);
  random.fill_bits(out.bits);
  // plain pointers: the compiler cannot know that what is written is not a vector's own address
  const auto n = out.slot.size();
  Index* const slot = out.slot.data();
  RowId* const id = out.id.data();
  double* const probability = out.probability.data();
  const double* const u = out.work.data();
  const std::uint64_t* const bits = out.bits.data();
  const Index oldest = size() - 1;
  if (by_mass(weights_)) {
    for (std::size_t i = 0; i < n; ++i) {
      id[i] = table_.draw(u[i]);
      probability[i] = table_.probability(id[i]);
    }
  } else if (weights_.kind == Kind::kGeometric) {
    for (std::size_t i = 0; i < n; ++i) {
      const Index age = ages_.age(u[i], oldest);
      id[i] = oldest - age;
      probability[i] = ages_.probability(age, oldest);
    }
  } else {
    random.fill_below(size(), out.id);
    std::fill(out.probability.begin(), out.probability.end(), 1.0 / static_cast<double>(size()));
  }
  const PrefetchDrawn prefetch(storage);
  for (std::size_t i = 0; i < n; ++i) {
    const Group& group = groups_[id[i]];
    RowId row = group.row(below(group.span(), bits[i], random));
    // rows that are evicted or not there yet: about half of the span at most, see measure()
    while (!group.whole() && storage.presence(row) != Storage::Presence::kStored) {
      row = group.row(random.below(group.span()));
    }
    id[i] = row;
    slot[i] = storage.slot_of(storage.place_of(row));
    prefetch(i, slot[i]);
    probability[i] /= static_cast<double>(group.rows);
  }
  std::fill(out.weight.begin(), out.weight.end(), 1.0f);
}

void Groups::save(ArchiveWriter& archive, const std::string& prefix) const {
  std::vector<Index> numbers, ranges;
  std::vector<double> masses;
  const auto add = [&](const Group& group) {
    numbers.insert(numbers.end(), {group.id, group.tag, group.rows});
    masses.push_back(group.mass);
    ranges.insert(ranges.end(), group.begin.begin(), group.begin.end());
    ranges.insert(ranges.end(), group.end.begin(), group.end.end());
  };
  for (const Group& group : groups_) add(group);
  if (open_) {
    Group open = *open_;
    open.end = open.begin;
    add(open);
  }
  archive.put_scalar(prefix + "groups.next", next_id_);
  archive.put_scalar(prefix + "groups.open", Index{open_.has_value()});
  archive.put_scalar(prefix + "groups.count", static_cast<Index>(masses.size()));
  archive.put_scalar(prefix + "groups.kind", static_cast<Index>(weights_.kind));
  archive.put_scalar(prefix + "groups.eviction", static_cast<Index>(weights_.eviction));
  archive.put_scalar(prefix + "groups.discount", weights_.discount);
  if (!masses.empty()) {
    archive.put(prefix + "groups.numbers", numbers);
    archive.put(prefix + "groups.masses", masses);
    archive.put(prefix + "groups.ranges", ranges);
  }
}

void Groups::load(const ArchiveReader& archive, const std::string& prefix, const Storage& storage,
                  const EpisodeIndex& index) {
  const auto fits = [](bool good) {
    require(good, "replay: the archive's groups are inconsistent; nothing was loaded");
  };
  const Index count = archive.get_index(prefix + "groups.count");
  const Index next = archive.get_index(prefix + "groups.next");
  const bool open = archive.get_index(prefix + "groups.open") != 0;
  const Index kind = archive.get_index(prefix + "groups.kind");
  const Index eviction = archive.get_index(prefix + "groups.eviction");
  fits(count >= 0 && count <= next && next < Index{1} << 40 && (!open || count > 0));
  fits(count == 0 || !storage.room().single);  // nothing would tell groups that rows are gone
  fits(kind >= 0 && kind <= 2 && eviction >= 0 && eviction <= 1);
  const GroupWeights weights{static_cast<Kind>(kind),
                             archive.get_double(prefix + "groups.discount"),
                             static_cast<Eviction>(eviction)};
  const Index lanes = storage.lanes();
  std::vector<Index> numbers(as_size(3 * count)), ranges(as_size(2 * lanes * count));
  std::vector<double> masses(as_size(count));
  if (count > 0) {
    archive.get(prefix + "groups.numbers", numbers);
    archive.get(prefix + "groups.masses", masses);
    archive.get(prefix + "groups.ranges", ranges);
  }
  Groups loaded(storage, weights);
  loaded.remember(storage);
  std::vector<Index> reached(as_size(lanes), 0);
  Index last_id = -1;
  for (Index k = 0; k < count; ++k) {
    Group group{.id = numbers[as_size(3 * k)], .tag = numbers[as_size(3 * k + 1)]};
    fits(group.id > last_id && group.id < next);
    last_id = group.id;
    const auto range = ranges.begin() + 2 * lanes * k;
    group.begin.assign(range, range + lanes);
    group.end.assign(range + lanes, range + 2 * lanes);
    const bool is_open = open && k == count - 1;
    for (Index lane = 0; lane < lanes; ++lane) {
      const std::size_t l = as_size(lane);
      fits(group.begin[l] >= reached[l] && group.end[l] >= group.begin[l] &&
           group.end[l] <= storage.next(lane));
      reached[l] = group.end[l];
      group.rows +=
          overlap(group.begin[l], group.end[l], storage.oldest(lane), drawable_end(storage, lane));
    }
    group.mass = masses[as_size(k)];
    fits(std::isfinite(group.mass) && group.mass >= 0.0);
    fits(is_open || (group.rows > 0 && group.rows == numbers[as_size(3 * k + 2)]));
    if (is_open) {
      loaded.open_ = std::move(group);
    } else {
      group.count_span();  // evicted rows included, as saved: the draws are the same
      fits(group.span() <= 2 * group.rows + lanes);
      group.find_episodes(storage, index);
      loaded.groups_.push_back(std::move(group));
    }
  }
  loaded.next_id_ = next;
  loaded.refresh();
  *this = std::move(loaded);
}

}  // namespace palaestra::replay
