#pragma once

#include <cstring>

#include <palaestra/envs/adapters/adapter.h>

namespace palaestra::envs {

/// A wrapper whose observation is a function of the inner one's, row by row.
class ObservationMap : public Adapter {
 protected:
  /// Call show_all() at the end of the constructor.
  ObservationMap(std::unique_ptr<AnyBatch> inner_batch, EnvSpec spec)
      : Adapter(std::move(inner_batch), std::move(spec)),
        from_(inner().spec().observation.bytes()),
        to_(this->spec().observation.bytes()),
        observation_(size() * static_cast<Index>(to_)),
        final_observation_(size() * static_cast<Index>(to_)) {
    show("observation", observation_);
    show("final_observation", final_observation_);
    columns_.observation = observation_.data();
    columns_.final_observation = final_observation_.data();
  }
  void show_all() { after_reset({}, {}); }

  /// The observation of this wrapper from the inner one's.
  virtual void map(const std::byte* from, std::byte* to) const = 0;

  void after_rows(Index begin, Index end) override {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
      if (!ended(i) || same_step()) {
        place_row(i);
      }
      if (ended(i)) {
        std::byte* last = final_observation_.data() + i * to_;
        map(static_cast<const std::byte*>(below().final_observation) + i * from_, last);
        if (!same_step()) {
          std::memcpy(observation_.data() + i * to_, last, to_);
        }
      }
    }
  }
  void start_row(std::size_t i, const std::uint64_t*) override { place_row(i); }
  void place_row(std::size_t i) override {
    map(static_cast<const std::byte*>(below().observation) + i * from_,
        observation_.data() + i * to_);
  }

 private:
  std::size_t from_, to_;  // bytes of one observation
  Column<std::byte> observation_, final_observation_;
};

}  // namespace palaestra::envs
