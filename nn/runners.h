#pragma once

// Internal to nn: steps that are one kernel each, ready to run; and the variant of all of them.

#include <algorithm>
#include <type_traits>
#include <variant>
#include <vector>

#include <palaestra/nn/execute.h>
#include <palaestra/nn/outer.h>

namespace palaestra::nn::detail {

template <class T>
class KernelRunner {
 public:
  explicit KernelRunner(const KernelStep& step)
      : step_(&step), inputs_(step.inputs.size()), shapes_(step.inputs.size()) {
    call_.attributes = &step.attributes;
    if constexpr (std::is_same_v<T, float>) {
      kernel_ = step.op->kernel_float;
    } else {
      kernel_ = step.op->kernel_double;
    }
  }
  void prepare(const Memory<T>& memory) {
    work_ = 0;
    for (std::size_t i = 0; i < inputs_.size(); ++i) {
      const View<T> v = view_of(step_->inputs[i], memory);
      inputs_[i] = {v.data, v.members, v.rows, v.columns, v.member_stride, v.row_stride};
      work_ += v.size();
    }
    call_.out = view_of(step_->out, memory);
    call_.scratch = memory.kernel_scratch;
    call_.scratch_per_thread = memory.kernel_scratch_per_thread;
    if (step_->op->flop != nullptr) {
      for (std::size_t i = 0; i < inputs_.size(); ++i) {
        shapes_[i] = {inputs_[i].members, inputs_[i].rows, inputs_[i].columns};
      }
      const Shape out{call_.out.members, call_.out.rows, call_.out.columns};
      work_ = std::max(work_, step_->op->flop(shapes_, out, step_->attributes) / 2);
    }
  }
  void run(Threads threads) {
    call_.threads = work_ < kParallelWork ? Threads{1} : threads;
    call_.in = inputs_;
    kernel_(call_);
  }

 private:
  const KernelStep* step_;
  void (*kernel_)(const Call<T>&);
  std::vector<View<const T>> inputs_;
  std::vector<Shape> shapes_;
  Call<T> call_{.out = {},
                .in = {},
                .attributes = nullptr,
                .scratch = nullptr,
                .scratch_per_thread = 0,
                .threads = Threads{1}};
  Index work_ = 0;
};

template <class T>
class MatmulRunner {
 public:
  explicit MatmulRunner(const MatmulStep& step) : step_(&step) {}
  void prepare(const Memory<T>& memory) {
    const View<T> a = view_of(step_->a, memory);
    const View<T> b = view_of(step_->b, memory);
    const View<T> out = view_of(step_->out, memory);
    const auto member = [](const View<T>& v) { return v.members == 1 ? 0 : v.member_stride; };
    product_ = {};
    product_.members = out.members;
    product_.m = out.rows;
    product_.n = out.columns;
    product_.k = step_->transpose_a ? a.rows : a.columns;
    product_.a = a.data;
    product_.a_stride = a.row_stride;
    product_.a_member = member(a);
    product_.transpose_a = step_->transpose_a;
    product_.b = b.data;
    product_.b_stride = b.row_stride;
    product_.b_member = member(b);
    product_.transpose_b = step_->transpose_b;
    product_.out = out.data;
    product_.out_stride = out.row_stride;
    product_.out_member = out.member_stride;
    product_.relu = step_->relu;
    if (step_->has_bias) {
      const View<T> bias = view_of(step_->bias, memory);
      product_.bias = bias.data;
      product_.bias_member = member(bias);
    }
    if (step_->has_gate) {
      const View<T> gate = view_of(step_->gate, memory);
      product_.gate = gate.data;
      product_.gate_stride = gate.row_stride;
      product_.gate_member = gate.member_stride;
    }
    workspace_ = memory.gemm_workspace;
    workspace_per_thread_ = memory.gemm_workspace_per_thread;
  }
  void run(Threads threads) const {
    if (is_outer_product(product_)) {
      outer_product(product_, threads);
    } else {
      gemm(product_, workspace_, workspace_per_thread_, threads);
    }
  }

 private:
  const MatmulStep* step_;
  Gemm<T> product_;
  T* workspace_ = nullptr;
  Index workspace_per_thread_ = 0;
};

template <class T>
class ZeroRunner {
 public:
  explicit ZeroRunner(const ZeroStep& step) : step_(&step) {}
  void prepare(const Memory<T>& memory) {
    begin_ = memory.bases[static_cast<std::size_t>(step_->place.base)] + step_->place.offset;
  }
  void run() const { std::fill(begin_, begin_ + step_->count, T(0)); }

 private:
  const ZeroStep* step_;
  T* begin_ = nullptr;
};

template <class T>
using Runner = std::variant<TileRunner<T>, MatmulRunner<T>, KernelRunner<T>, ZeroRunner<T>>;

template <class T>
Runner<T> make_runner(const Step& step) {
  return std::visit(
      [](const auto& work) -> Runner<T> {
        using Work = std::decay_t<decltype(work)>;
        if constexpr (std::is_same_v<Work, TileStep>) {
          return TileRunner<T>(work);
        } else if constexpr (std::is_same_v<Work, MatmulStep>) {
          return MatmulRunner<T>(work);
        } else if constexpr (std::is_same_v<Work, KernelStep>) {
          return KernelRunner<T>(work);
        } else {
          return ZeroRunner<T>(work);
        }
      },
      step.work);
}

}  // namespace palaestra::nn::detail
