#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/replay/groups.h>

namespace palaestra::replay {
namespace {

constexpr Index kUnknown = -1;

/// The item that was found, or where rounding led out of the run the nearest one in it that can be
/// drawn. The run has weight.
Index within(const SlotRun& run, Index item, const SumTree& tree) {
  if (item >= run.begin && item < run.end) {
    return item;
  }
  const Index step = item < run.begin ? 1 : -1;
  item = item < run.begin ? run.begin : run.end - 1;
  while (tree.weight(item) == 0.0f && item + step >= run.begin && item + step < run.end) {
    item += step;
  }
  return item;
}

}  // namespace

std::span<const SlotRun> Groups::runs_of(const Storage& storage, const SumTree& tree, Index k,
                                         Draw& out) const {
  const auto most = 2 * as_size(storage.lanes());  // a ring's part may go over its end
  SlotRun* const first = out.runs.data() + as_size(k) * most;
  Index& count = out.run_count[as_size(k)];
  if (count == kUnknown) {
    count = 0;
    double reached = 0.0;
    const auto add = [&](Index begin, Index end) {
      const double before = tree.sum_before(begin);
      const double mass = tree.sum_before(end) - before;
      if (mass > 0.0) {
        reached += mass;
        first[count++] = {begin, end, before, reached};
      }
    };
    const Group& group = groups_[k];
    for (Index lane = 0; lane < storage.lanes(); ++lane) {
      const Index oldest = storage.oldest(lane);
      const Index begin = std::max(group.begin[as_size(lane)], oldest);
      const Index end = std::min(group.end[as_size(lane)], oldest + storage.size(lane));
      if (begin >= end) {
        continue;
      }
      const Index slot = storage.slot_of(storage.place_of(row_id(lane, begin)));
      const Index last = storage.slot_of(storage.place_of(row_id(lane, end - 1)));
      if (slot <= last) {
        add(slot, last + 1);
      } else {
        const Index base = storage.first_slot(lane);
        add(slot, base + storage.rows_of_lane(lane) + 1);
        add(base, last + 1);
      }
    }
    require(count > 0, "WeightedReplayBuffer::sample: all priorities in group ", group.id,
            " are zero");
  }
  return {first, as_size(count)};
}

void Groups::draw_by_priority(const Storage& storage, const SumTree& tree, Stream& random,
                              const Importance& importance, Draw& out) const {
  out.runs.resize(as_size(size()) * 2 * as_size(storage.lanes()));
  out.run_count.assign(as_size(size()), kUnknown);
  random.fill_uniform(out.work);
  for (std::size_t i = 0; i < out.work.size(); ++i) {
    const Index k = draw_group(out.work[i], random);
    const auto runs = runs_of(storage, tree, k, out);
    const double mass = random.uniform() * runs.back().reached;
    const auto run = std::find_if(runs.begin(), runs.end() - 1,
                                  [&](const SlotRun& r) { return mass < r.reached; });
    const double reached = run == runs.begin() ? 0.0 : (run - 1)->reached;
    out.work[i] = run->before + (mass - reached);
    out.bits[i] = static_cast<std::uint64_t>(&*run - out.runs.data());
    out.id[i] = k;
  }
  tree.find(out.work, out.slot);
  float smallest = 1.0f;
  for (std::size_t i = 0; i < out.slot.size(); ++i) {
    const Index k = out.id[i];
    out.slot[i] = within(out.runs[out.bits[i]], out.slot[i], tree);
    const double weight = static_cast<double>(tree.weight(out.slot[i]));
    const double share = weight / runs_of(storage, tree, k, out).back().reached;
    out.probability[i] = probability(k) * share;
    out.weight[i] = static_cast<float>(share * static_cast<double>(groups_[k].rows));
    smallest = i == 0 ? out.weight[i] : std::min(smallest, out.weight[i]);
    out.id[i] = storage.id_of(storage.place_of_slot(out.slot[i]));
  }
  // (n p_i)^-beta, over the largest such
  const float scale = importance.scale == WeightScale::kNone ? 1.0f : smallest;
  for (float& weight : out.weight) {
    weight = std::pow(scale / weight, static_cast<float>(importance.exponent));
  }
}

}  // namespace palaestra::replay
