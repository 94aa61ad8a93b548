#include <palaestra/benchmarks/wanted.h>

#include <algorithm>

namespace palaestra::benchmarks {
namespace {

bool lies_below(std::string_view name, std::string_view beginning) {
  return name.size() > beginning.size() && name.starts_with(beginning) &&
         name[beginning.size()] == '/';
}

}  // namespace

bool Wanted::row(std::string_view name) const {
  offered_.emplace(name);
  return names_.empty() || std::ranges::any_of(names_, [&](const std::string& wanted) {
           return name == wanted || lies_below(name, wanted);
         });
}

bool Wanted::below(std::string_view beginning) const {
  return row(beginning) || std::ranges::any_of(names_, [&](const std::string& wanted) {
           return lies_below(wanted, beginning);
         });
}

}  // namespace palaestra::benchmarks
