#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/types.h>

namespace palaestra::experiments {

enum class FigureKind : unsigned char {
  kCurves,   ///< a picture per task: the runs' curves named `y` over steps, with a band per method
  kBars,     ///< a row per arm: the number `y` with its interval
  kSweep,    ///< a point per arm, a line per method: `y` with its interval over `x`
  kScatter,  ///< a point per run: `y` over `x`
};
inline constexpr std::array<std::string_view, 4> kFigureKinds = {"curves", "bars", "sweep",
                                                                 "scatter"};

/// A picture of the report. Numbers are those of the runs; `x` may be a setting of the arm instead.
struct Figure {
  std::string id;
  FigureKind kind = FigureKind::kCurves;
  std::string title;
  std::string x, y;
  std::string x_label, y_label;  ///< empty: the names
  bool diagonal = false;         ///< sweep, scatter: draw the line on which y is x
  bool log_y = false;            ///< not bars: y in powers of ten; what is not above 0 is left out
  std::vector<std::string> tasks;  ///< with `methods`: the arms that are shown; empty: all
  std::vector<std::string> methods;
};

/// Figures that every report has without being asked, where there are such curves and numbers.
inline constexpr std::array<std::string_view, 2> kStandardFigures = {"return", "final_return"};

/// A curve or points as they were published, drawn into a figure of ours.
struct Published {
  std::string figure;  ///< id of a Figure, or one of kStandardFigures
  std::string what;    ///< "DoC, published"
  std::string source;  ///< "Figure 3 of arXiv ..., read off by eye"
  std::string task;    ///< curves and bars: in which task's picture or rows
  std::string method;  ///< of ours that it belongs to, by colour; empty: none
  std::vector<double> x, y;
  std::vector<double> low, high;  ///< error bars; empty: none were published
};

}  // namespace palaestra::experiments
