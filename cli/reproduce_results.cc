#include <map>

#include <palaestra/cli/reproduce.h>
#include <palaestra/cli/version.h>

namespace palaestra::cli {
namespace {

using namespace experiments;

Json pair_of(const std::optional<Interval>& interval) {
  return interval ? Json::array({interval->low, interval->high}) : Json(nullptr);
}

/// What the runs of each arm came to, number by number.
Json arms_json(const Reproduced& done) {
  constexpr Index kResamples = 10'000;  // hundreds of numbers may be listed; gates draw more
  Json arms = Json::array();
  for (const Arm& arm : done.experiment.arms) {
    Json entry = {{"name", arm.name},
                  {"method", arm.method},
                  {"task", arm.task},
                  {"command", arm.command},
                  {"options", arm.options[static_cast<std::size_t>(done.scale)]}};
    Json runs = Json::array();
    std::map<std::string, std::vector<double>> samples;
    for (const Measurement& run : done.runs) {
      if (run.arm == arm.name) {
        runs.push_back(to_json(run));
        for (const auto& [name, value] : run.numbers) {
          samples[name].push_back(value);
        }
      }
    }
    Json numbers = Json::object();
    for (const auto& [name, sample] : samples) {
      const Interval interval =
          stratified_bootstrap({sample}, interquartile_mean_score, {.resamples = kResamples});
      numbers[name] = {{"runs", sample.size()},
                       {"mean", mean(sample)},
                       {"median", median(sample)},
                       {"interquartile_mean", interquartile_mean(sample)},
                       {"interval", pair_of(interval)}};
    }
    entry["numbers"] = numbers;
    entry["runs"] = runs;
    arms.push_back(entry);
  }
  return arms;
}

/// What the report draws beside the standard figures, and the published points in all of them.
Json figures_json(const Experiment& experiment) {
  Json figures = Json::array();
  for (const Figure& figure : experiment.figures) {
    figures.push_back({{"id", figure.id},
                       {"kind", kFigureKinds[static_cast<std::size_t>(figure.kind)]},
                       {"title", figure.title},
                       {"x", figure.x},
                       {"y", figure.y},
                       {"x_label", figure.x_label},
                       {"y_label", figure.y_label},
                       {"diagonal", figure.diagonal},
                       {"log_y", figure.log_y},
                       {"tasks", figure.tasks},
                       {"methods", figure.methods}});
  }
  return figures;
}

Json published_json(const Experiment& experiment) {
  Json published = Json::array();
  for (const Published& points : experiment.published) {
    published.push_back({{"figure", points.figure},
                         {"what", points.what},
                         {"source", points.source},
                         {"task", points.task},
                         {"method", points.method},
                         {"x", points.x},
                         {"y", points.y},
                         {"low", points.low},
                         {"high", points.high}});
  }
  return published;
}

Json products_json(const std::vector<MadeProduct>& made) {
  Json products = Json::array();
  for (const MadeProduct& product : made) {
    products.push_back(
        {{"name", product.name}, {"command", product.command}, {"cpu_s", product.cpu_s}});
  }
  return products;
}

}  // namespace

Json gates_json(const Reproduced& done) {
  Json gates = Json::array();
  for (std::size_t i = 0; i < done.gates.size(); ++i) {
    const Gate& gate = done.gates[i];
    const Judgement& judgement = done.judgements[i];
    gates.push_back({{"id", gate.id},
                     {"experiment", done.experiment.name},
                     {"kind", name_of(gate.kind)},
                     {"statement", gate.statement},
                     {"source", gate.source},
                     {"published", gate.published},
                     {"measured", judgement.measured ? Json(*judgement.measured) : Json(nullptr)},
                     {"interval", pair_of(judgement.interval)},
                     {"comparison", gate.comparison},
                     {"threshold", gate.threshold},
                     {"tolerance", gate.tolerance},
                     {"fails_at", gate.fails_at ? Json(*gate.fails_at) : Json(nullptr)},
                     {"seeds", judgement.seeds},
                     {"passed", judgement.passed()},
                     {"verdict", name_of(judgement.verdict)},
                     {"why", judgement.why}});
  }
  return gates;
}

Json results_json(const Reproduced& done) {
  const Experiment& experiment = done.experiment;
  return {{"name", experiment.name},
          {"title", experiment.title},
          {"claim", experiment.claim},
          {"source", experiment.source},
          {"scale", name_of(done.scale)},
          {"settings", experiment.text},
          {"program", program_facts()},
          {"machine", machine_facts()},
          {"cpu_s", done.cpu_s},
          {"wall_s", done.wall_s},
          {"gates", gates_json(done)},
          {"figures", figures_json(experiment)},
          {"published", published_json(experiment)},
          {"products", products_json(done.products)},
          {"arms", arms_json(done)}};
}

}  // namespace palaestra::cli
