#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::envs::render {

struct Color {
  std::uint8_t red, green, blue;
  bool operator==(const Color&) const = default;
};

/// A place on the canvas in pixels: x to the right, y down, (0, 0) the upper left corner of the
/// upper left pixel. So pixel (i, j) is the square [i, i + 1] x [j, j + 1].
struct Point {
  double x, y;
};

/// What decides about the pixels on a shape's border.
enum class Edges : std::uint8_t {
  kSmooth,  ///< the share of the pixel's area that the shape covers is blended in
  kSharp,   ///< a pixel belongs to the shape that holds its centre; where the centre lies on an
            ///< edge, to the one right of it or below (top-left rule). Polygons that share an edge
            ///< leave neither gap nor overlap.
};

namespace detail {
struct Tiles;
}

/// Paints into an RGB image of unsigned bytes, [height, width, 3], top row first, which belongs to
/// the caller. The canvas itself holds the work space, made once: painting allocates nothing. One
/// canvas serves one thread, and any number of images of its size one after another.
///
/// Coverage is exact: the shape's area inside each pixel is computed, not sampled (the rounding is
/// that of float, below 1e-5 of a pixel for the shapes of a frame). Colours are blended in the
/// 8-bit numbers, as the common drawing libraries do, and rounded to nearest. The bits depend on
/// nothing but the calls.
///
/// What the shapes of shapes.h are built from: `add_edge` for each edge of one or several closed
/// outlines, then `fill`. Covered is what the outlines wind around, whatever their direction
/// (non-zero winding). With smooth edges the signed areas are summed and the sum limited to 1 per
/// pixel: exact for simple polygons, convex or concave, with or without holes of the opposite
/// direction, and for overlapping outlines of one direction except in the pixels that two of their
/// edges run through.
///
/// Everything is clipped to the image, exactly, however far outside it lies. Coordinates beyond
/// 1e9 pixels, infinite ones included, count as 1e9.
class Canvas {
 public:
  /// Work space for images of `width` x `height` pixels. Throws UserError unless both are 1 to
  /// 16384.
  Canvas(Index width, Index height);
  ~Canvas();
  Canvas(Canvas&&) noexcept;
  Canvas& operator=(Canvas&&) noexcept;

  /// From now on paints into `pixels`, which must outlive the painting. Throws UserError unless
  /// there are height * width * 3 of them. Discards edges added before.
  void attach(std::span<std::uint8_t> pixels);

  Index width() const { return width_; }
  Index height() const { return height_; }
  /// The attached image; empty before attach().
  std::span<std::uint8_t> pixels() const { return pixels_; }

  /// Sets every pixel.
  void clear(Color color);

  /// An edge of the outline to be filled next. The coordinates must not be NaN (shapes.h refuses
  /// them). Edges with different rules do not go into one outline.
  void add_edge(Point from, Point to, Edges edges = Edges::kSmooth);
  /// Paints what the edges added since the last call enclose.
  void fill(Color color);

  /// Opens a mosaic: what is filled until end_mosaic() is put together first and then laid over
  /// the image at once. Shapes that share an edge then cover the pixels along it fully, while
  /// filled one after another each would let some background through (a quarter of it where both
  /// cover half of the pixel). Later shapes first take what is left of a pixel, then cover earlier
  /// ones. Does nothing if one is open. The first call makes the space for it: 8 bytes per pixel.
  void begin_mosaic();
  /// Lays the mosaic over the image; nothing if none is open.
  void end_mosaic();

 private:
  void add_segment(std::size_t row, double left, double right, double cover);
  void touch(std::size_t row, std::size_t first_cell, std::size_t last_cell);
  template <class Blocks, class Run>
  void sweep_row(std::size_t row, const Blocks& blocks, const Run& run);

  Index width_, height_;
  std::span<std::uint8_t> pixels_;

  // Where coverage changes: a pixel's coverage is the sum of its row's cells up to it. One cell
  // more than pixels, then up to whole blocks of 8; a bit per block says which are not all zero.
  std::vector<float> cells_;
  std::vector<std::uint64_t> marks_;
  std::size_t blocks_per_row_, marks_per_row_;
  std::size_t first_row_, end_row_ = 0;  // of the pending outline

  bool mosaic_open_ = false;
  std::vector<detail::Tiles> tiles_;       // blocks_per_row_ per row
  std::vector<std::uint64_t> tile_marks_;  // a bit per block that holds something
};

}  // namespace palaestra::envs::render
