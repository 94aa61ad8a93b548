#pragma once

#include <chrono>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

#include <palaestra/core/types.h>

namespace palaestra::cli {

/// Where progress goes, and when it is.
struct Display {
  using Clock = std::chrono::steady_clock;

  std::ostream* out;
  bool redraws;  ///< a terminal, on which a bar can be drawn over
  bool colour;
  Index width;  ///< of the terminal, in characters
  std::function<Clock::time_point()> now = Clock::now;

  /// Standard error as it is. Colours unless NO_COLOR is set.
  static Display standard_error();
};

/// Progress: on a terminal one bar with rate and time left, elsewhere a plain line at most every
/// ten seconds.
class Progress {
 public:
  /// `done` of `total` units are behind us at the start.
  Progress(Index total, Index done, std::string unit, bool quiet,
           Display display = Display::standard_error());
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Cheap enough for every step. `detail` is shown behind the rate.
  void update(Index done, std::string_view detail);
  /// Takes the bar away, so that other text can be written.
  void clear();
  /// Whether the next update() would show something: lets the caller compose `detail` then only.
  bool due() const;

 private:
  Display::Clock::duration period() const;
  void draw_bar(Index done, double rate, std::string_view detail);

  Index total_, first_;
  std::string unit_;
  bool quiet_;
  Display display_;
  bool shown_ = false;
  Display::Clock::time_point start_, next_;
};

/// "12 s", "3 min 20 s", "2 h 5 min".
std::string duration_text(double seconds);
/// "12,345"
std::string grouped(Index value);
/// A rate or an amount with three significant digits: "1.23 M", "45.6 k", "789".
std::string engineering(double value);

}  // namespace palaestra::cli
