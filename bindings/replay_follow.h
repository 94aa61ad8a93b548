#pragma once

// palaestra._palaestra.ReachedRows: rows that reached their goal, kept up to date.

#include <string>
#include <vector>

#include <palaestra/bindings/replay_buffer.h>
#include <palaestra/replay/reached_rows.h>

namespace palaestra::python {

/// Asks a function of Python which rows those are. Begins anew when the buffer loads other rows.
class ReachedRows {
 public:
  ReachedRows(ReplayBuffer& buffer, py::function reached, std::string achieved,
              std::string desired);

  /// Looks at new rows and forgets evicted ones; how many there are. What the function raises is
  /// passed on.
  Index follow();
  /// As of the last follow().
  const replay::ReachedRows& rows() const { return rows_; }
  py::array ids() const;
  const ReplayBuffer& buffer() const { return buffer_; }

 private:
  replay::ReachedRows fresh() const;

  ReplayBuffer& buffer_;
  py::function reached_;
  std::string achieved_, desired_;
  Index loads_;
  replay::ReachedRows rows_;
};

}  // namespace palaestra::python
