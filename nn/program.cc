#include <palaestra/nn/program.h>

#include <algorithm>
#include <chrono>
#include <cstdint>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>
#include <palaestra/nn/describe.h>
#include <palaestra/nn/flush.h>
#include <palaestra/nn/kernel_set.h>
#include <palaestra/nn/runners.h>

namespace palaestra::nn {
namespace {

/// Zeroed memory that starts on a cache line.
template <class T>
class AlignedBlock {
 public:
  void resize(Index n) {
    storage_.assign(static_cast<std::size_t>(n) + 64 / sizeof(T), T(0));
    const auto address = reinterpret_cast<std::uintptr_t>(storage_.data());
    begin_ = storage_.data() + ((64 - address % 64) % 64) / sizeof(T);
  }
  T* data() const { return begin_; }

 private:
  std::vector<T> storage_;
  T* begin_ = nullptr;
};

template <class Items>
int find_by_name(std::string_view program, std::string_view what, std::string_view name,
                 const Items& items, int first) {
  std::vector<std::string> known;
  std::string list;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (items[i].name == name) return first + static_cast<int>(i);
    known.push_back(items[i].name);
    if (!list.empty()) list += ", ";
    list += items[i].name;
  }
  throw UserError(concat(program, ": unknown ", what, " \"", name, "\"", did_you_mean(name, known),
                         " (known: ", list.empty() ? "none" : list, ")"));
}

}  // namespace

using detail::Plan;

template <class T>
struct Program<T>::Impl {
  explicit Impl(std::shared_ptr<const Plan> compiled);

  void bind(int base, int first, std::size_t count, std::string_view what, const T* data,
            std::size_t size);
  void check_bound(std::span<const Index> rows) const;
  void prepare(std::span<const Index> rows);
  void need_threads(int count);
  void run_step(std::size_t i, Threads threads);

  std::shared_ptr<const Plan> plan;
  detail::Memory<T> memory;
  std::vector<std::size_t> sizes;  // of what is bound, per base
  std::vector<T> constants, row_counts;
  AlignedBlock<T> arena, outputs, kernel_scratch, gemm_workspace, tiles;
  std::vector<detail::Runner<T>> runners;
  Index tiles_per_thread = 0;
  int threads_ready = 0;
  bool prepared = false;
  bool profiling = false;
  bool ran = false;
  std::vector<double> seconds;  // per step, while profiling
  Index profiled_runs = 0;
};

template <class T>
Program<T>::Impl::Impl(std::shared_ptr<const Plan> compiled) : plan(std::move(compiled)) {
  const auto bases = static_cast<std::size_t>(plan->bases());
  memory.bases.assign(bases, nullptr);
  memory.rows.assign(plan->max_rows.size(), 0);
  sizes.assign(bases, 0);
  for (const double c : plan->constants) constants.push_back(static_cast<T>(c));
  row_counts.assign(plan->max_rows.size(), T(0));
  arena.resize(plan->arena);
  memory.kernel_scratch_per_thread = (plan->scratch + 15) / 16 * 16;
  Index workspace = 0;
  for (const detail::Step& step : plan->steps) {
    runners.push_back(detail::make_runner<T>(step));
    if (const auto* tile = std::get_if<detail::TileRunner<T>>(&runners.back())) {
      tiles_per_thread = std::max(tiles_per_thread, tile->slots_in_tiles() * detail::kTile);
    }
    if (const auto* product = std::get_if<detail::MatmulStep>(&step.work)) {
      workspace = std::max(workspace, detail::workspace_of<T>(*product, plan->max_rows));
    }
  }
  memory.gemm_workspace_per_thread = (workspace + 15) / 16 * 16;
  seconds.assign(runners.size(), 0.0);
  memory.bases[static_cast<std::size_t>(plan->constants_base())] = constants.data();
  memory.bases[static_cast<std::size_t>(plan->row_counts_base())] = row_counts.data();
  memory.bases[static_cast<std::size_t>(plan->arena_base())] = arena.data();

  std::vector<Index> offsets;
  Index total = 0;
  for (const Plan::Output& o : plan->outputs) {
    offsets.push_back(total);
    total += (detail::size_of(o.shape, plan->max_rows) + 15) / 16 * 16;
  }
  outputs.resize(total);
  for (std::size_t o = 0; o < plan->outputs.size(); ++o) {
    const std::size_t base = static_cast<std::size_t>(plan->first_output()) + o;
    memory.bases[base] = outputs.data() + offsets[o];
    sizes[base] = static_cast<std::size_t>(detail::size_of(plan->outputs[o].shape, plan->max_rows));
  }
  kernel_set();  // refuses a bad choice here rather than in the first run
  need_threads(1);
}

