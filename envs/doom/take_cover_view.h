#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/envs/doom/take_cover_world.h>
#include <palaestra/envs/render/canvas.h>
#include <palaestra/envs/render/image.h>

namespace palaestra::envs {

/// Paints what the player of TakeCover sees: 90 degrees over all columns, the horizon at half the
/// height, at the height at which fireballs fly. Ceiling and floor get darker towards the horizon,
/// walls with distance; imps are brown rectangles, fireballs orange discs. Far things first.
///
/// The work space of one thread; painting allocates nothing.
class CoverPainter {
 public:
  static constexpr Index kColumns = 64;  ///< of observations

  /// For pictures of `rows` rows, 1 or more; as many as columns show 90 degrees, fewer the middle
  /// of that.
  explicit CoverPainter(Index rows, Index columns = kColumns);

  render::ImageSize size() const { return {.width = columns_, .height = rows_}; }

  /// Paints into `pixels`, [rows, columns, 3]. `strip`: fireballs as rectangles 8 units high, which
  /// even a single row shows.
  void paint(const CoverWorld& world, bool strip, std::span<std::uint8_t> pixels);

 private:
  void paint_room(double player_y, std::span<std::uint8_t> pixels) const;

  Index rows_, columns_;
  double focus_;  // pixels per unit of height or width at distance 1
  render::Canvas canvas_;
  std::vector<render::Color> background_;  // of each row, where no wall is
  std::vector<std::uint16_t> order_;       // fireballs, far to near
};

}  // namespace palaestra::envs
