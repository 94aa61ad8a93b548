#include <palaestra/cli/clip.h>

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <limits>
#include <utility>

#include <palaestra/cli/piped_process.h>
#include <palaestra/cli/png.h>
#include <palaestra/cli/process.h>
#include <palaestra/cli/python.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>

namespace palaestra::cli {

namespace fs = std::filesystem;

namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// The program, or UserError.
std::string find_ffmpeg(const fs::path& file) {
  const char* chosen = std::getenv("PALAESTRA_FFMPEG");
  if (chosen != nullptr && *chosen != '\0') {
    require(run_process({chosen, "-version"}).status == 0, "PALAESTRA_FFMPEG is \"", chosen,
            "\"; accepted: an ffmpeg that runs");
    return chosen;
  }
  const auto packaged = run_process(
      {python().string(), "-c", "import imageio_ffmpeg; print(imageio_ffmpeg.get_ffmpeg_exe())"});
  if (packaged.status == 0) {
    return first_line(packaged.output);
  }
  require(run_process({"ffmpeg", "-version"}).status == 0, file.string(),
          " needs ffmpeg, and there is none: pip install imageio-ffmpeg (into the environment of ",
          python().string(),
          "), or apt install ffmpeg, or say in PALAESTRA_FFMPEG where one is; a "
          ".png needs none");
  return "ffmpeg";
}

std::vector<std::string> encode_command(const fs::path& file, const fs::path& out,
                                        PictureFormat format, envs::render::ImageSize size,
                                        double fps) {
  std::vector<std::string> command = {find_ffmpeg(file),
                                      "-nostdin",
                                      "-hide_banner",
                                      "-loglevel",
                                      "error",
                                      "-y",
                                      "-f",
                                      "rawvideo",
                                      "-pix_fmt",
                                      "rgb24",
                                      "-s",
                                      concat(size.width, "x", size.height),
                                      "-r",
                                      concat(fps),
                                      "-i",
                                      "pipe:0"};
  const auto add = [&](std::initializer_list<const char*> more) {
    command.insert(command.end(), more.begin(), more.end());
  };
  if (format == PictureFormat::kGif) {
    // a palette for each picture: exact where it has no more than 256 colours, and no picture has
    // to wait for the last one
    add({"-filter_complex",
         "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=none", "-f",
         "gif"});
  } else {
    // players want halved colours, and those even sizes
    add({"-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", "-c:v", "libx264", "-pix_fmt", "yuv420p", "-crf",
         "18", "-preset", "veryfast", "-movflags", "+faststart", "-f", "mp4"});
  }
  command.push_back(concat("file:", out.string()));
  return command;
}

}  // namespace

PictureFormat picture_format(const fs::path& file) {
  std::string ending = file.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (ending == ".png") {
    return PictureFormat::kPng;
  }
  if (ending == ".gif") {
    return PictureFormat::kGif;
  }
  require(ending == ".mp4", "--out is \"", file.string(),
          "\"; accepted: a name that ends in .png, ", ".gif or .mp4");
  return PictureFormat::kMp4;
}

double most_pictures_per_second(PictureFormat format) {
  return format == PictureFormat::kGif ? 50 : std::numeric_limits<double>::infinity();
}

/// ffmpeg at work on a file of another name.
struct PictureFile::Encoder {
  fs::path partial;
  PipedProcess process;

  Encoder(fs::path name, const std::vector<std::string>& command)
      : partial(std::move(name)), process(command) {}
  ~Encoder() {
    std::error_code error;
    fs::remove(partial, error);
  }
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  [[noreturn]] void fail(const fs::path& file) {
    const ProcessResult result = process.finish();
    throw UserError(concat("cannot write ", file.string(), ": ffmpeg ended with ", result.status,
                           ": ", first_line(result.errors)));
  }
};

PictureFile::PictureFile(fs::path file, envs::render::ImageSize size, double fps, bool force)
    : file_(std::move(file)), format_(picture_format(file_)), size_(size), force_(force) {
  std::error_code error;
  require(force || !fs::exists(fs::symlink_status(file_, error)), file_.string(),
          " exists; --force moves it aside, or choose another name");
  const fs::path folder = file_.has_parent_path() ? file_.parent_path() : fs::path(".");
  require(fs::is_directory(folder, error), "there is no folder ", folder.string(), " for ",
          file_.string());
  require(access(folder.c_str(), W_OK) == 0, "no permission to write into ", folder.string());
  if (format_ != PictureFormat::kPng) {
    const fs::path partial = folder / concat(".", file_.filename().string(), ".partial-", getpid());
    encoder_ =
        std::make_unique<Encoder>(partial, encode_command(file_, partial, format_, size_, fps));
  }
}

PictureFile::~PictureFile() = default;

void PictureFile::add(std::span<const std::uint8_t> picture) {
  if (encoder_ == nullptr) {
    picture_.assign(picture.begin(), picture.end());
  } else if (!encoder_->process.write(std::as_bytes(picture))) {
    encoder_->fail(file_);
  }
}

void PictureFile::finish() {
  if (encoder_ == nullptr) {
    const auto bytes = encode_png(picture_, size_.width, size_.height);
    std::error_code error;
    if (force_ && fs::exists(fs::symlink_status(file_, error))) {
      move_aside(file_);
    }
    write_atomically(file_, [&](const Emit& emit) { emit(bytes); });
    return;
  }
  const ProcessResult result = encoder_->process.finish();
  require(result.status == 0, "cannot write ", file_.string(), ": ffmpeg ended with ",
          result.status, ": ", first_line(result.errors));
  std::error_code error;
  if (force_ && fs::exists(fs::symlink_status(file_, error))) {
    move_aside(file_);
  }
  rename_to_free_name(encoder_->partial, file_);
}

}  // namespace palaestra::cli