template <class T>
void Program<T>::Impl::need_threads(int count) {
  if (count <= threads_ready) return;
  threads_ready = count;
  tiles.resize(tiles_per_thread * count);
  kernel_scratch.resize(memory.kernel_scratch_per_thread * count);
  memory.kernel_scratch = kernel_scratch.data();
  gemm_workspace.resize(memory.gemm_workspace_per_thread * count);
  memory.gemm_workspace = gemm_workspace.data();
  prepared = false;  // runners hold the old address
}

template <class T>
void Program<T>::Impl::bind(int base, int first, std::size_t count, std::string_view what,
                            const T* data, std::size_t size) {
  require(base >= first && base < first + static_cast<int>(count), plan->name, ": handle ", base,
          " is not one of its ", what, "s");
  const auto b = static_cast<std::size_t>(base);
  if (memory.bases[b] == data && sizes[b] == size) return;
  // the table serves reading and writing; inputs and vectors are only read
  memory.bases[b] = const_cast<T*>(data);
  sizes[b] = size;
  prepared = false;
}

template <class T>
void Program<T>::Impl::check_bound(std::span<const Index> rows) const {
  const auto check = [&](std::string_view what, const std::string& name, int base, Index needed) {
    const auto b = static_cast<std::size_t>(base);
    require(memory.bases[b] != nullptr, plan->name, ": ", what, " \"", name, "\" is not bound");
    require(sizes[b] >= static_cast<std::size_t>(needed), plan->name, ": ", what, " \"", name,
            "\" has ", sizes[b], " numbers; this run needs ", needed);
  };
  for (std::size_t i = 0; i < plan->inputs.size(); ++i) {
    const Plan::Input& in = plan->inputs[i];
    if (in.used) {
      check("input", in.name, static_cast<int>(i), detail::size_of(in.shape, rows));
    }
  }
  for (std::size_t v = 0; v < plan->vectors.size(); ++v) {
    const Plan::Vector& vector = plan->vectors[v];
    if (vector.used) {
      check("vector", vector.name, plan->first_vector() + static_cast<int>(v), vector.size);
    }
  }
  for (std::size_t o = 0; o < plan->outputs.size(); ++o) {
    const Plan::Output& out = plan->outputs[o];
    check("output", out.name, plan->first_output() + static_cast<int>(o),
          detail::size_of(out.shape, rows));
  }
}

template <class T>
void Program<T>::Impl::prepare(std::span<const Index> rows) {
  require(rows.size() == plan->max_rows.size(), plan->name, ": run() got ", rows.size(),
          " batch dimensions; it has ", plan->max_rows.size());
  if (prepared && std::equal(rows.begin(), rows.end(), memory.rows.begin())) return;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    require(rows[i] >= 1 && rows[i] <= plan->max_rows[i], plan->name, ": rows is ", rows[i],
            "; accepted: 1 to the planned ", plan->max_rows[i]);
  }
  check_bound(rows);
  prepared = false;
  std::copy(rows.begin(), rows.end(), memory.rows.begin());
  for (std::size_t i = 0; i < rows.size(); ++i) row_counts[i] = static_cast<T>(rows[i]);
  for (auto& runner : runners) {
    std::visit([&](auto& r) { r.prepare(memory); }, runner);
  }
  prepared = true;
}

template <class T>
void Program<T>::Impl::run_step(std::size_t i, Threads threads) {
  detail::Runner<T>& runner = runners[i];
  if (auto* tile = std::get_if<detail::TileRunner<T>>(&runner)) {
    tile->run(tiles.data(), tiles_per_thread, threads);
  } else if (auto* product = std::get_if<detail::MatmulRunner<T>>(&runner)) {
    product->run(threads);
  } else if (auto* kernel = std::get_if<detail::KernelRunner<T>>(&runner)) {
    kernel->run(threads);
  } else {
    std::get<detail::ZeroRunner<T>>(runner).run();
  }
}

