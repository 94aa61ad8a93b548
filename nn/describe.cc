#include <palaestra/nn/describe.h>

#include <algorithm>
#include <iomanip>
#include <numeric>
#include <sstream>
#include <utility>

#include <palaestra/core/error.h>
#include <palaestra/nn/gemm.h>

namespace palaestra::nn::detail {
namespace {

Index inner_extent(const MatmulStep& step, std::span<const Index> rows) {
  return step.transpose_a ? rows_of(step.a.shape, rows) : step.a.shape.columns;
}

Index flop_of(const TileStep& s, std::span<const Index> rows) {
  return size_of(s.shape, rows) * static_cast<Index>(s.instructions.size());
}
Index flop_of(const MatmulStep& s, std::span<const Index> rows) {
  return 2 * size_of(s.out.shape, rows) * inner_extent(s, rows);
}
Index flop_of(const KernelStep& s, std::span<const Index> rows) {
  std::vector<Shape> shapes;
  Index read = 0;
  for (const Operand& in : s.inputs) {
    shapes.push_back(in.shape);
    shapes.back().rows = rows_of(in.shape, rows);
    read += size_of(in.shape, rows);
  }
  if (s.op->flop == nullptr) return read;
  Shape out = s.out.shape;
  out.rows = rows_of(out, rows);
  return s.op->flop(shapes, out, s.attributes);
}
Index flop_of(const ZeroStep&, std::span<const Index>) { return 0; }

/// The input, vector or output by name, or nothing for the work space, and the offset in it.
std::string place_text(const Plan& plan, const Place& p) {
  std::string base;
  if (p.base < plan.first_vector()) {
    base = plan.inputs[static_cast<std::size_t>(p.base)].name;
  } else if (p.base < plan.first_output()) {
    base = plan.vectors[static_cast<std::size_t>(p.base - plan.first_vector())].name;
  } else if (p.base < plan.constants_base()) {
    base = plan.outputs[static_cast<std::size_t>(p.base - plan.first_output())].name;
  } else if (p.base == plan.constants_base()) {
    std::ostringstream number;
    number << plan.constants[static_cast<std::size_t>(p.offset)];
    return number.str();
  } else if (p.base == plan.row_counts_base()) {
    return "rows";
  }
  std::ostringstream text;
  text << base << '@' << p.offset;
  if (p.member > 0) text << "+member " << p.member;
  return text.str();
}

std::string operand_text(const Plan& plan, const Operand& o) {
  if (o.place.base == plan.constants_base()) return place_text(plan, o.place);
  return place_text(plan, o.place) + to_string(o.shape);
}

/// Three digits and a letter for the power of a thousand: "325 M", "4.41 m".
std::string scaled_text(double value) {
  static constexpr std::pair<double, const char*> kScales[] = {
      {1e9, " G"}, {1e6, " M"}, {1e3, " k"}, {1, " "}, {1e-3, " m"}, {1e-6, " u"}, {1e-9, " n"}};
  std::ostringstream text;
  text << std::setprecision(3);
  for (const auto& [scale, letter] : kScales) {
    if (value >= 0.9995 * scale) {
      text << value / scale << letter;
      return text.str();
    }
  }
  return "0 ";
}

std::string extents_text(std::span<const Index> rows) {
  std::string text;
  for (const Index n : rows) text += (text.empty() ? "" : " and ") + std::to_string(n);
  return text.empty() ? "no" : text;
}

struct Line {
  std::string operation, shape, out, in, detail;
};

Line line_of(const Plan& plan, const Step& step) {
  Line line{.operation = step.label, .shape = {}, .out = {}, .in = {}, .detail = {}};
  const auto add = [&](std::string& text, const std::string& more) {
    if (!text.empty()) text += ' ';
    text += more;
  };
  if (const auto* tile = std::get_if<TileStep>(&step.work)) {
    constexpr std::size_t kShown = 3;  // of a fused chain; more go to the end of the line
    line.shape = to_string(tile->shape);
    for (const Operand& o : tile->inputs) {
      const bool alike = o.shape == tile->shape;
      add(line.in, alike ? place_text(plan, o.place) : operand_text(plan, o));
    }
    for (const Operand& o : tile->outputs) add(line.out, place_text(plan, o.place));
    if (tile->instructions.size() > kShown) {
      line.detail = std::exchange(line.operation, concat(tile->instructions.size(), " fused"));
    }
  } else if (const auto* product = std::get_if<MatmulStep>(&step.work)) {
    line.shape = to_string(product->out.shape);
    line.out = place_text(plan, product->out.place);
    add(line.in, operand_text(plan, product->a));
    add(line.in, operand_text(plan, product->b));
    if (product->has_bias) add(line.in, operand_text(plan, product->bias));
    if (product->has_gate) add(line.in, operand_text(plan, product->gate));
  } else if (const auto* kernel = std::get_if<KernelStep>(&step.work)) {
    line.shape = to_string(kernel->out.shape);
    line.out = place_text(plan, kernel->out.place);
    for (const Operand& o : kernel->inputs) add(line.in, operand_text(plan, o));
  } else {
    const auto& zero = std::get<ZeroStep>(step.work);
    line.shape = to_string(Shape{1, 1, zero.count});
    line.out = place_text(plan, zero.place);
  }
  return line;
}

std::vector<Line> lines_of(const Plan& plan) {
  std::vector<Line> lines;
  for (const Step& step : plan.steps) lines.push_back(line_of(plan, step));
  return lines;
}

}  // namespace

Index flop_of(const Step& step, std::span<const Index> rows) {
  return std::visit([&](const auto& work) { return flop_of(work, rows); }, step.work);
}

template <class T>
Index workspace_of(const MatmulStep& step, std::span<const Index> max_rows) {
  return gemm_workspace<T>(inner_extent(step, max_rows));
}

template Index workspace_of<float>(const MatmulStep&, std::span<const Index>);
template Index workspace_of<double>(const MatmulStep&, std::span<const Index>);

std::string describe(const Plan& plan, const Profile& profile) {
  const double total = std::accumulate(profile.seconds.begin(), profile.seconds.end(), 0.0);
  const bool timed = profile.runs > 0 && total > 0;
  Index flop = 0;
  for (const Step& step : plan.steps) flop += flop_of(step, profile.rows);
  std::ostringstream text;
  text << plan.name << " at " << extents_text(profile.rows) << " rows: " << plan.steps.size()
       << " steps, " << scaled_text(static_cast<double>(flop)) << "FLOP";
  if (timed) {
    text << ", " << scaled_text(total / static_cast<double>(profile.runs)) << "s per run (mean of "
         << profile.runs << ")";
  }
  text << "; " << plan.buffers << (plan.buffers == 1 ? " value shares " : " values share ")
       << plan.arena << " numbers of work space\n";
  const std::vector<Line> lines = lines_of(plan);
  std::size_t operation = 0, shape = 0;
  for (const Line& line : lines) {
    operation = std::max(operation, line.operation.size());
    shape = std::max(shape, line.shape.size());
  }
  const auto widths = std::pair(static_cast<int>(operation) + 2, static_cast<int>(shape) + 2);
  text << "  #  " << std::left << std::setw(widths.first) << "operation" << std::setw(widths.second)
       << "shape" << std::right << std::setw(7) << "FLOP" << std::setw(8) << "time" << std::setw(9)
       << "GFLOP/s"
       << "  out <- in\n";
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto work = static_cast<double>(flop_of(plan.steps[i], profile.rows));
    text << std::setw(3) << i << "  " << std::left << std::setw(widths.first) << lines[i].operation
         << std::setw(widths.second) << lines[i].shape << std::right << std::setw(7)
         << scaled_text(work);
    if (timed) {
      const double seconds = profile.seconds[i] / static_cast<double>(profile.runs);
      text << std::fixed << std::setprecision(1) << std::setw(7) << 100 * profile.seconds[i] / total
           << '%' << std::setw(9) << (seconds > 0 ? work / seconds * 1e-9 : 0.0);
      text.unsetf(std::ios::floatfield);
    } else {
      text << std::setw(8) << '-' << std::setw(9) << '-';
    }
    text << "  " << lines[i].out << " <- " << lines[i].in;
    if (!lines[i].detail.empty()) text << "  {" << lines[i].detail << '}';
    text << '\n';
  }
  return text.str();
}

}  // namespace palaestra::nn::detail
