#include <palaestra/envs/box2d/car_racing.h>

#include <doctest/doctest.h>

#include <array>
#include <cstring>
#include <limits>
#include <memory>

#include <palaestra/core/error.h>
#include <palaestra/envs/batch.h>
#include <palaestra/envs/box2d/car_frame.h>
#include <palaestra/envs/registry.h>

#include "tests/envs/box2d_transcript.h"

using namespace palaestra;
using namespace palaestra::envs;
using namespace palaestra::envs::box2d;
using namespace palaestra::testing;

namespace {

constexpr std::size_t kFrameBytes = std::size_t{96} * 96 * 3;

/// What is known of ten seeds: tiles of the track, heading and place of the start, and after the
/// scripted drive the return and the tiles touched.
struct Known {
  std::size_t tiles;
  double beta, x, y, total;
  Index visited;
};
constexpr Known kKnown[] = {
    {319, -0.089021, 220.385378, -52.163562, 20.7524, 13},
    {275, -0.137442, 217.531477, -54.355579, 27.2727, 13},
    {335, -0.127085, 218.333337, -52.411081, 18.8060, 13},
    {271, -0.129499, 218.313814, -51.552499, 27.9705, 13},
    {275, -0.117865, 218.712815, -53.403418, 27.2727, 13},
    {329, -0.090414, 220.309238, -52.199397, 19.5137, 13},
    {284, -1.378104, 100.461318, -24.291833, 29.2958, 14},
    {319, -0.103748, 219.609023, -52.206338, 20.7524, 13},
    {251, -1.448016, 75.101415, -18.493757, 35.7769, 14},
    {285, -0.144935, 217.277876, -53.198882, 25.6140, 13},
};

using State = CarRacingTask::State;

/// A recorded episode: its world, and its drive up to now.
struct Drive {
  CarRacing<float> task;
  State state;
  std::vector<float> actions, places;
  std::vector<double> omega;
  std::size_t t = 0;

  Drive(const ArchiveReader& file, const std::string& part)
      : actions(block<float>(file, part + ".action")),
        places(block<float>(file, part + ".places")),
        omega(block<double>(file, part + ".omega")) {
    task.domain_randomize = part.starts_with("colors");
    RecordedDraws draws(block<double>(file, part + ".draws"));
    task.begin(state, draws);
    CHECK(draws.used() == block<double>(file, part + ".draws").size());
  }
  Transition step() {
    const auto action = std::span<const float>(actions).subspan(3 * t++, 3);
    return task.advance(state, task.controls(action));
  }
  const b2Body& body(std::size_t k) const {
    return k == 0 ? state.car().hull() : *state.car().wheels()[k - 1].body;
  }
  /// Largest distance of a body from the original's, m, and of an angle, rad.
  double error() const {
    double worst = 0.0;
    for (std::size_t k = 0; k < 5; ++k) {
      const float* theirs = &places[(5 * t + k) * 6];
      const b2Vec2 place = body(k).GetPosition();
      for (const float e :
           {place.x - theirs[0], place.y - theirs[1], body(k).GetAngle() - theirs[2]}) {
        worst = std::max(worst, std::abs(static_cast<double>(e)));
      }
    }
    return worst;
  }
};

void check_track(const ArchiveReader& file, const std::string& part, const State& s) {
  const Track& track = s.track();
  std::vector<double> points, tiles;
  std::vector<Index> kerbs;
  for (std::size_t i = 0; i < track.size(); ++i) {
    const Track::Point& p = track.points[i];
    points.insert(points.end(), {p.alpha, p.beta, p.x, p.y});
    const Track::Quad quad = track.tile(i);
    tiles.insert(tiles.end(), quad.begin(), quad.end());
    if (track.kerb[i] != 0) {
      kerbs.push_back(static_cast<Index>(i));
    }
  }
  CHECK(difference(points, block<double>(file, part + ".track")) <= 1e-9);
  if (file.contains(part + ".tiles")) {
    CHECK(difference(tiles, block<double>(file, part + ".tiles")) <= 1e-9);
  }
  CHECK(kerbs == block<Index>(file, part + ".kerbs"));
}

// ---- pictures

using Frame = std::vector<std::uint8_t>;

/// What a pixel shows. The score's digits are no part of ours.
enum class Kind { kGrass, kRoad, kCar, kPanel, kOther };

Kind kind_of(const std::uint8_t* p, std::size_t row) {
  const int r = p[0], g = p[1], b = p[2];
  if (row >= 84) {
    return Kind::kPanel;
  }
  if (g > 160 && std::abs(r - 100) < 12 && std::abs(b - 100) < 12) {
    return Kind::kGrass;
  }
  if (std::abs(r - 102) < 12 && std::abs(g - r) < 6 && std::abs(b - r) < 6) {
    return Kind::kRoad;
  }
  return r > 150 && g < 60 && b < 60 ? Kind::kCar : Kind::kOther;
}

struct Comparison {
  double within4 = 0.0;            // share of pixels, all channels
  double mean_difference[3] = {};  // of the whole picture
  double overlap[4] = {};          // intersection over union of each kind; 1 where it is not there
  double size[4] = {};             // pixels of each kind in either picture
};

bool in_score(std::size_t row, std::size_t column) { return row >= 84 && column < 13; }

Comparison compare(const Frame& ours, const std::uint8_t* theirs) {
  Comparison c;
  double both[4] = {}, either[4] = {}, close = 0.0, pixels = 0.0;
  for (std::size_t row = 0; row < 96; ++row) {
    for (std::size_t column = 0; column < 96; ++column) {
      if (in_score(row, column)) {
        continue;
      }
      const std::uint8_t *a = &ours[(row * 96 + column) * 3], *b = theirs + (row * 96 + column) * 3;
      bool near = true;
      for (int k = 0; k < 3; ++k) {
        const int difference = int{a[k]} - int{b[k]};
        near = near && std::abs(difference) <= 4;
        c.mean_difference[k] += difference;
      }
      pixels += 1.0;
      close += near ? 1.0 : 0.0;
      const auto x = static_cast<std::size_t>(kind_of(a, row));
      const auto y = static_cast<std::size_t>(kind_of(b, row));
      for (std::size_t k = 0; k < 4; ++k) {
        both[k] += x == k && y == k ? 1.0 : 0.0;
        either[k] += x == k || y == k ? 1.0 : 0.0;
      }
    }
  }
  c.within4 = close / pixels;
  for (double& difference : c.mean_difference) {
    difference /= pixels;
  }
  for (std::size_t k = 0; k < 4; ++k) {
    c.size[k] = either[k];
    c.overlap[k] = either[k] > 0.0 ? both[k] / either[k] : 1.0;
  }
  return c;
}

}  // namespace

