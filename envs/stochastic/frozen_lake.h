#pragma once

#include <array>
#include <string>
#include <string_view>

#include <palaestra/envs/keywords.h>
#include <palaestra/envs/stochastic/tabular_task.h>

namespace palaestra::envs {

/// Cross a frozen lake from start to goal without falling into a hole; the ice is slippery.
///
/// Observation  Discrete(rows x columns): the cell, counted row by row from 0; 16 on the 4x4 map
/// Action       0 left, 1 down, 2 right, 3 up; at the edge of the map the agent stays
/// Reward       1 for entering the goal, else 0, or as `reward_schedule` says
/// Ends         terminated in a hole or at the goal; truncated after 100 steps by the batch
/// Options      is_slippery (1): 0 = every move succeeds; success_rate (0.3333333333333333):
///              probability of the intended direction on slippery ice, the rest shared by the two
///              perpendicular ones; reward_schedule, three numbers: entering goal, hole, ice, by
///              their own names reward_schedule_0 (1), reward_schedule_1 (0), reward_schedule_2
///              (0); map_name: `4x4` or `8x8`; desc: a map of one's own, rows of the letters S
///              (start), F (ice), H (hole), G (goal), in Python a list of rows, else joined by `/`
///              as in `SFF/FHG`
/// Source       Gymnasium 1.4.0 `FrozenLake-v1`. Oracle: its table of probabilities, entry by
/// entry,
///              tests/python/test_frozen_lake_oracle.py
///
/// Two differences from the original: a map without a way to any goal is refused, and a random map
/// is made by Gymnasium's `generate_random_map` and given as `desc`, not drawn when both names are
/// None. With several starts, one is drawn at each reset.
struct FrozenLake : TabularTask {
  static constexpr std::string_view kMap4x4 = "SFFF/FHFH/FFFH/HFFG";
  static constexpr std::string_view kMap8x8 =
      "SFFFFFFF/FFFFFFFF/FFFHFFFF/FFFFFHFF/FFFHFFFF/FHHFFFHF/FHFFHFHF/FFFHFFFG";
  static constexpr Index kMaxCells = Index{1} << 16;

  struct Settings {
    std::string map = std::string(kMap4x4);  ///< rows joined by '/'
    bool is_slippery = true;
    double success_rate = 1.0 / 3.0;
    std::array<double, 3> reward_schedule = {1, 0, 0};  ///< goal, hole, ice
  };

  /// Throws UserError for a map that is ragged, too large, has other letters, no start or no goal
  /// that can be reached, and for a rate outside [0, 1].
  FrozenLake(std::string id, const Settings& settings, Index time_limit);
  FrozenLake() : FrozenLake("FrozenLake-v1", {}, 100) {}

  static FrozenLake from(KeywordReader& options) {
    return {"FrozenLake-v1", read(options, "4x4"), 100};
  }

  EnvSpec spec() const;

  render::ImageSize render_size() const;
  void render(const State& s, render::Canvas& canvas) const;

 protected:
  static Settings read(KeywordReader& options, const std::string& map_name);

 private:
  Index time_limit_;
  std::string map_;  // letters row by row
  Index columns_;
};

}  // namespace palaestra::envs
