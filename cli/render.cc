// palaestra render: an episode as a picture or a clip.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <ostream>

#include <CLI/CLI.hpp>

#include <palaestra/cli/clip.h>
#include <palaestra/cli/global.h>
#include <palaestra/cli/parse_problem.h>
#include <palaestra/cli/policy_choice.h>
#include <palaestra/cli/progress.h>
#include <palaestra/cli/wrap.h>
#include <palaestra/core/error.h>
#include <palaestra/core/interrupt.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>
#include <palaestra/envs/registry.h>
#include <palaestra/envs/render/image.h>
#include <palaestra/rollout/collector.h>
#include <palaestra/rollout/keywords.h>

namespace palaestra::cli {
namespace {

using envs::render::ImageSize;

struct RenderArguments {
  std::string what, out, policy, env_options, size;
  Index steps = 200;
  std::optional<Index> every, fps;
  bool force = false;
};

/// "640x480", or nothing.
std::optional<ImageSize> parse_size(const std::string& text) {
  if (text.empty()) {
    return {};
  }
  constexpr Index kMaxSide = 4096;
  const auto cross = text.find('x');
  ImageSize size;
  const auto read = [](std::string_view digits) -> Index {
    const bool plain =
        !digits.empty() && digits.size() <= 4 &&
        std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    return plain ? std::stoll(std::string(digits)) : 0;
  };
  if (cross != std::string::npos) {
    size = {read(std::string_view(text).substr(0, cross)),
            read(std::string_view(text).substr(cross + 1)), 3};
  }
  require(size.width >= 1 && size.width <= kMaxSide && size.height >= 1 && size.height <= kMaxSide,
          "--size is \"", text, "\"; accepted: WIDTHxHEIGHT in pixels, such as 640x480, each 1 to ",
          kMaxSide);
  return size;
}

/// What is to be seen: an environment, and who acts in it.
struct Scene {
  std::unique_ptr<envs::AnyBatch> batch;
  std::string policy;     // its name
  agents::LoadedRun run;  // whose agent acts, if one does
  std::unique_ptr<rollout::Policy> actor;
};

/// The environment's options, and the camera that follows where there is one and none was chosen.
envs::Keywords with_camera(const std::string& env, const std::string& options,
                           std::optional<ImageSize> size) {
  envs::Keywords keywords = rollout::parse_keywords(options);
  const envs::EnvSpec spec = envs::find(env).spec(keywords);
  const bool chosen = std::ranges::any_of(keywords, [](const auto& option) {
    return option.first == "camera_id" || option.first.starts_with("default_camera_config");
  });
  if (!spec.tracking_camera.empty() && !chosen) {
    keywords.try_emplace("camera_name", spec.tracking_camera);
  }
  if (size && (spec.family == "mujoco" || spec.family == "dm_control")) {  // drawn at that size
    keywords.try_emplace("width", static_cast<double>(size->width));
    keywords.try_emplace("height", static_cast<double>(size->height));
  }
  return keywords;
}

Scene make_scene(const Global& global, const RenderArguments& arguments) {
  const auto known = envs::registrations();
  const bool is_env = std::any_of(known.begin(), known.end(),
                                  [&](const auto& r) { return r.id == arguments.what; });
  std::error_code error;
  const auto size = parse_size(arguments.size);
  Scene scene;
  std::string env = arguments.what, options = arguments.env_options;
  scene.policy = arguments.policy.empty() ? "random" : arguments.policy;
  if (!is_env && std::filesystem::exists(arguments.what, error)) {
    scene.run = agents::load_run(arguments.what, Threads(1));
    const auto& train = scene.run.settings->train;
    env = train.env;
    require(!env.empty(), arguments.what, " learnt from a data set whose environment is not known;",
            " render an environment, with --policy ", arguments.what);
    options = options.empty() ? train.env_options : options;
    if (arguments.policy.empty()) {
      scene.policy = scene.run.agent->name();
    } else {
      scene.run = load_policy(global, arguments.policy);
    }
  } else if (is_env) {
    scene.run = load_policy(global, scene.policy);
  } else {
    std::vector<std::string> ids;
    for (const auto& registration : known) {
      ids.push_back(registration.id);
    }
    throw UserError(concat("\"", arguments.what,
                           "\" is neither an environment nor the folder of a run; `palaestra "
                           "envs` lists the environments",
                           did_you_mean(arguments.what, ids)));
  }
  // finished rows wait: the last picture is of the episode's end
  const envs::BatchOptions batch{.size = 1,
                                 .autoreset = envs::AutoresetMode::kNextStep,
                                 .threads = Threads(1),
                                 .seed = global.seed};
  scene.batch = make_wrapped(env, batch, with_camera(env, options, size), {}, scene.run);
  scene.actor = make_policy(global, scene.policy, scene.run, *scene.batch);
  return scene;
}

/// Draws the row, at the size of the file.
class Painter {
 public:
  Painter(envs::AnyBatch& batch, std::optional<ImageSize> size)
      : batch_(batch), own_(batch.render_size()), size_(size.value_or(own_)) {
    drawn_.resize(static_cast<std::size_t>(own_.bytes()));
    resized_.resize(own_ == size_ ? 0 : static_cast<std::size_t>(size_.bytes()));
  }
  ImageSize size() const { return size_; }

  std::span<const std::uint8_t> paint() {
    batch_.render(0, drawn_);
    if (own_ == size_) {
      return drawn_;
    }
    if (size_.width * size_.height < own_.width * own_.height) {
      envs::render::resize_by_area(drawn_, own_, resized_, size_);
    } else {
      envs::render::resize_bilinear(drawn_, own_, resized_, size_);
    }
    return resized_;
  }

