#include <palaestra/replay/column.h>

#include <palaestra/core/error.h>
#include <palaestra/core/text.h>

namespace palaestra::replay {

Index ColumnSpec::width() const {
  Index product = 1;
  for (const Index extent : shape) {
    product *= extent;
  }
  return product;
}

std::vector<ColumnSpec> transition_columns(const Space& observation, const Space& action) {
  return {{.name = "observation",
           .dtype = observation.dtype,
           .shape = observation.shape,
           .state = true},
          {.name = "action", .dtype = action.dtype, .shape = action.shape},
          {.name = "reward"}};
}

std::size_t find_column(std::span<const ColumnSpec> columns, std::string_view name,
                        std::string_view caller) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (columns[i].name == name) {
      return i;
    }
  }
  std::vector<std::string> names;
  for (const ColumnSpec& column : columns) {
    names.push_back(column.name);
  }
  throw UserError(concat(caller, ": there is no column \"", name, "\"", did_you_mean(name, names)));
}

}  // namespace palaestra::replay
