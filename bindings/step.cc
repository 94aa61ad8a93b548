// The hot path: VectorEnv.step and what it needs.

#include <palaestra/bindings/vector_env.h>
#include <palaestra/core/error.h>

namespace palaestra::python {

namespace {

/// What the layout of an action array must be to be read in place.
constexpr int kPlain = int{py::array::c_style} | int{py::detail::npy_api::NPY_ARRAY_ALIGNED_};

}  // namespace

envs::AnyBatch& VectorEnv::batch() {
  require(batch_ != nullptr, "VectorEnv: used after close()");
  require(!running_, "VectorEnv: another thread is inside a call on this environment");
  return *batch_;
}

bool VectorEnv::accepts(const py::array& actions) const {
  const auto dims = static_cast<py::ssize_t>(action_shape_.size());
  if (actions.ndim() != dims || (actions.flags() & kPlain) != kPlain ||
      !(actions.dtype().is(action_dtype_) || actions.dtype().equal(action_dtype_))) {
    return false;
  }
  return std::equal(action_shape_.begin(), action_shape_.end(), actions.shape());
}

/// An array of the right type and layout, or UserError. Says once what was converted.
py::array VectorEnv::convert(py::handle actions) {
  const auto given = py::array::ensure(actions);
  if (!given) {
    PyErr_Clear();
    throw UserError(concat("VectorEnv.step: actions is a ", Py_TYPE(actions.ptr())->tp_name,
                           ", expected an array of shape ", shape_text(action_shape_)));
  }
  const bool same_shape = given.ndim() == static_cast<py::ssize_t>(action_shape_.size()) &&
                          std::equal(action_shape_.begin(), action_shape_.end(), given.shape());
  require(same_shape, "VectorEnv.step: actions has shape ", shape_text(given.shape(), given.ndim()),
          ", expected ", shape_text(action_shape_), "; nothing was stepped");
  const char kind = given.dtype().kind();
  const bool numeric = kind == 'i' || kind == 'u' || kind == 'b' || (!discrete_ && kind == 'f');
  require(numeric, "VectorEnv.step: actions has dtype ", std::string(py::str(given.dtype())),
          ", expected ", discrete_ ? "integers" : "numbers", "; nothing was stepped");
  constexpr int kConvert = kPlain | int{py::array::forcecast};
  py::array result;
  if (discrete_) {
    result = py::array_t<std::int64_t, kConvert>(given);
  } else {
    result = py::array_t<float, kConvert>(given);
  }
  if (!warned_ && !result.is(actions)) {
    warned_ = true;
    const std::string text =
        concat("VectorEnv.step: actions (", Py_TYPE(actions.ptr())->tp_name, ", ",
               std::string(py::str(given.dtype())), ") are converted at every step; pass a ",
               "C-contiguous ", std::string(py::str(action_dtype_)), " array to avoid the copy");
    if (PyErr_WarnEx(PyExc_RuntimeWarning, text.c_str(), 1) != 0) {
      throw py::error_already_set();
    }
  }
  return result;
}

void VectorEnv::run(py::array actions) {
  auto& target = batch();
  const auto size = static_cast<std::size_t>(actions.size());
  const Busy busy(running_);
  if (discrete_) {
    target.step({static_cast<const std::int64_t*>(actions.data()), size});
  } else {
    target.step({static_cast<const float*>(actions.data()), size});
  }
}

py::tuple VectorEnv::step(py::handle actions) {
  if (py::isinstance<py::array>(actions)) [[likely]] {
    auto array = py::reinterpret_borrow<py::array>(actions);
    if (accepts(array)) [[likely]] {
      run(std::move(array));
      return hand_out(step_views_);
    }
  }
  run(convert(actions));
  return hand_out(step_views_);
}

py::tuple VectorEnv::reset(std::span<const std::uint64_t> seeds, std::span<const std::uint8_t> mask,
                           const envs::Keywords& options) {
  auto& target = batch();
  {
    const Busy busy(running_);
    target.reset(seeds, mask, options);
  }
  return columns();
}

py::array VectorEnv::render(Index row) {
  auto& target = batch();
  const auto size = target.render_size();
  py::array_t<std::uint8_t> picture({size.height, size.width, size.channels});
  const std::span<std::uint8_t> out(picture.mutable_data(),
                                    static_cast<std::size_t>(picture.size()));
  {
    const Busy busy(running_);
    target.render(row, out);
  }
  return picture;
}

namespace {

/// Fresh arrays with the contents of an array, or of a dict of what can be copied.
py::object copied(const py::handle& views) {
  if (!py::isinstance<py::dict>(views)) {
    return views.attr("copy")();
  }
  py::dict copies;
  for (const auto& [key, value] : py::reinterpret_borrow<py::dict>(views)) {
    copies[key] = copied(value);
  }
  return copies;
}

}  // namespace

py::tuple VectorEnv::hand_out(const py::tuple& views) const {
  if (!copy_) {
    return views;
  }
  py::tuple copies(views.size());
  for (std::size_t i = 0; i < views.size(); ++i) {
    copies[i] = copied(views[i]);
  }
  return copies;
}

PyObject* step_function(PyObject* self, PyObject* actions) noexcept {
  try {
    auto* instance = reinterpret_cast<py::detail::instance*>(self);
    auto* env = static_cast<VectorEnv*>(instance->get_value_and_holder().value_ptr());
    return env->step(actions).release().ptr();
  } catch (...) {
    py::detail::try_translate_exceptions();
    return nullptr;
  }
}

}  // namespace palaestra::python
