#include <palaestra/replay/quotas.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <palaestra/core/error.h>

namespace palaestra::replay {

double Share::at(Index step) const {
  if (step >= steps) {
    return end;
  }
  const double done = static_cast<double>(step) / static_cast<double>(steps);
  return begin + (end - begin) * done;
}

void Quotas::assign(std::span<const double> share, std::span<std::int32_t> source) {
  const std::size_t count = owed_.size();
  if (count == 1) {
    std::fill(source.begin(), source.end(), 0);
    return;
  }
  // a source may have a row once it is owed `slack`, and must before it is owed more than the rest
  // of a row: of those that may, the one that must first
  const double slack = 1.0 / static_cast<double>(2 * count - 2);
  for (std::int32_t& chosen : source) {
    double first = std::numeric_limits<double>::infinity(), most = -first;
    std::size_t next = count, largest = 0;
    for (std::size_t i = 0; i < count; ++i) {
      const double due = owed_[i] + share[i];
      if (due > most) {
        most = due;
        largest = i;
      }
      if (due >= slack) {
        const double deadline = (1.0 - slack - owed_[i]) / share[i];
        if (deadline < first) {
          first = deadline;
          next = i;
        }
      }
      owed_[i] = due;
    }
    next = next == count ? largest : next;  // rounding, or nothing but a share that is now 0
    owed_[next] -= 1.0;
    chosen = static_cast<std::int32_t>(next);
  }
}

void Quotas::save(ArchiveWriter& archive, const std::string& prefix) const {
  archive.put(prefix + "owed", owed_);
}

void Quotas::load(const ArchiveReader& archive, const std::string& prefix) {
  const auto owed = archive.get_vector<double>(prefix + "owed");
  require(owed.size() == owed_.size(), "Mixture: the archive is about ", owed.size(),
          " sources, expected ", owed_.size(), "; nothing was loaded");
  double sum = 0;
  for (const double value : owed) {
    require(std::abs(value) <= static_cast<double>(owed.size()), "Mixture: the archive says that ",
            value, " rows are owed to a source; nothing was loaded");
    sum += value;
  }
  require(std::abs(sum) <= 1e-3, "Mixture: the archive's debts add up to ", sum,
          ", expected 0; nothing was loaded");
  owed_ = owed;
}

}  // namespace palaestra::replay
