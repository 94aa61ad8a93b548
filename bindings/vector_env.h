#pragma once

#include <memory>
#include <span>
#include <vector>

#include <palaestra/bindings/bind.h>
#include <palaestra/envs/any_batch.h>

namespace palaestra::python {

/// A batch and the arrays that show it. The views are made once and handed out by every call: a
/// step through Python costs one call, one check of the action array and no array object.
///
/// The views keep the batch alive, not the other way round, so there is no reference cycle.
class VectorEnv {
 public:
  VectorEnv(std::unique_ptr<envs::AnyBatch> batch, bool copy);

  /// Throws UserError once close() was called, or while another thread is inside a call.
  envs::AnyBatch& batch();
  void close();
  bool closed() const { return batch_ == nullptr; }

  /// Steps every row; the result is (observation, reward, terminated, truncated, info).
  py::tuple step(py::handle actions);
  /// (observation, info) as they are now.
  py::tuple columns() const { return hand_out(reset_views_); }
  /// The result is columns().
  py::tuple reset(std::span<const std::uint64_t> seeds, std::span<const std::uint8_t> mask,
                  const envs::Keywords& options);

  /// A picture of one row: uint8[height, width, 3].
  py::array render(Index row);

  bool copies() const { return copy_; }

  /// call(batch) while other Python threads run; they find this environment busy.
  template <class Call>
  void run_unlocked(Call&& call) {
    const auto& target = batch();
    const Busy busy(running_);
    call(target);
  }

 private:
  void run(py::array actions);
  py::array convert(py::handle actions);
  bool accepts(const py::array& actions) const;
  py::object make_observation(void* column, const std::shared_ptr<void>& owner) const;
  py::dict make_info(const std::shared_ptr<void>& owner) const;
  py::tuple hand_out(const py::tuple& views) const;

  std::shared_ptr<envs::AnyBatch> batch_;
  bool copy_;
  bool running_ = false;  // guarded by the interpreter lock
  bool warned_ = false;
  bool discrete_;
  py::dtype action_dtype_;
  std::vector<py::ssize_t> action_shape_;  // of the whole batch
  py::tuple step_views_, reset_views_;
};

/// VectorEnv.step as a plain C function (METH_O): pybind11's own dispatch costs several times as
/// much as the call itself.
PyObject* step_function(PyObject* self, PyObject* actions) noexcept;

}  // namespace palaestra::python
