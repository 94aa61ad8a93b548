#include <palaestra/core/space.h>

#include <algorithm>
#include <sstream>
#include <utility>

#include <palaestra/core/error.h>

namespace palaestra {

std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
    case DType::kInt64:
      return 8;
    case DType::kFloat32:
    case DType::kInt32:
      return 4;
    case DType::kUint8:
    case DType::kBool:
      return 1;
  }
  throw std::logic_error("size_of: unknown DType");
}

std::string_view name_of(DType dtype) {
  switch (dtype) {
    case DType::kFloat32:
      return "float32";
    case DType::kFloat64:
      return "float64";
    case DType::kInt64:
      return "int64";
    case DType::kInt32:
      return "int32";
    case DType::kUint8:
      return "uint8";
    case DType::kBool:
      return "bool";
  }
  throw std::logic_error("name_of: unknown DType");
}

Index Space::size() const {
  Index product = 1;
  for (const Index extent : shape) {
    product *= extent;
  }
  return product;
}

Space Space::box(Index size, double low, double high, DType dtype) {
  const auto n = static_cast<std::size_t>(size);
  return box(std::vector<double>(n, low), std::vector<double>(n, high), dtype);
}

Space Space::box(std::vector<double> low, std::vector<double> high, DType dtype) {
  require(low.size() == high.size(), "Space::box: low has ", low.size(), " elements, high ",
          high.size(), "; they must agree");
  Space space;
  space.dtype = dtype;
  space.shape = {static_cast<Index>(low.size())};
  space.low = std::move(low);
  space.high = std::move(high);
  return space;
}

Space Space::discrete(Index count) {
  require(count >= 1, "Space::discrete: count is ", count, "; accepted: 1 or more");
  Space space;
  space.kind = Kind::kDiscrete;
  space.dtype = DType::kInt64;
  space.count = count;
  return space;
}

namespace {

void print_bound(std::ostream& out, const std::vector<double>& bound) {
  const bool uniform =
      std::all_of(bound.begin(), bound.end(), [&](double x) { return x == bound.front(); });
  if (uniform && !bound.empty()) {
    out << bound.front();
    return;
  }
  out << '[';
  for (std::size_t i = 0; i < bound.size(); ++i) {
    out << (i ? " " : "") << bound[i];
  }
  out << ']';
}

}  // namespace

std::string to_string(const Space& space) {
  std::ostringstream out;
  if (space.kind == Space::Kind::kDiscrete) {
    out << "Discrete(" << space.count << ')';
    return out.str();
  }
  out << std::showpoint << std::defaultfloat;
  out.precision(2);
  out << "Box(";
  print_bound(out, space.low);
  out << ", ";
  print_bound(out, space.high);
  out << ", (";
  for (std::size_t i = 0; i < space.shape.size(); ++i) {
    out << (i ? ", " : "") << space.shape[i];
  }
  out << (space.shape.size() == 1 ? ",)" : ")") << ", " << name_of(space.dtype) << ')';
  return out.str();
}

}  // namespace palaestra
