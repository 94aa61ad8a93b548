#include <palaestra/nn/parameters.h>

#include <algorithm>
#include <cmath>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::nn {

namespace {

std::vector<Index> saved_shape(const Shape& shape) {
  if (shape.members == 1) {
    return {shape.rows, shape.columns};
  }
  return {shape.members, shape.rows, shape.columns};
}

template <class T>
void require_size(std::string_view who, const Layout& layout, std::span<T> values) {
  require(static_cast<Index>(values.size()) == layout.size(), who, ": got ", values.size(),
          " numbers, the layout has ", layout.size());
}

/// Gram-Schmidt, twice for accuracy, on the rows of a [count, length] matrix of normals,
/// count <= length. The factor R of such a factorisation has a positive diagonal, which makes the
/// result uniform over orthonormal sets (Mezzadri 2007).
void orthonormalize(std::vector<double>& a, Index count, Index length) {
  for (Index i = 0; i < count; ++i) {
    double* row = a.data() + i * length;
    for (int pass = 0; pass < 2; ++pass) {
      for (Index j = 0; j < i; ++j) {
        const double* other = a.data() + j * length;
        double dot = 0;
        for (Index k = 0; k < length; ++k) dot += row[k] * other[k];
        for (Index k = 0; k < length; ++k) row[k] -= dot * other[k];
      }
    }
    double squares = 0;
    for (Index k = 0; k < length; ++k) squares += row[k] * row[k];
    const double scale = 1 / std::sqrt(squares);
    for (Index k = 0; k < length; ++k) row[k] *= scale;
  }
}

template <class T>
void fill_orthogonal(Index rows, Index columns, double gain, Stream& random, T* out) {
  const Index count = std::min(rows, columns);
  const Index length = std::max(rows, columns);
  std::vector<double> a(static_cast<std::size_t>(count * length));
  random.fill_normal(std::span<double>(a));
  orthonormalize(a, count, length);
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < columns; ++c) {
      const Index at = rows <= columns ? r * length + c : c * length + r;
      out[r * columns + c] = static_cast<T>(gain * a[static_cast<std::size_t>(at)]);
    }
  }
}

template <class T>
void fill(const Parameter& p, Stream& random, T* out) {
  const Index size = p.size();
  const double scale = p.initializer.scale;
  switch (p.initializer.kind) {
    case Initializer::Kind::kConstant:
      std::fill(out, out + size, static_cast<T>(scale));
      return;
    case Initializer::Kind::kUniform:
      for (Index i = 0; i < size; ++i) out[i] = static_cast<T>(random.uniform(-scale, scale));
      return;
    case Initializer::Kind::kNormal:
      for (Index i = 0; i < size; ++i) out[i] = static_cast<T>(random.normal(0, scale));
      return;
    case Initializer::Kind::kOrthogonal:
      for (Index m = 0; m < p.shape.members; ++m) {
        fill_orthogonal(p.shape.rows, p.shape.columns, scale, random,
                        out + m * p.shape.rows * p.shape.columns);
      }
      return;
  }
}

}  // namespace

Index Layout::add(std::string name, Shape shape, Initializer initializer) {
  require(shape.members >= 1 && shape.rows >= 1 && shape.columns >= 1, "parameter \"", name,
          "\": shape ", to_string(shape), ", every extent must be fixed and at least 1");
  for (const Parameter& p : parameters_) {
    require(p.name != name, "parameter \"", name, "\" is in the layout already");
  }
  const Index offset = size_;
  parameters_.push_back({std::move(name), shape, offset, initializer});
  size_ += parameters_.back().size();
  return offset;
}

const Parameter& Layout::find(std::string_view name) const {
  std::vector<std::string> names;
  for (const Parameter& p : parameters_) {
    if (p.name == name) return p;
    names.push_back(p.name);
  }
  throw UserError(concat("unknown parameter \"", name, "\"", did_you_mean(name, names)));
}

template <class T>
void initialize(const Layout& layout, Stream random, std::span<T> values) {
  require_size("initialize", layout, values);
  for (const Parameter& p : layout.parameters()) {
    fill(p, random, values.data() + p.offset);
  }
}

template <class T>
void save(const Layout& layout, std::span<const T> values, ArchiveWriter& archive,
          std::string_view prefix) {
  require_size("save", layout, values);
  for (const Parameter& p : layout.parameters()) {
    archive.put(
        concat(prefix, p.name),
        values.subspan(static_cast<std::size_t>(p.offset), static_cast<std::size_t>(p.size())),
        saved_shape(p.shape));
  }
}

template <class T>
void load(const Layout& layout, const ArchiveReader& archive, std::string_view prefix,
          std::span<T> values) {
  require_size("load", layout, values);
  for (const Parameter& p : layout.parameters()) {
    const std::string name = concat(prefix, p.name);
    const auto shape = saved_shape(p.shape);
    const auto& found = archive.block(name).shape;
    if (found != shape) {
      std::string got;
      for (const Index extent : found) got += (got.empty() ? "" : ", ") + std::to_string(extent);
      throw UserError(concat("parameter \"", name, "\" has shape [", got,
                             "] in the file, expected ", to_string(p.shape)));
    }
    archive.get(name, values.subspan(static_cast<std::size_t>(p.offset),
                                     static_cast<std::size_t>(p.size())));
  }
}

template <class T>
void gather_members(const Layout& from, std::span<const T> values, std::span<const Index> chosen,
                    std::span<T> out) {
  require_size("gather_members", from, values);
  T* to = out.data();
  for (const Parameter& p : from.parameters()) {
    const Index block = p.shape.rows * p.shape.columns;
    for (const Index member : chosen) {
      to = std::copy_n(values.data() + p.offset + member * block, block, to);
    }
  }
}

template void initialize(const Layout&, Stream, std::span<float>);
template void initialize(const Layout&, Stream, std::span<double>);
template void save(const Layout&, std::span<const float>, ArchiveWriter&, std::string_view);
template void save(const Layout&, std::span<const double>, ArchiveWriter&, std::string_view);
template void load(const Layout&, const ArchiveReader&, std::string_view, std::span<float>);
template void load(const Layout&, const ArchiveReader&, std::string_view, std::span<double>);
template void gather_members(const Layout&, std::span<const float>, std::span<const Index>,
                             std::span<float>);
template void gather_members(const Layout&, std::span<const double>, std::span<const Index>,
                             std::span<double>);

}  // namespace palaestra::nn
