#include <palaestra/envs/adapters/crop.h>

#include <palaestra/envs/adapters/observation_map.h>

namespace palaestra::envs {
namespace {

class CroppedBatch final : public ObservationMap {
 public:
  CroppedBatch(std::unique_ptr<AnyBatch> inner_batch, EnvSpec spec, const Crop& wrapper)
      : ObservationMap(std::move(inner_batch), std::move(spec)) {
    const Space &whole = inner().spec().observation, &part = this->spec().observation;
    const auto bytes = [](Index count, std::size_t each) {
      return static_cast<std::size_t>(count) * each;
    };
    const std::size_t pixel = whole.bytes() / bytes(whole.shape[0] * whole.shape[1], 1);
    pitch_ = bytes(whole.shape[1], pixel);
    first_ = bytes(wrapper.top, pitch_) + bytes(wrapper.left, pixel);
    rows_ = bytes(part.shape[0], 1);
    row_bytes_ = bytes(part.shape[1], pixel);
    show_all();
  }

  std::string_view name() const override { return "crop"; }

 private:
  void map(const std::byte* from, std::byte* to) const override {
    from += first_;
    for (std::size_t row = 0; row < rows_; ++row) {
      std::memcpy(to + row * row_bytes_, from + row * pitch_, row_bytes_);
    }
  }

  std::size_t pitch_, first_, rows_, row_bytes_;
};

}  // namespace

EnvSpec wrapped(EnvSpec spec, const Crop& wrapper) {
  Space& space = spec.observation;
  require(space.kind == Space::Kind::kBox && (space.shape.size() == 2 || space.shape.size() == 3),
          "crop: the observation of ", spec.id, " is ", to_string(space),
          "; accepted: an image, [height, width] or [height, width, channels]");
  const auto side = [](const char* name, const char* place_name, Index place, Index given,
                       Index whole) {
    require(place >= 0 && place < whole, "crop: ", place_name, " is ", place, "; accepted: 0 to ",
            whole - 1);
    require(given >= 0 && given <= whole - place, "crop: ", name, " is ", given,
            "; accepted: 0 (all that is left) to ", whole - place);
    return given == 0 ? whole - place : given;
  };
  const Space whole = space;
  const Index height = side("height", "top", wrapper.top, wrapper.height, whole.shape[0]);
  const Index width = side("width", "left", wrapper.left, wrapper.width, whole.shape[1]);
  const Index channels = whole.shape.size() == 3 ? whole.shape[2] : 1;
  space.low.clear();
  space.high.clear();
  for (Index row = 0; row < height; ++row) {
    const auto begin = ((wrapper.top + row) * whole.shape[1] + wrapper.left) * channels;
    const auto end = begin + width * channels;
    space.low.insert(space.low.end(), whole.low.begin() + begin, whole.low.begin() + end);
    space.high.insert(space.high.end(), whole.high.begin() + begin, whole.high.begin() + end);
  }
  space.shape[0] = height;
  space.shape[1] = width;
  return spec;
}

std::unique_ptr<AnyBatch> wrap(std::unique_ptr<AnyBatch> inner, const Crop& wrapper) {
  EnvSpec spec = wrapped(inner->spec(), wrapper);
  return std::make_unique<CroppedBatch>(std::move(inner), std::move(spec), wrapper);
}

}  // namespace palaestra::envs
