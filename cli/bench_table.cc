#include <palaestra/cli/bench_table.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ostream>
#include <string>

#include <palaestra/cli/progress.h>
#include <palaestra/core/error.h>
#include <palaestra/core/json.h>

namespace palaestra::cli {
namespace {

using benchmarks::Row;

constexpr std::size_t kColumns = 7;
using Cells = std::array<std::string, kColumns>;

std::string fixed(double value, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, value);
  return text;
}

Cells cells_of(const Row& row) {
  Cells cells{row.name,
              std::to_string(row.n),
              std::to_string(row.threads),
              concat(engineering(row.value), " ", row.unit),
              "",
              "",
              ""};
  if (row.peer_value > 0) {
    cells[4] = concat(engineering(row.peer_value), " ", row.peer,
                      row.peer_version.empty() ? "" : " ", row.peer_version);
    cells[5] = fixed(row.ratio(), row.ratio() < 10 ? 2 : 1) + "x";
  }
  if (row.limit > 0) {
    cells[6] = concat(fixed(100 * row.share_of_limit(), 0), " % of ", engineering(row.limit),
                      row.limit_name.empty() ? "" : " ", row.limit_name);
  }
  return cells;
}

}  // namespace

void print_machine(std::ostream& out, const Json& machine, const Json& program) {
  const auto text = [](const Json& facts, const char* key) {
    return facts.value(key, std::string());
  };
  out << text(machine, "cpu") << ", " << machine.value("cores", 0) << " cores ("
      << machine.value("logical_cpus", 0) << " logical), "
      << fixed(machine.value("memory_bytes", 0.0) / (1u << 30), 0) << " GB, load "
      << fixed(machine.value("load_average", 0.0), 2) << ", " << text(machine, "system") << '\n'
      << "palaestra " << text(program, "version") << ' ' << text(program, "commit") << ", "
      << text(program, "compiler") << ", " << text(program, "instruction_set") << ", MuJoCo "
      << text(program, "mujoco") << '\n'
      << "CPU time, contenders in turn, medians; ratios above 1 and shares near 100 % are good\n"
      << std::flush;
}

void print_table(std::ostream& out, const std::vector<Row>& rows) {
  if (rows.empty()) {
    return;
  }
  std::vector<Cells> table{
      {"name", "n", "threads", "value", "peer", "ratio", "share of the limit"}};
  std::transform(rows.begin(), rows.end(), std::back_inserter(table), cells_of);
  std::array<std::size_t, kColumns> width{};
  for (const Cells& cells : table) {
    for (std::size_t i = 0; i < kColumns; ++i) {
      width[i] = std::max(width[i], cells[i].size());
    }
  }
  constexpr std::array<bool, kColumns> kRight{false, true, true, true, true, true, false};
  out << '\n';
  for (const Cells& cells : table) {
    std::string line;
    for (std::size_t i = 0; i < kColumns; ++i) {
      if (width[i] == 0) {
        continue;
      }
      const std::string space(width[i] - cells[i].size(), ' ');
      line += (i == 0 ? "" : "  ") + (kRight[i] ? space + cells[i] : cells[i] + space);
    }
    out << line.substr(0, line.find_last_not_of(' ') + 1) << '\n';
  }
  out << std::flush;
}

}  // namespace palaestra::cli
