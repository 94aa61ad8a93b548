#include <palaestra/envs/stochastic/frozen_lake.h>

#include <algorithm>
#include <utility>
#include <vector>

#include <palaestra/core/text.h>

namespace palaestra::envs {
namespace {

/// A map that has been checked: letters row by row.
struct Map {
  Index rows = 0, columns = 0;
  std::string cells{};

  char operator[](Index cell) const { return cells[static_cast<std::size_t>(cell)]; }

  /// The cell that a move leads to: 0 left, 1 down, 2 right, 3 up.
  Index moved(Index cell, Index direction) const {
    Index row = cell / columns, column = cell % columns;
    switch (direction) {
      case 0:
        column = std::max<Index>(column - 1, 0);
        break;
      case 1:
        row = std::min(row + 1, rows - 1);
        break;
      case 2:
        column = std::min(column + 1, columns - 1);
        break;
      default:
        row = std::max<Index>(row - 1, 0);
        break;
    }
    return row * columns + column;
  }
};

bool is_last(char letter) { return letter == 'G' || letter == 'H'; }

/// Whether there is a way over the ice from this start to some goal.
bool reaches_goal(const Map& map, Index start) {
  std::vector<bool> seen(map.cells.size());
  std::vector<Index> open{start};
  seen[static_cast<std::size_t>(start)] = true;
  while (!open.empty()) {
    const Index cell = open.back();
    open.pop_back();
    if (map[cell] == 'G') {
      return true;
    }
    if (map[cell] == 'H') {
      continue;
    }
    for (Index direction = 0; direction < 4; ++direction) {
      const Index next = map.moved(cell, direction);
      if (!seen[static_cast<std::size_t>(next)]) {
        seen[static_cast<std::size_t>(next)] = true;
        open.push_back(next);
      }
    }
  }
  return false;
}

Map read_map(const std::string& id, std::string_view text) {
  Map map;
  bool more = true;
  while (more) {
    const auto slash = text.find('/');
    const std::string_view row = text.substr(0, slash);
    more = slash != std::string_view::npos;
    text = more ? text.substr(slash + 1) : std::string_view();
    if (map.rows == 0) {
      map.columns = std::ssize(row);
    }
    require(!row.empty(), id, ": row ", map.rows, " of the map is empty");
    require(std::ssize(row) == map.columns, id, ": row ", map.rows, " of the map has ", row.size(),
            " cells, the first one ", map.columns);
    const auto bad = row.find_first_not_of("SFHG");
    require(bad == std::string_view::npos, id, ": row ", map.rows, " of the map has the letter \"",
            bad == std::string_view::npos ? std::string_view() : row.substr(bad, 1),
            "\"; accepted: S, F, H, G");
    map.rows += 1;
    map.cells += row;
    require(std::ssize(map.cells) <= FrozenLake::kMaxCells, id,
            ": the map is too large; accepted: up to ", FrozenLake::kMaxCells, " cells");
  }
  for (const char needed : {'S', 'G'}) {
    require(map.cells.find(needed) != std::string::npos, id, ": the map has no ",
            needed == 'S' ? "start (S)" : "goal (G)");
  }
  for (Index cell = 0; cell < std::ssize(map.cells); ++cell) {
    require(map[cell] != 'S' || reaches_goal(map, cell), id, ": no goal can be reached from cell ",
            cell, " of the map");
  }
  return map;
}

TabularModel model_of(const std::string& id, const FrozenLake::Settings& settings) {
  const Map map = read_map(id, settings.map);
  const double rate = settings.success_rate, missed = (1.0 - rate) / 2.0;
  require(rate >= 0 && rate <= 1, id, ": success_rate is ", rate, "; accepted: 0 to 1");
  const auto outcome = [&](double probability, Index next) {
    const char letter = map[next];
    const double reward = settings.reward_schedule[letter == 'G' ? 0 : letter == 'H' ? 1 : 2];
    return Outcome{probability, next, reward, is_last(letter)};
  };
  TabularModel model = begin_model(std::ssize(map.cells), 4);
  for (Index cell = 0; cell < model.states; ++cell) {
    for (Index action = 0; action < 4; ++action) {
      if (is_last(map[cell])) {
        add_outcomes(model, std::vector<Outcome>{{1.0, cell, 0.0, true}});
      } else if (settings.is_slippery) {
        add_outcomes(model,
                     std::vector<Outcome>{outcome(missed, map.moved(cell, (action + 3) % 4)),
                                          outcome(rate, map.moved(cell, action)),
                                          outcome(missed, map.moved(cell, (action + 1) % 4))});
      } else {
        add_outcomes(model, std::vector<Outcome>{outcome(1.0, map.moved(cell, action))});
      }
    }
  }
  const auto starts = std::count(map.cells.begin(), map.cells.end(), 'S');
  for (std::size_t cell = 0; cell < map.cells.size(); ++cell) {
    model.start[cell] = map.cells[cell] == 'S' ? 1.0 / static_cast<double>(starts) : 0.0;
  }
  return model;
}

}  // namespace

FrozenLake::FrozenLake(std::string id, const Settings& settings, Index time_limit)
    : TabularTask(id, model_of(id, settings)), time_limit_(time_limit) {
  Map map = read_map(id, settings.map);
  map_ = std::move(map.cells);
  columns_ = map.columns;
}

FrozenLake::Settings FrozenLake::read(KeywordReader& options, const std::string& map_name) {
  constexpr double kLargest = 1e9;
  Settings settings;
  const std::string name = options.choice("map_name", map_name, {"4x4", "8x8"});
  settings.map = options.text("desc", std::string(name == "4x4" ? kMap4x4 : kMap8x8));
  settings.is_slippery = options.flag("is_slippery", settings.is_slippery);
  settings.success_rate = options.number("success_rate", settings.success_rate, 0, 1);
  for (std::size_t k = 0; k < settings.reward_schedule.size(); ++k) {
    settings.reward_schedule[k] = options.number(concat("reward_schedule_", k),
                                                 settings.reward_schedule[k], -kLargest, kLargest);
  }
  return settings;
}

EnvSpec FrozenLake::spec() const {
  EnvSpec s = spec_of_model();
  s.origin = "gymnasium 1.4.0";
  s.summary = "cross slippery ice from start to goal without falling into a hole";
  s.oracle = "Gymnasium's table of probabilities, entry by entry; chi-square";
  s.time_limit = time_limit_;
  return s;
}

}  // namespace palaestra::envs
