#include <palaestra/benchmarks/products.h>

#include <dlfcn.h>
#include <oneapi/dnnl/dnnl.h>

#include <Eigen/Dense>
#include <memory>

#include <palaestra/core/random.h>
#include <palaestra/nn/gemm.h>

namespace palaestra::benchmarks {
namespace {

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// cblas_sgemm of an OpenBLAS that is already on the machine, held to one thread; or null. It is
/// measured against, never linked.
using CblasSgemm = void (*)(int, int, int, int, int, int, float, const float*, int, const float*,
                            int, float, float*, int);
CblasSgemm openblas() {
  static const CblasSgemm found = []() -> CblasSgemm {
    void* library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      return nullptr;
    }
    if (auto* set_threads = dlsym(library, "openblas_set_num_threads")) {
      reinterpret_cast<void (*)(int)>(set_threads)(1);
    }
    return reinterpret_cast<CblasSgemm>(dlsym(library, "cblas_sgemm"));
  }();
  return found;
}

/// The operands of a product, filled with small numbers.
struct Operands {
  explicit Operands(const Product& p)
      : a(static_cast<std::size_t>(p.members * p.m * p.k)),
        b(static_cast<std::size_t>(p.members * p.k * p.n)),
        out(static_cast<std::size_t>(p.members * p.m * p.n)),
        workspace(static_cast<std::size_t>(nn::detail::gemm_workspace<float>(p.k))) {
    Stream random(1, purpose("bench/products"));
    random.fill_uniform(a);
    random.fill_uniform(b);
  }
  std::vector<float> a, b, out, workspace;
};

void ours(const Product& p, Operands& x) {
  nn::detail::gemm(nn::detail::Gemm<float>{.members = p.members,
                                           .m = p.m,
                                           .n = p.n,
                                           .k = p.k,
                                           .a = x.a.data(),
                                           .a_stride = p.transpose_a ? p.m : p.k,
                                           .a_member = p.m * p.k,
                                           .transpose_a = p.transpose_a,
                                           .b = x.b.data(),
                                           .b_stride = p.transpose_b ? p.k : p.n,
                                           .b_member = p.k * p.n,
                                           .transpose_b = p.transpose_b,
                                           .out = x.out.data(),
                                           .out_stride = p.n,
                                           .out_member = p.m * p.n},
                   x.workspace.data(), std::ssize(x.workspace), Threads{1});
}

/// call(a, b, out) for each member.
template <class Call>
void each_member(const Product& p, Operands& x, const Call& call) {
  for (Index i = 0; i < p.members; ++i) {
    call(x.a.data() + i * p.m * p.k, x.b.data() + i * p.k * p.n, x.out.data() + i * p.m * p.n);
  }
}

void eigen(const Product& p, Operands& x) {
  each_member(p, x, [&](const float* a, const float* b, float* out) {
    using Map = Eigen::Map<const Matrix>;
    Eigen::Map<Matrix> c(out, p.m, p.n);
    const Map left(a, p.transpose_a ? p.k : p.m, p.transpose_a ? p.m : p.k);
    const Map right(b, p.transpose_b ? p.n : p.k, p.transpose_b ? p.k : p.n);
    if (p.transpose_a && p.transpose_b) {
      c.noalias() = left.transpose() * right.transpose();
    } else if (p.transpose_a) {
      c.noalias() = left.transpose() * right;
    } else if (p.transpose_b) {
      c.noalias() = left * right.transpose();
    } else {
      c.noalias() = left * right;
    }
  });
}

void onednn(const Product& p, Operands& x) {
  each_member(p, x, [&](const float* a, const float* b, float* out) {
    dnnl_sgemm(p.transpose_a ? 'T' : 'N', p.transpose_b ? 'T' : 'N', p.m, p.n, p.k, 1.0f, a,
               p.transpose_a ? p.m : p.k, b, p.transpose_b ? p.k : p.n, 0.0f, out, p.n);
  });
}

void blas(const Product& p, Operands& x) {
  constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;
  const auto extent = [](Index n) { return static_cast<int>(n); };
  each_member(p, x, [&](const float* a, const float* b, float* out) {
    openblas()(kRowMajor, p.transpose_a ? kTransposed : kPlain,
               p.transpose_b ? kTransposed : kPlain, extent(p.m), extent(p.n), extent(p.k), 1.0f, a,
               extent(p.transpose_a ? p.m : p.k), b, extent(p.transpose_b ? p.k : p.n), 0.0f, out,
               extent(p.n));
  });
}

}  // namespace

ProductTimes time_products(std::span<const Product> products) {
  struct Library {
    const char* name;
    void (*run)(const Product&, Operands&);
  };
  std::vector<Library> libraries = {
      {"palaestra", ours}, {"sgemm (Eigen)", eigen}, {"sgemm (oneDNN)", onednn}};
  if (openblas() != nullptr) {
    libraries.push_back({"sgemm (OpenBLAS)", blas});
  }
  const int openmp_threads = omp_get_max_threads();
  omp_set_num_threads(1);  // Eigen's and oneDNN's
  ProductTimes times;
  for (const Product& product : products) {
    auto operands = std::make_shared<Operands>(product);
    const auto calls = std::max(1, static_cast<int>(2e8 / product.flop()));
    std::vector<Contender> contenders;
    contenders.reserve(libraries.size());
    for (const Library& library : libraries) {
      contenders.push_back({library.name, static_cast<double>(calls), [=] {
                              for (int i = 0; i < calls; ++i) {
                                library.run(product, *operands);
                              }
                            }});
    }
    const std::vector<double> seconds = interleave(contenders, 9);
    const auto best = std::min_element(seconds.begin() + 1, seconds.end());
    times.ours.push_back(seconds[0]);
    times.best.push_back(*best);
    times.best_name.emplace_back(libraries[static_cast<std::size_t>(best - seconds.begin())].name);
  }
  omp_set_num_threads(openmp_threads);
  return times;
}

}  // namespace palaestra::benchmarks
