#pragma once

#include <span>

#include <palaestra/envs/render/canvas.h>

namespace palaestra::envs::render {

/// Shapes on a canvas. Coordinates and lengths are in pixels. A shape with a NaN anywhere is not
/// drawn, nor is one whose length, width or radius is not positive; none of that is an error.

/// The inside of a polygon, convex or concave, corners in either order; fewer than three enclose
/// nothing. Where it crosses itself the winding is not zero on the inside (see Canvas).
void fill_polygon(Canvas& canvas, std::span<const Point> corners, Color color,
                  Edges edges = Edges::kSmooth);

/// The rectangle from (left, top) to (right, bottom).
void fill_rectangle(Canvas& canvas, double left, double top, double right, double bottom,
                    Color color, Edges edges = Edges::kSmooth);

/// A disc, as a polygon of up to 256 corners of the same area: with a radius up to 1000 pixels its
/// border lies within 0.04 pixels of the circle, up to 100 pixels within 0.01.
void fill_disc(Canvas& canvas, Point centre, double radius, Color color,
               Edges edges = Edges::kSmooth);

/// A line `width` pixels wide, cut off square at its ends.
void draw_line(Canvas& canvas, Point from, Point to, double width, Color color,
               Edges edges = Edges::kSmooth);

/// Lines from point to point, from the last to the first as well if `closed`. Turns of less than 60
/// degrees are mitred; sharper ones are round, as are the ends. Drawn as one shape.
void draw_polyline(Canvas& canvas, std::span<const Point> points, double width, Color color,
                   bool closed = false, Edges edges = Edges::kSmooth);

/// x' = xx x + xy y + x0, y' = yx x + yy y + y0: from the coordinates of a world to pixels.
struct Affine {
  double xx = 1, xy = 0, x0 = 0, yx = 0, yy = 1, y0 = 0;

  Point operator()(double x, double y) const {
    return {xx * x + xy * y + x0, yx * x + yy * y + y0};
  }
  Point operator()(Point p) const { return (*this)(p.x, p.y); }
};

}  // namespace palaestra::envs::render