TEST_CASE("box2d transcript: the car starts as the original, on the same track, and drives alike") {
  const ArchiveReader file = recordings("CarRacing");
  CHECK(file.contains("plain0.tiles"));
  for (std::size_t seed = 0; seed < 10; ++seed) {
    const std::string part = concat("plain", seed);
    CAPTURE(part);
    auto drive = std::make_unique<Drive>(file, part);
    const State& s = drive->state;
    check_track(file, part, s);
    const Known& known = kKnown[seed];
    const Track::Point& start = s.track().points.front();
    CHECK(s.track().tries == 1);
    CHECK(s.track().size() == known.tiles);
    CHECK(std::abs(start.beta - known.beta) <= 1e-6);
    CHECK(std::abs(start.x - known.x) <= 1e-6);
    CHECK(std::abs(start.y - known.y) <= 1e-6);
    std::vector<float> masses;
    for (std::size_t k = 0; k < 5; ++k) {
      const b2Body& body = drive->body(k);
      const b2Vec2 centre = body.GetLocalCenter();
      masses.insert(masses.end(), {body.GetMass(), body.GetInertia(), centre.x, centre.y});
    }
    CHECK(difference(masses, block<double>(file, part + ".masses")) <= 1e-5);

    const auto rewards = block<double>(file, part + ".reward");
    const auto visited = block<Index>(file, part + ".visited");
    CHECK(drive->error() <= 1e-4);
    double worst = 0.0, omega = 0.0, total = 0.0;
    while (drive->t < 100) {  // then the script steers into the limits of the hinges
      const Transition step = drive->step();
      CHECK(std::abs(step.reward - rewards[drive->t - 1]) <= 1e-9);
      CHECK(s.visited() == visited[drive->t - 1]);
      worst = std::max(worst, drive->error());
      for (std::size_t k = 0; k < 4; ++k) {
        omega =
            std::max(omega, std::abs(s.car().wheels()[k].omega - drive->omega[4 * drive->t + k]));
      }
      total += step.reward;
    }
    CHECK(worst <= 1e-4);
    CHECK(omega <= 1e-2);
    while (drive->t < 200) {
      total += drive->step().reward;
    }
    CHECK(s.visited() == known.visited);
    CHECK(std::abs(total - known.total) <= 1e-3);
    MESSAGE(part << ": 100 steps within " << worst << " m, wheels within " << omega
                 << " rad/s; after 200 steps " << drive->error());
  }
}

