#pragma once

#include <cstddef>
#include <span>
#include <vector>

struct mjModel_;
struct mjData_;

namespace palaestra::envs::mujoco {

/// Where a work space keeps the numbers of mj_getState(mjSTATE_INTEGRATION), looked up once: the
/// engine's own functions go through all components of all models for every row, which costs as
/// much as a fifth of a small model's step.
///
/// Forces that a user applies (qfrc_applied, xfrc_applied) and the user's data have their places in
/// a row, too, but are not moved: nothing in this suite writes them, so that they are 0 in every
/// work space and, since rows begin as zeros, in every row.
class StateParts {
 public:
  StateParts() = default;
  /// `data` must outlive the object.
  StateParts(const mjModel_& model, mjData_& data);

  /// Row to work space, and back. Rows may be longer than the engine's part.
  void load(std::span<const double> row) const;
  void store(std::span<double> row) const;

 private:
  template <class T>
  struct Part {
    T* place;
    std::size_t offset, count;
  };
  std::vector<Part<double>> numbers_;
  std::vector<Part<bool>> flags_;  // numbers in a row
};

}  // namespace palaestra::envs::mujoco
