#pragma once

#include <cstdint>
#include <vector>

#include <palaestra/replay/draw.h>

namespace palaestra::replay {

/// How the goal of a row in hindsight is chosen (Andrychowicz et al. 2017, arXiv 1707.01495):
/// always what was achieved after some stored row j. Row t's episode has the stored rows first to
/// end - 1 (a running one those up to now, see EpisodeIndex).
struct GoalLaw {
  /// Chance that a row's goal is replaced; else it keeps its own.
  double relabel = 0.8;
  /// Relative weights of the ways to choose j.
  double future = 1;     ///< t to end - 1 alike, or to max(t, end - 1 - future_margin)
  double geometric = 0;  ///< t + d, d >= 0 with probability in proportion to discount^d, see below
  double final = 0;      ///< end - 1
  double episode = 0;    ///< first to end - 1 alike
  double random = 0;     ///< every stored row alike
  double achieved = 0;   ///< t: what was achieved by this very step

  /// How many of the last states of an episode `future` leaves out, where there are others. With 2
  /// and N rows in an episode: t' on t + 1 to N - 2 alike, and t + 1 for the last two (SMORe).
  Index future_margin = 0;
  double discount = 0.99;  ///< of `geometric`, in [0, 1]; 1: as `future` without margin
  /// Where d reaches beyond the episode: drawn again, that is the law is renormalised; or the last
  /// row stands for it (OGBench).
  bool clamp = false;
};

/// Throws UserError for a law out of range.
void require_law(const GoalLaw& law, std::string_view caller);

/// The goals of drawn rows.
struct GoalDraw {
  std::vector<RowId> row;   ///< j; -1: the row's own goal
  std::vector<Index> slot;  ///< of j; of the row itself where it keeps its goal
  std::vector<std::int32_t>
      offset;                       ///< j + 1 - t, in steps; 0 where it keeps its goal or by random
  std::vector<std::uint64_t> bits;  ///< work space

  void resize(Index rows);
};

/// Chooses a goal for each drawn row, two numbers of 64 bits from the stream for each. Needs rows
/// that are stored and a law in range.
void draw_goals(const Storage& storage, const EpisodeIndex& episodes, const GoalLaw& law,
                Stream& random, const Draw& draw, GoalDraw& out);

}  // namespace palaestra::replay