TEST_CASE("box2d transcript: the car's pictures show what the original's do") {
  const ArchiveReader file = recordings("CarRacing");
  constexpr std::size_t kFrames[] = {0, 5, 30, 60, 120, 200};
  for (const std::string part : {"plain0", "colors0"}) {
    auto drive = std::make_unique<Drive>(file, part);
    const auto frames = block<std::uint8_t>(file, part + ".frames");
    for (std::size_t f = 0; f < std::size(kFrames); ++f) {
      while (drive->t < kFrames[f]) {
        drive->step();
      }
      CAPTURE(part);
      CAPTURE(kFrames[f]);
      Frame ours(kFrameBytes);
      drive->task.observe(drive->state, ours);
      const Comparison c = compare(ours, &frames[f * ours.size()]);
      MESSAGE(concat(part, " after ", kFrames[f], ": ", c.within4, " of the pixels within 4; mean ",
                     c.mean_difference[0], " ", c.mean_difference[1], " ", c.mean_difference[2],
                     "; overlap of grass ", c.overlap[0], ", road ", c.overlap[1], ", car ",
                     c.overlap[2]));
      for (const double difference : c.mean_difference) {
        CHECK(std::abs(difference) <= 1.0);
      }
      CHECK(c.within4 >= 0.95);  // what is left lies on edges, by a fraction of a pixel
      for (std::size_t k = 0; k < 4 && part != "colors0"; ++k) {
        CAPTURE(k);  // few pixels, or a road seen from far above, are mostly edge
        CHECK(c.overlap[k] >= (c.size[k] >= 200.0 && kFrames[f] >= 30 ? 0.98 : 0.7));
      }
    }
  }
}

TEST_CASE("fixed tracks have exactly so many tiles, and other views the same car") {
  for (const double tiles : {289.0, 300.0}) {
    const auto batch = make("CarRacingFixed289-v0", {.size = 2, .seed = 4}, {{"tiles", tiles}});
    CHECK(batch->spec().observation.shape == std::vector<Index>{64, 64, 3});
    batch->step(std::vector<float>{0, 0, 0, 0, 0, 0});
    // the tiles that the start touches pay in the first step, two of them at rest
    CHECK(batch->columns().reward[0] == doctest::Approx(2000.0 / tiles - 0.1));
  }
  Track track;
  Stream random(3, purpose("tests/track"));
  track.draw(random, 289);
  CHECK(track.size() == 289);
  CHECK(track.tries > 1);
}

TEST_CASE("the car's options are checked") {
  const auto refused = [](const char* id, const Keywords& options, const std::string& part) {
    CAPTURE(part);
    std::string message;
    try {
      make(id, {}, options);
    } catch (const UserError& error) {
      message = error.what();
    }
    CHECK(message.find(part) != std::string::npos);
  };
  refused("CarRacing-v3", {{"lap_complete_percent", 1.5}}, "lap_complete_percent is 1.5");
  refused("CarRacing-v3", {{"friction_limit", 0.0}}, "friction_limit is 0");
  refused("CarRacing-v3", {{"engine_power", 3.0}}, "engine_power is 3");
  refused("CarRacing-v3", {{"tiles", 289.0}}, "no option \"tiles\"");
  refused("CarRacingFixed289-v0", {{"tiles", 100.0}}, "tiles is 100");
  refused("CarRacingFixed289-v0", {{"tiles", 289.5}}, "tiles is 289.5");
}

