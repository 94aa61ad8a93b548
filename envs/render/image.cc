#include <palaestra/envs/render/image.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::envs::render {
namespace {

constexpr std::size_t kMaxChannels = 4;
constexpr Index kMaxSide = Index{1} << 20;  // so that products of sizes fit

void require_image(const char* name, Index bytes, ImageSize size) {
  require(size.width >= 1 && size.height >= 1 && size.width <= kMaxSide && size.height <= kMaxSide,
          "the size of ", name, " is ", size.width, " x ", size.height, " pixels; accepted: 1 to ",
          kMaxSide, " each way");
  require(size.channels >= 1 && size.channels <= static_cast<Index>(kMaxChannels), "channels is ",
          size.channels, "; accepted: 1 to ", kMaxChannels);
  require(bytes == size.bytes(), name, " has ", bytes, " bytes; its size says ", size.width, " x ",
          size.height, " x ", size.channels);
}

void require_pair(Index from_bytes, ImageSize from_size, Index to_bytes, ImageSize to_size) {
  require_image("the old image", from_bytes, from_size);
  require_image("the new image", to_bytes, to_size);
  require(from_size.channels == to_size.channels, "the old image has ", from_size.channels,
          " channels, the new one ", to_size.channels);
}

std::uint8_t rounded(float value) { return static_cast<std::uint8_t>(std::lrint(value)); }

/// Old pixels [first, end) that new pixel `index` of `to` stands for, with the shares of the first
/// and the last; those between count whole.
struct Window {
  Index first, end;
  float first_share, last_share;

  Window(Index index, Index from, Index to) {
    // borders are multiples of 1/to: in whole numbers nothing is lost
    const Index begin_part = index * from, end_part = (index + 1) * from;
    first = begin_part / to;
    end = (end_part + to - 1) / to;
    const auto share = [to](Index parts) {
      return static_cast<float>(parts) / static_cast<float>(to);
    };
    if (end == first + 1) {
      first_share = last_share = share(end_part - begin_part);
    } else {
      first_share = share((first + 1) * to - begin_part);
      last_share = share(end_part - (end - 1) * to);
    }
  }
  float share(Index at) const {
    return at == first ? first_share : at == end - 1 ? last_share : 1.0F;
  }
};

/// The two old pixels whose centres lie around the centre of new pixel `index`, and how far it is
/// from the first.
struct Neighbours {
  Index first, second;
  float towards_second;

  Neighbours(Index index, Index from, Index to) {
    const double scale = static_cast<double>(from) / static_cast<double>(to);
    const double place = (static_cast<double>(index) + 0.5) * scale - 0.5;
    const double inside = std::clamp(place, 0.0, static_cast<double>(from - 1));
    first = static_cast<Index>(inside);
    second = std::min(first + 1, from - 1);
    towards_second = static_cast<float>(inside - static_cast<double>(first));
  }
};

}  // namespace

void resize_by_area(std::span<const std::uint8_t> from, ImageSize from_size,
                    std::span<std::uint8_t> to, ImageSize to_size) {
  require_pair(std::ssize(from), from_size, std::ssize(to), to_size);
  const Index channels = from_size.channels;
  const float area = static_cast<float>(to_size.width) / static_cast<float>(from_size.width) *
                     (static_cast<float>(to_size.height) / static_cast<float>(from_size.height));
  std::uint8_t* out = to.data();
  for (Index y = 0; y < to_size.height; ++y) {
    const Window rows(y, from_size.height, to_size.height);
    for (Index x = 0; x < to_size.width; ++x) {
      const Window columns(x, from_size.width, to_size.width);
      std::array<float, kMaxChannels> sum{};
      for (Index row = rows.first; row < rows.end; ++row) {
        const std::uint8_t* pixel =
            &from[static_cast<std::size_t>((row * from_size.width + columns.first) * channels)];
        std::array<float, kMaxChannels> line{};
        for (Index column = columns.first; column < columns.end; ++column) {
          const float share = columns.share(column);
          for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
            line[c] += share * static_cast<float>(*pixel++);
          }
        }
        for (std::size_t c = 0; c < kMaxChannels; ++c) {
          sum[c] += rows.share(row) * line[c];
        }
      }
      for (std::size_t c = 0; c < static_cast<std::size_t>(channels); ++c) {
        *out++ = rounded(std::min(sum[c] * area, 255.0F));
      }
    }
  }
}

void resize_bilinear(std::span<const std::uint8_t> from, ImageSize from_size,
                     std::span<std::uint8_t> to, ImageSize to_size) {
  require_pair(std::ssize(from), from_size, std::ssize(to), to_size);
  const Index channels = from_size.channels;
  std::uint8_t* out = to.data();
  for (Index y = 0; y < to_size.height; ++y) {
    const Neighbours rows(y, from_size.height, to_size.height);
    for (Index x = 0; x < to_size.width; ++x) {
      const Neighbours columns(x, from_size.width, to_size.width);
      const auto at = [&](Index row, Index column) {
        return &from[static_cast<std::size_t>((row * from_size.width + column) * channels)];
      };
      const auto mix = [](float a, float b, float share) { return a + share * (b - a); };
      const std::uint8_t* const a = at(rows.first, columns.first);
      const std::uint8_t* const b = at(rows.first, columns.second);
      const std::uint8_t* const c = at(rows.second, columns.first);
      const std::uint8_t* const d = at(rows.second, columns.second);
      for (Index i = 0; i < channels; ++i) {
        const float upper = mix(a[i], b[i], columns.towards_second);
        const float lower = mix(c[i], d[i], columns.towards_second);
        *out++ = rounded(mix(upper, lower, rows.towards_second));
      }
    }
  }
}

void flip_rows(std::span<std::uint8_t> image, ImageSize size) {
  require_image("the image", std::ssize(image), size);
  const auto stride = static_cast<std::size_t>(size.width * size.channels);
  std::uint8_t* upper = image.data();
  std::uint8_t* lower = upper + image.size() - stride;
  for (; upper < lower; upper += stride, lower -= stride) {
    std::swap_ranges(upper, upper + stride, lower);
  }
}

}  // namespace palaestra::envs::render
