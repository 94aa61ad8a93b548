#include <palaestra/cli/progress.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <palaestra/core/error.h>

namespace palaestra::cli {
namespace {

constexpr auto kBarPeriod = std::chrono::milliseconds(100);
constexpr auto kLinePeriod = std::chrono::seconds(10);

bool terminal_can_redraw() {
  const char* term = std::getenv("TERM");
  return isatty(STDERR_FILENO) == 1 && term != nullptr && std::string_view(term) != "dumb";
}

bool colours_wanted() {
  const char* no_color = std::getenv("NO_COLOR");  // https://no-color.org: set and not empty
  return no_color == nullptr || *no_color == '\0';
}

Index terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

std::string duration_text(double seconds) {
  if (!std::isfinite(seconds)) return "?";
  const auto s = static_cast<Index>(std::llround(seconds));
  if (s < 60) return concat(s, " s");
  if (s < 3600) return concat(s / 60, " min ", s % 60, " s");
  return concat(s / 3600, " h ", s / 60 % 60, " min");
}

std::string grouped(Index value) {
  std::string text = std::to_string(value);
  const Index first = value < 0 ? 1 : 0;
  for (Index i = std::ssize(text) - 3; i > first; i -= 3) {
    text.insert(static_cast<std::size_t>(i), 1, ',');
  }
  return text;
}

std::string engineering(double value) {
  constexpr const char* kUnit[] = {"", " k", " M", " G", " T"};
  int unit = 0;
  while (std::abs(value) >= 999.5 && unit < 4) {
    value /= 1000;
    ++unit;
  }
  const int decimals = std::abs(value) >= 99.95 ? 0 : std::abs(value) >= 9.995 ? 1 : 2;
  char text[32];
  std::snprintf(text, sizeof(text), "%.*f%s", decimals, value, kUnit[unit]);
  return text;
}

Display Display::standard_error() {
  return {.out = &std::cerr,
          .redraws = terminal_can_redraw(),
          .colour = colours_wanted(),
          .width = terminal_width()};
}

Progress::Progress(Index total, Index done, std::string unit, bool quiet, Display display)
    : total_(total),
      first_(done),
      unit_(std::move(unit)),
      quiet_(quiet),
      display_(std::move(display)),
      start_(display_.now()),
      next_(start_ + period()) {}

Progress::~Progress() { clear(); }

Display::Clock::duration Progress::period() const {
  return display_.redraws ? Display::Clock::duration(kBarPeriod)
                          : Display::Clock::duration(kLinePeriod);
}

bool Progress::due() const { return !quiet_ && display_.now() >= next_; }

void Progress::update(Index done, std::string_view detail) {
  if (!due()) {
    return;
  }
  const auto now = display_.now();
  next_ = now + period();
  const double rate =
      static_cast<double>(done - first_) / std::chrono::duration<double>(now - start_).count();
  if (display_.redraws) {
    draw_bar(done, rate, detail);
    return;
  }
  *display_.out << grouped(done) << " of " << grouped(total_) << ' ' << unit_ << ", "
                << engineering(rate) << "/s, "
                << duration_text(static_cast<double>(total_ - done) / rate) << " left"
                << (detail.empty() ? "" : ", ") << detail << std::endl;
}

void Progress::draw_bar(Index done, double rate, std::string_view detail) {
  constexpr Index kCells = 24;
  const double share = std::clamp(
      static_cast<double>(done) / static_cast<double>(std::max<Index>(total_, 1)), 0.0, 1.0);
  const auto filled = static_cast<Index>(share * kCells);
  std::string text =
      concat(" ", grouped(done), "/", grouped(total_), " ", unit_, "  ", engineering(rate), "/s  ",
             duration_text(static_cast<double>(total_ - done) / rate), " left",
             detail.empty() ? "" : "  ", detail);
  // a line that wraps cannot be drawn over
  const Index room = std::max<Index>(display_.width - kCells - 1, 0);
  text.resize(static_cast<std::size_t>(std::min(std::ssize(text), room)));
  std::string bar;
  for (Index cell = 0; cell < kCells; ++cell) {
    bar += cell < filled ? "█" : "░";
  }
  *display_.out << "\r\x1b[K" << (display_.colour ? "\x1b[36m" : "") << bar
                << (display_.colour ? "\x1b[0m" : "") << text << std::flush;
  shown_ = true;
}

void Progress::clear() {
  if (shown_) {
    *display_.out << "\r\x1b[K" << std::flush;
    shown_ = false;
  }
}

}  // namespace palaestra::cli
