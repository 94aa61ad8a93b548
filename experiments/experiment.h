#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <palaestra/core/types.h>
#include <palaestra/experiments/figure.h>

namespace palaestra::experiments {

/// How much of an experiment is run: seconds, minutes, or what was published.
enum class Scale : unsigned char { kSmoke, kQuick, kFull };
inline constexpr std::array<std::string_view, 3> kScaleNames = {"smoke", "quick", "full"};

/// Throws UserError for another name.
Scale scale_from(std::string_view name);
std::string_view name_of(Scale scale);

/// One method on one task: a command line of `palaestra`, run once per seed, or numbers kept from
/// another time.
struct Arm {
  std::string name;    ///< "palaestra/Pendulum-v1": method and task
  std::string method;  ///< "palaestra"
  std::string task;    ///< "Pendulum-v1"
  /// train, rollout, bench or study; or record: the curves of a file, without a process
  std::string command;
  /// Options as they follow the command, `{seed}` for the seed; per scale.
  std::array<std::vector<std::string>, 3> options;
  std::array<Index, 3> seeds{};  ///< per scale; 0: the arm is not part of that scale
  Index first_seed = 0;
  std::vector<Index> tuning_seeds{};  ///< what its settings were chosen on; never reported
  /// train: numbers of metrics.jsonl that are kept, as curves and as they were in the end
  std::vector<std::string> logged{};
  /// train: the run is stopped after these numbers of steps and resumed, as a user would do it
  std::vector<Index> cuts;
  std::array<double, 3> work{};  ///< steps of a run; 0: unknown. record: last step of its curves
  Index threads = 1;
  std::string record;     ///< for `record`: the file's text
  std::string record_of;  ///< for `record`: whose curves
};

/// What arms need and is made once before them: a trained expert, demonstrations of it. An option
/// of an arm, or of a later product, says `@name` for where it lies.
struct Product {
  std::string name;                                 ///< also of its folder
  std::string command;                              ///< "train" or "data collect"
  std::array<std::vector<std::string>, 3> options;  ///< per scale
  std::array<double, 3> work{};                     ///< steps; 0: unknown
  Index threads = 1;
};

/// Returns on a scale that tasks share: 0 is what one arm has (a random policy), 1 what another one
/// has (an expert), both measured in the same experiment. A run of one of `tasks` that has the
/// number x of `numbers` gets "score:x" = (x - zero) / (one - zero). With `arrival` a run with a
/// curve of returns also gets "score:arrival", the step of the first of three evaluations in a row
/// whose scores are that or more. A run without such three arrives one evaluation after its last:
/// earlier than it would have, which a median does not mind.
struct Score {
  std::vector<std::string> tasks;
  std::string zero, one;             ///< arms
  std::string metric;                ///< of these two; the mean over their runs counts
  std::vector<std::string> numbers;  ///< that are put on the scale
  std::optional<double> arrival{};   ///< a score
};

/// How a number that a gate looks at is made from the runs of its arms.
enum class Statistic : unsigned char {
  kMean,
  kMedian,
  kInterquartileMean,
  kOptimalityGap,  ///< mean of what a run lacks to 1, runs beyond it lacking nothing
  kLowest,
  kHighest,
  kShareAtLeast,    ///< of runs whose number is at_least or more
  kDifference,      ///< interquartile mean of the arms minus that of `against`
  kRatio,           ///< interquartile mean of the arms over that of `against`
  kMeanDifference,  ///< mean of the arms minus that of `against`
  kImprovement,     ///< probability that a run of the arms beats one of `against`
  kDistinct,        ///< most different values of a text that runs of one seed have
};

enum class GateKind : unsigned char {
  kHard,         ///< mathematics and mechanisms: a miss is exit code 3
  kProvisional,  ///< calibrated on a prototype: a miss is exit code 3 under --strict alone
  kReported,     ///< a published claim at reduced scale: a verdict, never an exit code
};

/// A claim, as one comparison.
struct Gate {
  std::string id;
  GateKind kind = GateKind::kHard;
  std::string statement;  ///< in words
  std::string source;     ///< paper, published code, our own derivation or prototype
  std::string published;  ///< the figure as it was published, in words; may be empty
  std::vector<std::string> arms;
  std::vector<std::string> against;
  std::string metric;
  std::string against_metric;  ///< of `against`, where it has another name there
  Statistic statistic = Statistic::kMean;
  double at_least = 0;     ///< of kShareAtLeast
  std::string comparison;  ///< ">=", "<=" or "=="
  double threshold = 0;
  double tolerance = 0;  ///< of "==": how far off a number may be
  /// Of reported claims: not supported is only what lies beyond this; between it and the threshold
  /// nothing is decided. None: the threshold itself.
  std::optional<double> fails_at{};
  /// A claim about other claims, by id, that come before it: supported where all of these are, not
  /// supported where one of `fails_with` is not, else inconclusive. It has no arms.
  std::vector<std::string> all_of{}, fails_with{};
  std::array<Index, 3> seeds{};  ///< runs each arm must have, per scale; 0: not judged there
};

/// An experiment: its arms, its claims and where they come from. experiments/<name>/<name>.toml.
struct Experiment {
  std::string name;
  std::string title;
  std::string claim;
  std::string source;
  std::string text;                 ///< the file itself
  std::array<double, 3> cost{};     ///< CPU seconds by scale, measured once (the file says where)
  Index first_seed = 0;             ///< of arms that do not say another
  std::vector<Index> tuning_seeds;  ///< likewise
  std::vector<Product> products;    ///< each after those that it needs
  std::vector<Arm> arms;
  std::vector<Score> scores;
  std::vector<Gate> gates;
  std::vector<Figure> figures;
  std::vector<Published> published;
};

/// Reads an experiment. `files` has the texts that arms of `record` name. Throws UserError with all
/// that is wrong: unknown keys and names, arms and products that are not there, a gate that asks
/// for more seeds than its arms have, seeds that are both tuned on and reported.
Experiment read_experiment(std::string_view toml, const std::string& source,
                           const std::map<std::string, std::string>& files = {});

/// The product that an option names, "@demo" or "data=@demo"; empty where it names none.
std::string_view product_in(std::string_view option);

/// The arm of that name. Throws std::logic_error for another one.
const Arm& arm_of(const Experiment& experiment, std::string_view name);

}  // namespace palaestra::experiments
