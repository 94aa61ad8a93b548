#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/archive.h>
#include <palaestra/core/random.h>
#include <palaestra/nn/expr.h>

namespace palaestra::nn {

/// How the numbers of a parameter begin.
struct Initializer {
  enum class Kind : unsigned char { kConstant, kUniform, kNormal, kOrthogonal };

  Kind kind = Kind::kConstant;
  double scale = 0;  ///< value, half width, standard deviation or gain

  static constexpr Initializer zeros() { return {}; }
  static constexpr Initializer constant(double value) { return {Kind::kConstant, value}; }
  /// Uniform in [-bound, bound).
  static constexpr Initializer uniform(double bound) { return {Kind::kUniform, bound}; }
  static constexpr Initializer normal(double deviation) { return {Kind::kNormal, deviation}; }
  /// Orthonormal rows or columns, whichever are fewer, times `gain` (Saxe et al. 2014); each member
  /// of an ensemble is drawn by itself, uniformly over all such matrices.
  static constexpr Initializer orthogonal(double gain) { return {Kind::kOrthogonal, gain}; }
};

/// A named block of a flat vector.
struct Parameter {
  std::string name;  ///< "hidden.0.weight"
  Shape shape;       ///< fixed extents: [members, rows, columns], row-major
  Index offset = 0;
  Initializer initializer;

  Index size() const { return shape.members * shape.rows * shape.columns; }
};

/// What is where in a flat vector of parameters: blocks in the order they were added, without gaps.
///
/// Layers add their parameters to a layout once; expressions then name a vector and an offset.
/// Moments of an optimiser, gradients and target networks are further vectors of the same layout.
class Layout {
 public:
  /// Appends a block and returns its offset. Throws UserError on a name that is taken or an extent
  /// below 1.
  Index add(std::string name, Shape shape, Initializer initializer);

  Index size() const { return size_; }
  const std::vector<Parameter>& parameters() const { return parameters_; }
  /// Throws UserError with the nearest name.
  const Parameter& find(std::string_view name) const;

 private:
  std::vector<Parameter> parameters_;
  Index size_ = 0;
};

/// Draws every parameter in the layout's order from one stream. float and double get the same
/// numbers up to rounding. Throws UserError unless values.size() is the layout's.
template <class T>
void initialize(const Layout& layout, Stream random, std::span<T> values);

/// Adds one block per parameter, named prefix + name, of shape [members, rows, columns] (without
/// the members where there is one). The values are copied.
template <class T>
void save(const Layout& layout, std::span<const T> values, ArchiveWriter& archive,
          std::string_view prefix);

/// Reads those blocks back. Throws UserError for a block that is missing or has another shape or
/// type; `values` may then be partly written, so read into scratch first.
template <class T>
void load(const Layout& layout, const ArchiveReader& archive, std::string_view prefix,
          std::span<T> values);

/// Copies members chosen[0], chosen[1], ... of an ensemble of many members into one of
/// chosen.size(): the layouts agree but for the number of members.
template <class T>
void gather_members(const Layout& from, std::span<const T> values, std::span<const Index> chosen,
                    std::span<T> out);

}  // namespace palaestra::nn
