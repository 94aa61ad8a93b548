#pragma once

#include <palaestra/envs/box2d/car_racing.h>
#include <palaestra/envs/render/canvas.h>

namespace palaestra::envs::box2d {

/// Paints the car's surroundings on the whole of a canvas of any size. The view is the original's
/// window, 1000 x 800, with its instruments in the lowest eighth; or without that eighth.
/// During the first second the camera comes down from above.
void paint_car_frame(render::Canvas& canvas, const CarRacingTask::State& s, bool panel);

}  // namespace palaestra::envs::box2d
