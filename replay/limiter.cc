#include <palaestra/replay/limiter.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include <palaestra/core/error.h>

namespace palaestra::replay {
namespace {

Index whole(double rows) {
  return rows <= 0.0 ? 0 : rows >= 9e18 ? Limiter::kUnlimited : static_cast<Index>(rows);
}

}  // namespace

void Limiter::set(const Limit& limit) {
  const auto good = [](double x) { return std::isfinite(x) && x >= 0.0; };
  require(limit.min_size >= 1, "Limiter: min_size is ", limit.min_size, ", expected 1 or more");
  require(good(limit.samples_per_insert), "Limiter: samples_per_insert is ",
          limit.samples_per_insert, ", expected a finite number, 0 or more");
  require(good(limit.slack), "Limiter: slack is ", limit.slack,
          ", expected a finite number, 0 or more");
  limit_ = limit;
  inserted_ = drawn_ = 0;
}

void Limiter::inserted(Index rows, Index size) {
  const Index waiting = std::max<Index>(0, limit_.min_size - size);
  inserted_ += std::max<Index>(0, rows - waiting);
}

Index Limiter::may_sample(Index size) const {
  if (size < limit_.min_size) {
    return 0;
  }
  if (limit_.samples_per_insert == 0.0) {
    return kUnlimited;
  }
  const double due = limit_.samples_per_insert * static_cast<double>(inserted_);
  return whole(due + limit_.slack - static_cast<double>(drawn_));
}

Index Limiter::may_insert(Index size) const {
  if (size < limit_.min_size || limit_.samples_per_insert == 0.0) {
    return kUnlimited;
  }
  const double served = (static_cast<double>(drawn_) + limit_.slack) / limit_.samples_per_insert;
  return whole(served - static_cast<double>(inserted_));
}

void Limiter::save(ArchiveWriter& archive, const std::string& prefix) const {
  archive.put(prefix + "limit.rows", std::vector{limit_.min_size, inserted_, drawn_});
  archive.put(prefix + "limit.ratio", std::vector{limit_.samples_per_insert, limit_.slack});
}

void Limiter::load(const ArchiveReader& archive, const std::string& prefix) {
  std::vector<Index> rows(3);
  std::vector<double> ratio(2);
  archive.get(prefix + "limit.rows", rows);
  archive.get(prefix + "limit.ratio", ratio);
  Limiter loaded({.min_size = rows[0], .samples_per_insert = ratio[0], .slack = ratio[1]});
  require(rows[1] >= 0 && rows[2] >= 0, "replay: the archive's limiter is inconsistent");
  loaded.inserted_ = rows[1];
  loaded.drawn_ = rows[2];
  *this = loaded;
}

}  // namespace palaestra::replay
