#include <palaestra/experiments/read_figures.h>

#include <algorithm>
#include <set>

#include <palaestra/experiments/toml_reader.h>

namespace palaestra::experiments {
namespace {

/// The kind of the figure that points are drawn into; nothing where there is no such figure.
std::optional<FigureKind> kind_of(const Experiment& experiment, std::string_view id) {
  const auto own = std::ranges::find(experiment.figures, id, &Figure::id);
  if (own != experiment.figures.end()) {
    return own->kind;
  }
  return id == kStandardFigures[0]   ? std::optional(FigureKind::kCurves)
         : id == kStandardFigures[1] ? std::optional(FigureKind::kBars)
                                     : std::nullopt;
}

}  // namespace

Figure read_figure(const toml::table& table, const std::string& where,
                   std::vector<std::string>& problems) {
  TomlReader reader(table, where, problems);
  Figure figure;
  figure.id = reader.text("id");
  figure.kind = static_cast<FigureKind>(reader.choice("kind", kFigureKinds));
  figure.title = reader.text("title");
  const bool over_x = figure.kind == FigureKind::kSweep || figure.kind == FigureKind::kScatter;
  figure.y = reader.text("y");
  figure.y_label = reader.text("y_label", false);
  figure.x_label = reader.text("x_label", false);
  figure.tasks = reader.texts("tasks", false);
  figure.methods = reader.texts("methods", false);
  if (over_x) {
    figure.x = reader.text("x");
    figure.diagonal = reader.flag("diagonal");
  }
  if (figure.kind != FigureKind::kBars) {
    figure.log_y = reader.flag("log_y");
  }
  reader.finish();
  return figure;
}

Published read_published(const toml::table& table, const std::string& where,
                         std::vector<std::string>& problems) {
  TomlReader reader(table, where, problems);
  Published points;
  points.figure = reader.text("figure");
  points.what = reader.text("what");
  points.source = reader.text("source");
  points.task = reader.text("task", false);
  points.method = reader.text("method", false);
  points.x = reader.numbers("x", false);
  points.y = reader.numbers("y", true);
  points.low = reader.numbers("low", false);
  points.high = reader.numbers("high", false);
  const std::size_t n = points.y.size();
  if (points.low.size() != points.high.size() || (!points.low.empty() && points.low.size() != n)) {
    reader.problem("low and high are lists as long as y, or both left out");
  } else {
    for (std::size_t i = 0; i < points.low.size(); ++i) {
      if (points.low[i] > points.y[i] || points.high[i] < points.y[i]) {
        reader.problem("y is ", points.y[i], ", which is not within low and high, ", points.low[i],
                       " to ", points.high[i]);
      }
    }
  }
  reader.finish();
  return points;
}

void check_figures(const Experiment& experiment, std::vector<std::string>& problems) {
  std::set<std::string> tasks, methods, ids(kStandardFigures.begin(), kStandardFigures.end());
  for (const Arm& arm : experiment.arms) {
    tasks.insert(arm.task);
    methods.insert(arm.method);
  }
  const auto known = [&](const std::string& where, std::string_view what, const std::string& name,
                         const std::set<std::string>& names) {
    if (!names.contains(name)) {
      problems.push_back(
          concat(where, ": no arm has the ", what, ' ', shown(name),
                 did_you_mean(name, std::vector<std::string>(names.begin(), names.end()))));
    }
  };
  for (const Figure& figure : experiment.figures) {
    if (!ids.insert(figure.id).second) {
      problems.push_back(concat("figure ", figure.id, ": there is another one of this name"));
    }
    for (const std::string& task : figure.tasks) {
      known(concat("figure ", figure.id), "task", task, tasks);
    }
    for (const std::string& method : figure.methods) {
      known(concat("figure ", figure.id), "method", method, methods);
    }
  }
  for (std::size_t i = 0; i < experiment.published.size(); ++i) {
    const Published& points = experiment.published[i];
    const std::string where = concat("published ", i + 1);
    const auto kind = kind_of(experiment, points.figure);
    if (!kind) {
      problems.push_back(
          concat(where, ": there is no figure ", shown(points.figure),
                 did_you_mean(points.figure, std::vector<std::string>(ids.begin(), ids.end()))));
      continue;
    }
    const bool by_task = *kind == FigureKind::kCurves || *kind == FigureKind::kBars;
    if (by_task != !points.task.empty()) {
      problems.push_back(concat(where, by_task ? ": curves and bars need the task they belong to"
                                               : ": sweeps and scatters have no task"));
    } else if (by_task) {
      known(where, "task", points.task, tasks);
    }
    if (!points.method.empty()) {
      known(where, "method", points.method, methods);
    }
    const std::size_t n = points.y.size();
    if (*kind == FigureKind::kBars ? n != 1 || !points.x.empty() : points.x.size() != n) {
      problems.push_back(concat(where, *kind == FigureKind::kBars
                                           ? ": bars take one y and no x"
                                           : ": x and y are lists of one length"));
    }
  }
}

}  // namespace palaestra::experiments
