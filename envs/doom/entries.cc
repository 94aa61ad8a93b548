#include <palaestra/envs/doom/take_cover.h>
#include <palaestra/envs/entry.h>
#include <palaestra/envs/families.h>

namespace palaestra::envs {
namespace {

/// Numbers or pictures: the option `observation` decides which of two batches it is.
Registration take_cover_entry() {
  const Registration view = entry<TakeCoverView>("TakeCover-v0");
  const Registration rays = entry<TakeCover>("TakeCover-v0");
  const auto chosen = [=](const Keywords& keywords) {
    const auto given = keywords.find("observation");
    const auto* text = given == keywords.end() ? nullptr : std::get_if<std::string>(&given->second);
    return text != nullptr && (*text == "strip" || *text == "pixels") ? view : rays;
  };
  return {.id = rays.id,
          .spec = [=](const Keywords& k) { return chosen(k).spec(k); },
          .make = [=](const BatchOptions& options,
                      const Keywords& k) { return chosen(k).make(options, k); }};
}

}  // namespace

std::vector<Registration> doom_entries() { return {take_cover_entry()}; }

}  // namespace palaestra::envs
