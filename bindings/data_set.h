#pragma once

#include <palaestra/bindings/bind.h>
#include <palaestra/core/error.h>
#include <palaestra/replay/datasets/data_set.h>

namespace palaestra::python {

/// A data set, and whether another Python thread is inside a call on it.
struct DataSet {
  replay::DataSet data;
  bool busy = false;

  void require_idle() const {
    require(!busy, "DataSet: another thread is inside a call on this data set");
  }
};

}  // namespace palaestra::python