 private:
  envs::AnyBatch& batch_;
  ImageSize own_, size_;
  std::vector<std::uint8_t> drawn_, resized_;
};

/// How a clip runs: a picture every so many steps, so many a second.
struct Pace {
  Index every = 1;
  double fps = 1;
};

Pace pace_of(const RenderArguments& arguments, const envs::EnvSpec& spec, PictureFormat format) {
  require(arguments.every.value_or(1) >= 1, "--every is ", arguments.every.value_or(1),
          "; accepted: 1 or more");
  require(arguments.fps.value_or(1) >= 1 && arguments.fps.value_or(1) <= 1000, "--fps is ",
          arguments.fps.value_or(1), "; accepted: 1 to 1000");
  const double most = most_pictures_per_second(format), real = static_cast<double>(spec.render_fps);
  Pace pace;
  pace.every =
      arguments.every.value_or(std::max<Index>(1, static_cast<Index>(std::ceil(real / most))));
  pace.fps =
      arguments.fps ? static_cast<double>(*arguments.fps) : real / static_cast<double>(pace.every);
  require(pace.fps <= most, "--fps is ", pace.fps, "; a GIF shows at most ", most,
          " pictures per second; --every K leaves pictures out");
  return pace;
}

int run_render(const Global& global, const RenderArguments& arguments) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  constexpr Index kMaxSteps = 1'000'000;
  require(arguments.steps >= 0 && arguments.steps <= kMaxSteps, "--steps is ", arguments.steps,
          "; accepted: 0 to ", kMaxSteps);
  const PictureFormat format = picture_format(arguments.out);
  Scene scene = make_scene(global, arguments);
  envs::AnyBatch& batch = *scene.batch;
  const Pace pace = pace_of(arguments, batch.spec(), format);
  Painter painter(batch, parse_size(arguments.size));
  PictureFile file(arguments.out, painter.size(), pace.fps, arguments.force);

  const InterruptGuard interrupt;
  Progress progress(arguments.steps, 0, "steps", global.quiet);
  rollout::Collector collector(batch);
  const auto& columns = batch.columns();
  Index step = 0, pictures = 0;
  bool over = false;
  for (;; ++step) {
    const bool last = over || step == arguments.steps;
    // a PNG is of the end alone; a clip ends with it, too
    if (last || (format != PictureFormat::kPng && step % pace.every == 0)) {
      file.add(painter.paint());
      ++pictures;
    }
    progress.update(step, "");
    if (last) {
      break;
    }
    if (interrupt.requested()) {
      throw Interrupted();
    }
    collector.step(*scene.actor, step);
    over = columns.terminated[0] != 0 || columns.truncated[0] != 0;
  }
  file.finish();
  progress.clear();

  const double wall = std::chrono::duration<double>(Clock::now() - start).count();
  Json document = {{"out", arguments.out},
                   {"env", batch.spec().id},
                   {"policy", scene.policy},
                   {"seed", global.seed},
                   {"width", painter.size().width},
                   {"height", painter.size().height},
                   {"pictures", pictures},
                   {"steps", step},
                   {"return", columns.episode_return[0]},
                   {"terminated", columns.terminated[0] != 0},
                   {"truncated", columns.truncated[0] != 0}};
  document["fps"] = format == PictureFormat::kPng ? Json(nullptr) : Json(pace.fps);
  document["wall_s"] = wall;
  global.write_json(document);
  if (!global.json) {
    global.human() << arguments.out << ": " << pictures
                   << (pictures == 1 ? " picture" : " pictures") << " of " << painter.size().width
                   << " x " << painter.size().height << ", return " << columns.episode_return[0]
                   << " after " << step << " steps\n";
  }
  return kDone;
}

}  // namespace

void add_render(CLI::App& app, const Global& global, Run& run) {
  auto arguments = std::make_shared<RenderArguments>();
  CLI::App* command =
      app.add_subcommand("render", "Draw an episode: a picture (.png) or a clip (.gif, .mp4)");
  command->fallthrough();
  command
      ->add_option("what", arguments->what,
                   "Environment id; or a run folder, or one of its files, whose agent acts")
      ->required()
      ->type_name("ENV|RUN");
  command->add_option("--out", arguments->out, "File to write: .png, .gif or .mp4")
      ->required()
      ->type_name("FILE");
  command
      ->add_option("--steps", arguments->steps,
                   "Steps at most (default 200); the episode's end is the end")
      ->type_name("N")
      ->check(whole_number);
  command
      ->add_option("--policy", arguments->policy,
                   "random (default for an environment), zero, or the folder of a run")
      ->type_name("random|zero|RUN");
  command->add_option("--env-options", arguments->env_options, "The environment's keyword options")
      ->type_name("K=V,K=V");
  command->add_option("--size", arguments->size, "Size of the pictures (default: their own)")
      ->type_name("WxH");
  command->add_option("--fps", arguments->fps, "Pictures per second (default: real speed)")
      ->type_name("F")
      ->check(whole_number);
  command
      ->add_option("--every", arguments->every,
                   "Steps from picture to picture (default 1; for a .gif what keeps to its 50 "
                   "pictures per second)")
      ->type_name("K")
      ->check(whole_number);
  command->add_flag("--force", arguments->force, "Move aside what has the name already");
  command->footer(examples({"render CartPole-v1 --out cart_pole.gif",
                            "render HalfCheetah-v5 --steps 20 --out cheetah.mp4",
                            "render runs/pendulum --out swing_up.mp4 --seed 3"}) +
                  "\nA .png shows the state after N steps, or at the episode's end.");
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] { return run_render(global, *arguments); };
  });
}

}  // namespace palaestra::cli
