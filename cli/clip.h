#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <palaestra/envs/render/image.h>

namespace palaestra::cli {

enum class PictureFormat : std::uint8_t { kPng, kGif, kMp4 };

/// By the file's ending, in any case. Throws UserError naming those that are accepted.
PictureFormat picture_format(const std::filesystem::path& file);

/// Pictures per second that a format can show: viewers slow a GIF of more than 50 down to 10.
double most_pictures_per_second(PictureFormat format);

/// A file of one picture (PNG) or of many (GIF, MP4), which gets its name when it is complete.
/// Clips are encoded by ffmpeg, picture by picture: PALAESTRA_FFMPEG, else the one that the Python
/// package imageio-ffmpeg brings, else the one on PATH.
class PictureFile {
 public:
  /// Throws UserError at once, before any work, when the name is taken (unless `force`, which moves
  /// the old file aside when the new one is complete), when its folder cannot be written to, and
  /// when a clip is wanted and there is no ffmpeg.
  /// `fps`: pictures per second of a clip.
  PictureFile(std::filesystem::path file, envs::render::ImageSize size, double fps, bool force);
  ~PictureFile();
  PictureFile(const PictureFile&) = delete;
  PictureFile& operator=(const PictureFile&) = delete;

  /// The next picture, RGB, [size.bytes()]; the last one is the one of a PNG. Throws UserError with
  /// what ffmpeg says.
  void add(std::span<const std::uint8_t> picture);
  /// Throws UserError, and leaves nothing behind, when the file cannot be written.
  void finish();

 private:
  struct Encoder;

  std::filesystem::path file_;
  PictureFormat format_;
  envs::render::ImageSize size_;
  bool force_;
  std::unique_ptr<Encoder> encoder_;   // of a clip
  std::vector<std::uint8_t> picture_;  // of a PNG: the last one
};

}  // namespace palaestra::cli
