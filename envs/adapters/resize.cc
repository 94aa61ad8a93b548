#include <palaestra/envs/adapters/resize.h>

#include <algorithm>

#include <palaestra/envs/adapters/observation_map.h>
#include <palaestra/envs/render/image.h>

namespace palaestra::envs {
namespace {

render::ImageSize size_of_image(const Space& space) {
  return {.width = space.shape[1],
          .height = space.shape[0],
          .channels = space.shape.size() == 3 ? space.shape[2] : 1};
}

class ResizedBatch final : public ObservationMap {
 public:
  ResizedBatch(std::unique_ptr<AnyBatch> inner_batch, EnvSpec spec, Resize::Method method)
      : ObservationMap(std::move(inner_batch), std::move(spec)),
        from_(size_of_image(inner().spec().observation)),
        to_(size_of_image(this->spec().observation)),
        method_(method) {
    show_all();
  }

  std::string_view name() const override { return "resize"; }

 private:
  void map(const std::byte* from, std::byte* to) const override {
    const std::span image(reinterpret_cast<const std::uint8_t*>(from),
                          static_cast<std::size_t>(from_.bytes()));
    const std::span result(reinterpret_cast<std::uint8_t*>(to),
                           static_cast<std::size_t>(to_.bytes()));
    if (method_ == Resize::Method::kArea) {
      render::resize_by_area(image, from_, result, to_);
    } else {
      render::resize_bilinear(image, from_, result, to_);
    }
  }

  render::ImageSize from_, to_;
  Resize::Method method_;
};

}  // namespace

EnvSpec wrapped(EnvSpec spec, const Resize& wrapper) {
  Space& space = spec.observation;
  const auto all = [](const std::vector<double>& bounds, double value) {
    return std::all_of(bounds.begin(), bounds.end(), [&](double b) { return b == value; });
  };
  require(space.kind == Space::Kind::kBox && space.dtype == DType::kUint8 &&
              (space.shape.size() == 2 || (space.shape.size() == 3 && space.shape[2] <= 4)) &&
              all(space.low, 0) && all(space.high, 255),
          "resize: the observation of ", spec.id, " is ", to_string(space),
          "; accepted: uint8 images from 0 to 255, [height, width] or [height, width, channels]");
  for (const auto& [name, side] :
       {std::pair{"height", wrapper.height}, std::pair{"width", wrapper.width}}) {
    require(side >= 1 && side <= 16384, "resize: ", name, " is ", side, "; accepted: 1 to 16384");
  }
  std::vector<Index> shape = space.shape;
  shape[0] = wrapper.height;
  shape[1] = wrapper.width;
  Index count = 1;
  for (const Index extent : shape) {
    count *= extent;
  }
  space = Space::box(count, 0, 255, DType::kUint8);
  space.shape = std::move(shape);
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const Resize& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  return std::make_unique<ResizedBatch>(std::move(inner), std::move(spec), wrapper.method);
}

}  // namespace palaestra::envs
