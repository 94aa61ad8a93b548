#include <palaestra/nn/describe.h>

#include <iomanip>
#include <numeric>
#include <sstream>

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

/// "a" for the arena, "in", "vec", "out": what kind of memory, and the offset in it.
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

struct Line {
  std::string shape, out, in;
};

Line line_of(const Plan& plan, const Step& step) {
  Line line;
  const auto add = [&](std::string& text, const Operand& o) {
    if (!text.empty()) text += ' ';
    text += operand_text(plan, o);
  };
  if (const auto* tile = std::get_if<TileStep>(&step.work)) {
    line.shape = to_string(tile->shape);
    for (const Operand& o : tile->inputs) add(line.in, o);
    for (const Operand& o : tile->outputs) {
      if (!line.out.empty()) line.out += ' ';
      line.out += place_text(plan, o.place);
    }
  } else if (const auto* product = std::get_if<MatmulStep>(&step.work)) {
    line.shape = to_string(product->out.shape);
    line.out = place_text(plan, product->out.place);
    add(line.in, product->a);
    add(line.in, product->b);
    if (product->has_bias) add(line.in, product->bias);
    if (product->has_gate) add(line.in, product->gate);
  } else if (const auto* kernel = std::get_if<KernelStep>(&step.work)) {
    line.shape = to_string(kernel->out.shape);
    line.out = place_text(plan, kernel->out.place);
    for (const Operand& o : kernel->inputs) add(line.in, o);
  } else {
    const auto& zero = std::get<ZeroStep>(step.work);
    line.shape = to_string(Shape{1, 1, zero.count});
    line.out = place_text(plan, zero.place);
  }
  return line;
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

std::string describe(const Plan& plan, std::span<const double> seconds) {
  const double total = std::accumulate(seconds.begin(), seconds.end(), 0.0);
  std::ostringstream text;
  Index flop = 0;
  for (const Step& step : plan.steps) flop += flop_of(step, plan.max_rows);
  text << plan.name << ": " << plan.steps.size() << " steps, " << plan.buffers << " buffers in "
       << plan.arena << " numbers, " << static_cast<double>(flop) * 1e-6 << " MFLOP at "
       << to_string(Shape{1, plan.max_rows.empty() ? 1 : plan.max_rows[0], 1}) << " rows\n";
  text << std::left << std::setw(4) << "#" << std::setw(28) << "operation" << std::setw(18)
       << "shape" << std::right << std::setw(12) << "FLOP" << std::setw(8) << "time"
       << "  "
       << "out <- in\n";
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    const Line line = line_of(plan, step);
    text << std::left << std::setw(4) << i << std::setw(27) << step.label << ' ' << std::setw(18)
         << line.shape << std::right << std::setw(12) << flop_of(step, plan.max_rows);
    if (total > 0) {
      text << std::setw(7) << std::fixed << std::setprecision(1) << 100 * seconds[i] / total << '%';
      text.unsetf(std::ios::floatfield);
    } else {
      text << std::setw(8) << '-';
    }
    text << "  " << line.out << " <- " << line.in << '\n';
  }
  return text.str();
}

}  // namespace palaestra::nn::detail