TEST_CASE("a reset may keep the colours of the episode before, and a saved row has them") {
  using Bytes = std::vector<std::byte>;
  constexpr std::size_t kLooks = sizeof(envs::detail::RowState);  // bytes before them
  const auto state_of = [](const AnyBatch& batch, Index row) {
    Bytes bytes(static_cast<std::size_t>(batch.state_bytes()));
    batch.get_state(std::vector<Index>{row}, bytes);
    return bytes;
  };
  const auto looks = [&](const AnyBatch& batch, Index row) {
    CarLooks result;
    std::memcpy(&result, state_of(batch, row).data() + kLooks, sizeof(result));
    return result;
  };
  const Keywords keep = {{"randomize", 0.0}};
  CarRacing<float> task;
  task.domain_randomize = true;
  Batch<CarRacing<float>> batch(task, {.size = 2, .seed = 4}), other(task, {.seed = 9});
  const CarLooks first = looks(batch, 0), second = looks(batch, 1);
  CHECK(first.drawn == 1);
  CHECK(!(first.colors == second.colors));

  batch.reset({}, std::vector<std::uint8_t>{1, 0}, keep);
  CHECK(looks(batch, 0) == CarLooks{.colors = first.colors, .drawn = 0});
  CHECK(looks(batch, 1) == second);
  batch.reset(std::vector<std::uint64_t>{8, 8}, {}, keep);  // not even a seed changes them
  CHECK(looks(batch, 0).colors == first.colors);
  CHECK(looks(batch, 1).colors == second.colors);

  const std::vector<float> gas = {0.0f, 0.2f, 0.0f, 0.0f, 0.2f, 0.0f};
  batch.step(gas);
  const Bytes saved = state_of(batch, 0);
  other.set_state(std::vector<Index>{0}, saved);
  CHECK(state_of(other, 0) == saved);
  batch.step(gas);
  other.step(std::span(gas).first(3));
  CHECK(state_of(other, 0) == state_of(batch, 0));
  CHECK(std::memcmp(other.columns().observation, batch.columns().observation, kFrameBytes) == 0);
  other.reset({}, {}, keep);
  CHECK(looks(other, 0).colors == first.colors);
  other.reset();
  CHECK(looks(other, 0).drawn == 1);
  CHECK(!(looks(other, 0).colors == first.colors));

  const auto altered = [&](const CarLooks& with) {
    Bytes bytes = saved;
    std::memcpy(bytes.data() + kLooks, &with, sizeof(with));
    return bytes;
  };
  std::vector<CarLooks> hostile(4, first);
  hostile[0].colors.road[0] = std::numeric_limits<double>::quiet_NaN();
  hostile[1].colors.patch[2] = 256.0;
  hostile[2].drawn = 2;
  hostile[3].drawn = 1;  // the track is then another one as well
  const Bytes before = state_of(batch, 1);
  for (const CarLooks& bad : hostile) {
    CHECK_THROWS_WITH_AS(batch.set_state(std::vector<Index>{1}, altered(bad)),
                         "CarRacing-v3: saved row 0 does not hold an episode of this environment",
                         UserError);
    CHECK(state_of(batch, 1) == before);
  }

  Batch<CarRacing<float>> plain(CarRacing<float>(), {});
  plain.reset(std::vector<std::uint64_t>{0}, {}, keep);  // nothing to keep, as in the original
  CHECK(looks(plain, 0) == CarLooks());
  CHECK_THROWS_AS(plain.set_state(std::vector<Index>{0}, saved), UserError);
  CHECK_THROWS_WITH_AS(batch.reset({}, {}, {{"randomise", 0.0}}), doctest::Contains("randomize"),
                       UserError);
}

TEST_CASE("a car with other tyres or another engine drives another way, on the same track") {
  const auto drive = [](const Keywords& options, bool discrete = false) {
    const auto batch = make("CarRacing-v3", {.seed = 2}, options);
    double total = 0.0;
    for (int t = 0; t < 100; ++t) {
      if (discrete) {
        batch->step(std::vector<std::int64_t>{3});
      } else {
        batch->step(std::vector<float>{0.0f, 0.2f, 0.0f});
      }
      total += batch->columns().reward[0];
    }
    const auto* pixels = static_cast<const std::uint8_t*>(batch->columns().observation);
    return std::pair(total, Frame(pixels, pixels + kFrameBytes));
  };
  const auto plain = drive({});
  // action 3 is gas of 0.2, which float32 does not have
  CHECK(drive({{"continuous", 0.0}}, true).first == doctest::Approx(plain.first));
  CHECK(drive({{"friction_limit", 0.7}, {"engine_power", 1.0}}).second != plain.second);
  CHECK(drive({{"engine_power", 0.7}}).first < plain.first);
  CHECK(drive({{"engine_power", 1.3}}).first > plain.first);
  CHECK(drive({{"domain_randomize", 1.0}}).second != plain.second);
}

TEST_CASE("leaving the field costs 100 and ends the episode") {
  CarRacing<float> task;
  auto s = std::make_unique<State>();
  Stream random(1, purpose("tests/car"));
  task.reset(*s, random);
  s->car().hull().SetTransform(b2Vec2(332.9f, 0.0f), 0.0f);
  for (auto& wheel : s->car().wheels()) {
    wheel.body->SetTransform(b2Vec2(332.9f, 0.0f), 0.0f);
    wheel.body->SetLinearVelocity(b2Vec2(30.0f, 0.0f));
  }
  s->car().hull().SetLinearVelocity(b2Vec2(30.0f, 0.0f));
  Transition last;
  for (int t = 0; t < 5 && !last.terminated; ++t) {
    last = task.advance(*s, {});
  }
  CHECK(last.terminated);
  CHECK(last.reward == -100.0);
  std::vector<double> info(1);
  task.info(*s, info);
  CHECK(info[0] == 0.0);
}
