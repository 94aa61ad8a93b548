#include <palaestra/replay/goals.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

enum Way : std::size_t { kFuture, kGeometric, kFinal, kEpisode, kRandom, kAchieved, kWays };

std::array<double, kWays> weights_of(const GoalLaw& law) {
  return {law.future, law.geometric, law.final, law.episode, law.random, law.achieved};
}

/// floor(u n) for u = bits / 2^64: each of [0, n) alike to within n / 2^64.
Index scaled(std::uint64_t bits, Index n) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<Index>((Wide{bits} * static_cast<std::uint64_t>(n)) >> 64);
}

double unit(std::uint64_t bits) { return static_cast<double>(bits >> 11) * 0x1.0p-53; }

/// d in [0, n) with probability in proportion to discount^d, or that of d >= n - 1 on n - 1.
class Geometric {
 public:
  explicit Geometric(const GoalLaw& law)
      : discount_(law.discount), inverse_(1.0 / std::log(law.discount)), clamp_(law.clamp) {}

  Index operator()(std::uint64_t bits, Index n) const {
    if (discount_ == 0.0) {
      return 0;
    }
    if (discount_ == 1.0) {
      return clamp_ ? n - 1 : scaled(bits, n);
    }
    // P(D >= d) = discount^d: D = floor(ln(1 - u) / ln(discount)), u below P(D < n)
    const double mass = clamp_ ? 1.0 : 1.0 - std::pow(discount_, static_cast<double>(n));
    const double d = std::log1p(-unit(bits) * mass) * inverse_;
    return std::min(static_cast<Index>(std::min(d, static_cast<double>(n))), n - 1);
  }

 private:
  double discount_, inverse_;
  bool clamp_;
};

}  // namespace

void require_law(const GoalLaw& law, std::string_view caller) {
  require(law.relabel >= 0.0 && law.relabel <= 1.0, caller, ": relabel is ", law.relabel,
          ", expected 0 to 1");
  require(law.discount >= 0.0 && law.discount <= 1.0, caller, ": the goals' discount is ",
          law.discount, ", expected 0 to 1");
  require(law.future_margin >= 0, caller, ": future_margin is ", law.future_margin,
          ", expected 0 or more");
  double sum = 0;
  for (const double weight : weights_of(law)) {
    require(std::isfinite(weight) && weight >= 0.0, caller,
            ": the weight of a way to choose goals is ", weight,
            ", expected a finite number, 0 or more");
    sum += weight;
  }
  require(law.relabel == 0.0 || sum > 0.0, caller, ": all ways to choose goals have weight 0");
  require(std::isfinite(sum), caller, ": the weights of the ways to choose goals overflow");
}

void GoalDraw::resize(Index rows) {
  const auto n = static_cast<std::size_t>(rows);
  row.resize(n);
  slot.resize(n);
  offset.resize(n);
  bits.resize(2 * n);
}

void draw_goals(const Storage& storage, const EpisodeIndex& episodes, const GoalLaw& law,
                Stream& random, const Draw& draw, GoalDraw& out) {
  out.resize(draw.rows());
  random.fill_bits(out.bits);
  // the unit interval is cut into the ways, and what is left keeps its goal
  std::array<double, kWays> until = weights_of(law);
  double sum = 0;
  for (const double weight : until) {
    sum += weight;
  }
  double reached = 0;
  for (double& weight : until) {
    reached += weight;
    weight = sum > 0 ? law.relabel * (reached / sum) : 0.0;
  }
  const Geometric geometric(law);
  for (std::size_t i = 0; i < draw.id.size(); ++i) {
    const RowId drawn = draw.id[i];
    const double u = unit(out.bits[2 * i]);
    const std::uint64_t bits = out.bits[2 * i + 1];
    std::size_t way = 0;
    while (way < kWays && u >= until[way]) {
      ++way;
    }
    if (way == kWays) {
      out.row[i] = -1;
      out.slot[i] = draw.slot[i];
      out.offset[i] = 0;
      continue;
    }
    if (way == kRandom) {
      const Storage::Place place = storage.locate(scaled(bits, storage.size()));
      out.row[i] = storage.id_of(place);
      out.slot[i] = storage.slot_of(place);
      out.offset[i] = 0;
      continue;
    }
    Index ahead = 0;  // from the drawn row to j
    if (way != kAchieved) {
      const Episode episode = episodes.of(storage, drawn);
      const Index left = episode.end - sequence_of(drawn);
      switch (way) {
        case kFuture:
          ahead = scaled(bits, std::max<Index>(1, left - law.future_margin));
          break;
        case kGeometric:
          ahead = geometric(bits, left);
          break;
        case kFinal:
          ahead = left - 1;
          break;
        default:  // kEpisode
          ahead = scaled(bits, episode.length()) - (sequence_of(drawn) - episode.first);
          break;
      }
    }
    out.row[i] = drawn + ahead;
    out.slot[i] = storage.slot_of(storage.place_of(drawn + ahead));
    out.offset[i] = static_cast<std::int32_t>(ahead + 1);
  }
}

}  // namespace palaestra::replay