template <class T>
Program<T>::Program(const Graph& graph, const Outputs& outputs, const ProgramOptions& options)
    : impl_(std::make_unique<Impl>(
          std::make_shared<const Plan>(detail::lower(graph, outputs, options)))) {}

template <class T>
Program<T>::Program(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

template <class T>
Program<T>::~Program() = default;
template <class T>
Program<T>::Program(Program&&) noexcept = default;
template <class T>
Program<T>& Program<T>::operator=(Program&&) noexcept = default;

template <class T>
Program<T> Program<T>::clone() const {
  auto copy = std::make_unique<Impl>(impl_->plan);
  for (int base = 0; base < copy->plan->first_output(); ++base) {
    const auto b = static_cast<std::size_t>(base);
    copy->memory.bases[b] = impl_->memory.bases[b];
    copy->sizes[b] = impl_->sizes[b];
  }
  return Program(std::move(copy));
}

template <class T>
int Program<T>::input(std::string_view name) const {
  return find_by_name(impl_->plan->name, "input", name, impl_->plan->inputs, 0);
}
template <class T>
int Program<T>::vector(std::string_view name) const {
  return find_by_name(impl_->plan->name, "vector", name, impl_->plan->vectors,
                      impl_->plan->first_vector());
}
template <class T>
int Program<T>::output(std::string_view name) const {
  return find_by_name(impl_->plan->name, "output", name, impl_->plan->outputs,
                      impl_->plan->first_output());
}

template <class T>
void Program<T>::bind_input(int input, std::span<const T> values) {
  impl_->bind(input, 0, impl_->plan->inputs.size(), "input", values.data(), values.size());
}
template <class T>
void Program<T>::bind_vector(int vector, std::span<const T> values) {
  impl_->bind(vector, impl_->plan->first_vector(), impl_->plan->vectors.size(), "vector",
              values.data(), values.size());
}
template <class T>
void Program<T>::bind_output(int output, std::span<T> values) {
  impl_->bind(output, impl_->plan->first_output(), impl_->plan->outputs.size(), "output",
              values.data(), values.size());
}

template <class T>
void Program<T>::run(std::span<const Index> rows, Threads threads) {
  Impl& p = *impl_;
  p.need_threads(threads.count());
  p.prepare(rows);
  const detail::FlushDenormals scope;
  for (std::size_t i = 0; i < p.runners.size(); ++i) {
    if (!p.profiling) {
      p.run_step(i, threads);
      continue;
    }
    const auto start = std::chrono::steady_clock::now();
    p.run_step(i, threads);
    p.seconds[i] += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
  if (p.profiling) ++p.profiled_runs;
  p.ran = true;
}

template <class T>
std::span<const T> Program<T>::value(int output) const {
  const Impl& p = *impl_;
  const int first = p.plan->first_output();
  require(output >= first && output < first + static_cast<int>(p.plan->outputs.size()),
          p.plan->name, ": handle ", output, " is not one of its outputs");
  require(p.ran, p.plan->name, ": value() before the first run()");
  const Plan::Output& o = p.plan->outputs[static_cast<std::size_t>(output - first)];
  const auto base = static_cast<std::size_t>(output);
  const auto size = static_cast<std::size_t>(detail::size_of(o.shape, p.memory.rows));
  require(p.sizes[base] >= size, p.plan->name, ": output \"", o.name, "\" has been bound to ",
          p.sizes[base], " numbers since the last run, which made ", size);
  return {p.memory.bases[base], size};
}

template <class T>
Index Program<T>::flop(std::span<const Index> rows) const {
  require(rows.size() == impl_->plan->max_rows.size(), impl_->plan->name, ": flop() got ",
          rows.size(), " batch dimensions; it has ", impl_->plan->max_rows.size());
  Index total = 0;
  for (const detail::Step& step : impl_->plan->steps) total += detail::flop_of(step, rows);
  return total;
}

template <class T>
std::string Program<T>::describe() const {
  const Impl& p = *impl_;
  const std::span<const Index> rows = p.ran ? p.memory.rows : p.plan->max_rows;
  return detail::describe(*p.plan, {rows, p.seconds, p.profiled_runs});
}

template <class T>
void Program<T>::set_profiling(bool on) {
  impl_->profiling = on;
  if (on) {
    std::fill(impl_->seconds.begin(), impl_->seconds.end(), 0.0);
    impl_->profiled_runs = 0;
  }
}

template class Program<float>;
template class Program<double>;

}  // namespace palaestra::nn
