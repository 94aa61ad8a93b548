#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <palaestra/core/config.h>
#include <palaestra/core/parallel.h>
#include <palaestra/experiments/measurement.h>

namespace palaestra::experiments {

/// The settings of one study, with the type of the struct forgotten: change them by key, then run.
class StudySettings {
 public:
  virtual ~StudySettings() = default;

  /// Adds the fields at the root. Refers to this object.
  virtual void add_to(Settings& settings) = 0;
  /// Computes numbers, texts and curves. The same settings and seed give the same bits, whatever
  /// the threads. Throws UserError for settings that do not go together.
  virtual void run(std::uint64_t seed, Threads threads, Measurement& to) const = 0;
};

/// A computation that an experiment is made of and that is no training run: an exact value, a table
/// that is learnt, a policy that is scored by dynamic programming. `palaestra study NAME` runs one,
/// an arm with `command = "study"` one per seed.
struct StudyInfo {
  std::string_view name;     ///< "doc_bandit": the experiment, then what
  std::string_view summary;  ///< one sentence
  std::string_view source;   ///< the paper, and where in it
  std::unique_ptr<StudySettings> (*defaults)();
};

/// One line of the registry out of a struct with fields() and a function
/// `void run(const Config&, std::uint64_t seed, Threads, Measurement&)`.
template <class Config, void (*run_study)(const Config&, std::uint64_t, Threads, Measurement&)>
StudyInfo study(std::string_view name, std::string_view summary, std::string_view source) {
  class Typed final : public StudySettings {
   public:
    void add_to(Settings& settings) override { settings.add(config_); }
    void run(std::uint64_t seed, Threads threads, Measurement& to) const override {
      validate(config_);
      run_study(config_, seed, threads, to);
    }

   private:
    Config config_;
  };
  return {name, summary, source,
          []() -> std::unique_ptr<StudySettings> { return std::make_unique<Typed>(); }};
}

/// All studies, by name. Adding one = its file in experiments/<paper>/ and a line in studies.cc.
std::span<const StudyInfo> studies();

/// Throws UserError with the nearest name and the list.
const StudyInfo& find_study(std::string_view name);

}  // namespace palaestra::experiments
