#include <palaestra/envs/render/canvas.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/envs/render/pixel_block.h>

namespace palaestra::envs::render {
namespace {

constexpr Index kMaxSide = 16384;
constexpr double kFar = 1e9;  // pixels; a double still resolves 1e-7 there
/// Edges flatter than this, in pixels of height, enclose nothing, and their slope may overflow.
constexpr double kFlat = 1e-12;
}  // namespace

Canvas::Canvas(Index width, Index height) : width_(width), height_(height) {
  require(width >= 1 && width <= kMaxSide && height >= 1 && height <= kMaxSide,
          "the size of a canvas is ", width, " x ", height, " pixels; accepted: 1 to ", kMaxSide,
          " each way");
  const auto rows = static_cast<std::size_t>(height), columns = static_cast<std::size_t>(width);
  blocks_per_row_ = columns / detail::kBlock + 1;
  marks_per_row_ = (blocks_per_row_ + 63) / 64;
  cells_.assign(rows * blocks_per_row_ * detail::kBlock, 0.0F);
  marks_.assign(rows * marks_per_row_, 0);
  first_row_ = rows;
}

Canvas::~Canvas() = default;
Canvas::Canvas(Canvas&&) noexcept = default;
Canvas& Canvas::operator=(Canvas&&) noexcept = default;

void Canvas::attach(std::span<std::uint8_t> pixels) {
  require(std::ssize(pixels) == height_ * width_ * 3, "an image of ", pixels.size(),
          " bytes on a canvas of ", width_, " x ", height_,
          " pixels; accepted: ", height_ * width_ * 3, " bytes");
  pixels_ = {};  // whatever is pending goes nowhere
  end_mosaic();
  fill({});
  pixels_ = pixels;
}

// ---- outlines

void Canvas::touch(std::size_t row, std::size_t first_cell, std::size_t last_cell) {
  std::uint64_t* marks = &marks_[row * marks_per_row_];
  for (std::size_t b = first_cell / detail::kBlock; b <= last_cell / detail::kBlock; ++b) {
    marks[b / 64] |= std::uint64_t{1} << (b % 64);
  }
}

/// A piece of an edge inside one row, between columns left <= right; it raises the coverage of
/// everything right of it by `cover`, its signed height.
void Canvas::add_segment(std::size_t row, double left, double right, double cover) {
  const auto width = static_cast<double>(width_);
  if (left >= width) {
    return;
  }
  float* cells = &cells_[row * blocks_per_row_ * detail::kBlock];
  if (left < 0 || right > width) [[unlikely]] {
    if (right <= 0) {
      cells[0] += static_cast<float>(cover);
      touch(row, 0, 0);
      return;
    }
    const double density = cover / (right - left);
    if (left < 0) {  // what lies left of the image covers whole rows of it
      cells[0] += static_cast<float>(-left * density);
      touch(row, 0, 0);
      left = 0;
    }
    right = std::min(right, width);
    cover = (right - left) * density;
  }
  const auto first = static_cast<std::size_t>(left);
  const auto offset = static_cast<double>(first);
  if (right <= offset + 1) {  // in one column: a trapezoid
    const double before = 0.5 * (left + right) - offset;
    cells[first] += static_cast<float>(cover * (1 - before));
    cells[first + 1] += static_cast<float>(cover * before);
    touch(row, first, first + 1);
    return;
  }
  // Through several: a triangle in the first, then ever more, the rest of a triangle in the last.
  const double per_column = cover / (right - left);
  const double into_first = offset + 1 - left;
  const auto end = static_cast<std::size_t>(std::ceil(right));
  double covered = 0.5 * into_first * into_first * per_column;  // of the column at hand
  cells[first] += static_cast<float>(covered);
  double height = into_first * per_column;  // of the edge, up to the column's right border
  for (std::size_t column = first + 1; column + 1 < end; ++column) {
    const double now = height + 0.5 * per_column;
    cells[column] += static_cast<float>(now - covered);
    covered = now;
    height += per_column;
  }
  const double into_last = right - static_cast<double>(end - 1);
  const double now = cover - 0.5 * into_last * into_last * per_column;
  cells[end - 1] += static_cast<float>(now - covered);
  cells[end] += static_cast<float>(cover - now);
  touch(row, first, end);
}

void Canvas::add_edge(Point from, Point to, Edges edges) {
  double direction = 1;
  if (from.y > to.y) {  // one order for both directions, so that shared edges are shared bits
    std::swap(from, to);
    direction = -1;
  }
  const double x0 = std::clamp(from.x, -kFar, kFar), y0 = std::clamp(from.y, -kFar, kFar);
  const double x1 = std::clamp(to.x, -kFar, kFar), y1 = std::clamp(to.y, -kFar, kFar);
  const auto height = static_cast<double>(height_), width = static_cast<double>(width_);
  if (!(y1 - y0 > kFlat) || y1 <= 0 || y0 >= height) {
    return;
  }
  const double slope = (x1 - x0) / (y1 - y0);
  const double top = std::max(y0, 0.0), bottom = std::min(y1, height);
  auto row = static_cast<std::size_t>(top);
  auto end = static_cast<std::size_t>(std::ceil(bottom));
  if (edges == Edges::kSharp) {  // rows whose centres are in [top, bottom)
    row = static_cast<std::size_t>(std::ceil(std::max(top - 0.5, 0.0)));
    end = static_cast<std::size_t>(std::ceil(std::max(bottom - 0.5, 0.0)));
  }
  if (row >= end) {
    return;
  }
  first_row_ = std::min(first_row_, row);
  end_row_ = std::max(end_row_, end);
  if (edges == Edges::kSharp) {
    for (; row < end; ++row) {
      const double x = x0 + (static_cast<double>(row) + 0.5 - y0) * slope;
      const auto cell = static_cast<std::size_t>(std::ceil(std::clamp(x - 0.5, 0.0, width)));
      cells_[row * blocks_per_row_ * detail::kBlock + cell] += static_cast<float>(direction);
      touch(row, cell, cell);
    }
    return;
  }
  double y = top, x = x0 + (top - y0) * slope;
  for (; row < end; ++row) {
    const double next_y = std::min(static_cast<double>(row + 1), bottom);
    const double next_x = x0 + (next_y - y0) * slope;
    add_segment(row, std::min(x, next_x), std::max(x, next_x), (next_y - y) * direction);
    y = next_y;
    x = next_x;
  }
}

}  // namespace palaestra::envs::render
