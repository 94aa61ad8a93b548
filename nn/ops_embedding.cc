// Rows by number: of a table, and of windows; and the sum of rows back into a table.

#include <algorithm>
#include <limits>

#include <palaestra/core/error.h>
#include <palaestra/nn/flush.h>
#include <palaestra/nn/op.h>

namespace palaestra::nn {
namespace detail {
namespace {

extern const OpDef kEmbedding, kScatterRows, kPickRow, kPlaceRow;

/// The row of a table of `n` rows that an index names, or -1.
template <class T>
Index named_row(T index, Index n) {
  return index >= T(0) && index < static_cast<T>(n) ? static_cast<Index>(index) : -1;
}

template <class T>
void run_embedding(const Call<T>& call) {
  const View<const T>& table = call.in[0];
  const View<const T>& index = call.in[1];
  for (Index m = 0; m < call.out.members; ++m) {
    for (Index r = 0; r < call.out.rows; ++r) {
      const Index row = named_row(*index.row(0, r), table.rows);
      T* out = call.out.row(m, r);
      if (row >= 0) {
        const T* in = table.row(m, row);
        for (Index c = 0; c < table.columns; ++c) out[c] = in[c];
      } else {
        std::fill(out, out + call.out.columns, std::numeric_limits<T>::quiet_NaN());
      }
    }
  }
}

/// out[index[r]] += g[r], in ascending order of r.
template <class T>
void run_scatter(const Call<T>& call) {
  const View<const T>& g = call.in[0];
  const View<const T>& index = call.in[1];
  constexpr Index kWidth = 64;  // columns of a task
  const Index tasks = (call.out.columns + kWidth - 1) / kWidth;
  parallel_flushed(call.threads, call.out.members * tasks, 1, [&](Index begin, Index end, int) {
    for (Index task = begin; task < end; ++task) {
      const Index m = task / tasks;
      const Index column = task % tasks * kWidth;
      const Index width = std::min(kWidth, call.out.columns - column);
      for (Index r = 0; r < call.out.rows; ++r) {
        T* out = call.out.row(m, r) + column;
        std::fill(out, out + width, T(0));
      }
      for (Index r = 0; r < g.rows; ++r) {
        const Index row = named_row(*index.row(0, r), call.out.rows);
        if (row < 0) continue;
        T* out = call.out.row(m, row) + column;
        const T* in = g.row(m, r) + column;
        for (Index c = 0; c < width; ++c) out[c] += in[c];
      }
    }
  });
}

template <class T>
void run_pick_row(const Call<T>& call) {
  const View<const T>& x = call.in[0];
  const Index length = x.rows / call.out.rows;
  for (Index m = 0; m < call.out.members; ++m) {
    for (Index w = 0; w < call.out.rows; ++w) {
      const Index row = named_row(*call.in[1].row(0, w), length);
      T* out = call.out.row(m, w);
      if (row >= 0) {
        const T* in = x.row(m, w * length + row);
        for (Index c = 0; c < x.columns; ++c) out[c] = in[c];
      } else {
        std::fill(out, out + call.out.columns, std::numeric_limits<T>::quiet_NaN());
      }
    }
  }
}

/// Zeros, but for g at the row that was picked.
template <class T>
void run_place_row(const Call<T>& call) {
  const View<const T>& g = call.in[0];
  const Index length = call.out.rows / g.rows;
  for (Index m = 0; m < call.out.members; ++m) {
    for (Index w = 0; w < g.rows; ++w) {
      const Index row = named_row(*call.in[1].row(0, w), length);
      for (Index r = 0; r < length; ++r) {
        T* out = call.out.row(m, w * length + r);
        const T* in = g.row(m, w);
        for (Index c = 0; c < g.columns; ++c) out[c] = r == row ? in[c] : T(0);
      }
    }
  }
}

std::vector<Expr> vjp_pick_row(const VjpContext& c) {
  return {make_node(kPlaceRow, {c.g, c.inputs[1]}, c.inputs[0].shape()), Expr{}};
}
std::vector<Expr> vjp_place_row(const VjpContext& c) {
  return {pick_row(c.g, c.inputs[1]), Expr{}};
}

constinit const OpDef kPickRow{.name = "pick_row",
                               .vjp = vjp_pick_row,
                               .kernel_float = run_pick_row<float>,
                               .kernel_double = run_pick_row<double>};
constinit const OpDef kPlaceRow{.name = "place_row",
                                .vjp = vjp_place_row,
                                .kernel_float = run_place_row<float>,
                                .kernel_double = run_place_row<double>};

std::vector<Expr> vjp_embedding(const VjpContext& c) {
  return {make_node(kScatterRows, {c.g, c.inputs[1]}, c.inputs[0].shape()), Expr{}};
}
std::vector<Expr> vjp_scatter(const VjpContext& c) { return {embedding(c.g, c.inputs[1]), Expr{}}; }

constinit const OpDef kEmbedding{.name = "embedding",
                                 .vjp = vjp_embedding,
                                 .kernel_float = run_embedding<float>,
                                 .kernel_double = run_embedding<double>};
constinit const OpDef kScatterRows{.name = "scatter_rows",
                                   .vjp = vjp_scatter,
                                   .kernel_float = run_scatter<float>,
                                   .kernel_double = run_scatter<double>};

}  // namespace
}  // namespace detail

Expr embedding(Expr table, Expr index) {
  detail::require_expr("embedding", table);
  detail::require_expr("embedding", index, &table.graph());
  const Shape& t = table.shape();
  const Shape& i = index.shape();
  require(t.rows > 0, "embedding: the table has shape ", to_string(t),
          "; it must have a fixed number of rows");
  require(i.members == 1 && i.columns == 1, "embedding: the index has shape ", to_string(i),
          "; accepted: one member and one column");
  return detail::make_node(detail::kEmbedding, {table, index}, {t.members, i.rows, t.columns});
}

Expr pick_row(Expr x, Expr index) {
  detail::require_expr("pick_row", x);
  detail::require_expr("pick_row", index, &x.graph());
  const Shape& s = x.shape();
  const Shape& i = index.shape();
  require(i.members == 1 && i.columns == 1, "pick_row: the index has shape ", to_string(i),
          "; accepted: one member and one column");
  const bool fixed = s.rows > 0 && i.rows > 0 && s.rows % i.rows == 0;
  const bool batch = s.rows < 0 && i.rows < 0 && batch_number(s.rows) == batch_number(i.rows) &&
                     batch_times(s.rows) % batch_times(i.rows) == 0;
  require(fixed || batch, "pick_row: shapes ", to_string(s), " and ", to_string(i),
          " of the index; accepted: rows that are a multiple of the index's");
  return detail::make_node(detail::kPickRow, {x, index}, {s.members, i.rows, s.columns});
}

}  // namespace palaestra::nn
