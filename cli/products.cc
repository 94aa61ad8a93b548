#include <palaestra/cli/products.h>

#include <algorithm>
#include <chrono>
#include <list>
#include <map>
#include <optional>
#include <set>

#include <nlohmann/json.hpp>

#include <palaestra/cli/child.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/text.h>

namespace palaestra::cli {
namespace {

namespace fs = std::filesystem;
using experiments::Experiment;
using experiments::Product;
using experiments::product_in;
using Json = nlohmann::ordered_json;

using Names = std::set<std::string, std::less<>>;

bool needs_any(const std::vector<std::string>& options, const Names& names) {
  return std::ranges::any_of(
      options, [&](const std::string& option) { return names.contains(product_in(option)); });
}

/// A product in its folder.
class Making {
 public:
  Making(const Product& product, std::size_t scale, const fs::path& out)
      : product_(product), scale_(scale), out_(out) {}

  fs::path path() const { return product_folder(out_) / product_.name; }
  fs::path note() const { return product_folder(out_) / (product_.name + ".json"); }

  std::string text() const {
    std::vector<std::string> words = command("palaestra", "");
    std::ranges::transform(words, words.begin(), shell_word);
    return join(words, " ");
  }

  /// Made by the same command, earlier.
  std::optional<MadeProduct> kept() const {
    std::error_code error;
    const Json note = read_note();
    if (!fs::exists(path(), error) || !same_command(note) || !note.value("complete", false)) {
      return {};
    }
    return MadeProduct{product_.name, text(), note.value("cpu_s", 0.0)};
  }

  void forget() const {
    fs::remove(note());
    fs::remove_all(path());
  }

  /// Begins it, or goes on with a training that was interrupted.
  Child start() const {
    fs::create_directories(product_folder(out_));
    const Json before = read_note();
    if (product_.command != "train" || !same_command(before) || before.value("complete", false)) {
      fs::remove_all(path());  // half of a data set, or of another command
    }
    write_note(false, 0);
    std::vector<std::string> words = command(fs::read_symlink("/proc/self/exe").string(), out_);
    words.insert(words.end(), {"--threads", concat(product_.threads), "--quiet"});
    if (product_.command == "train") {
      words.emplace_back("--resume");
    }
    return {words, product_folder(out_) / (product_.name + ".output.txt"), errors()};
  }

  MadeProduct finish(const Child::End& end) const {
    require(end.status == 0, "the experiment needs ", product_.name,
            ", which could not be made: ", read_text(errors()), "(", text(), ")");
    write_note(true, end.cpu_s);
    return {product_.name, text(), end.cpu_s};
  }

 private:
  fs::path errors() const { return product_folder(out_) / (product_.name + ".errors.txt"); }
  Json read_note() const {
    std::error_code error;
    const Json note = fs::exists(this->note(), error)
                          ? Json::parse(read_text(this->note()), nullptr, false)
                          : Json();
    return note.is_object() ? note : Json::object();
  }
  bool same_command(const Json& note) const { return note.value("command", "") == text(); }
  void write_note(bool complete, double cpu_s) const {
    const Json json = {{"command", text()}, {"complete", complete}, {"cpu_s", cpu_s}};
    write_atomically(note(), json.dump(1) + "\n");
  }
  /// With paths below `out`; as it is typed there, if that is empty.
  std::vector<std::string> command(const std::string& program, const fs::path& out) const {
    std::vector<std::string> words = {program};
    if (product_.command == "data collect") {
      words.insert(words.end(), {"data", "collect"});
    } else {
      words.push_back(product_.command);
    }
    const auto options = with_products(product_.options[scale_], out);
    words.insert(words.end(), options.begin(), options.end());
    words.insert(words.end(), {"--out", (product_folder(out) / product_.name).string()});
    return words;
  }

  const Product& product_;
  std::size_t scale_;
  fs::path out_;
};

struct Active {
  const Product* product;
  Making making;
  int cores;
  Child child;
};

}  // namespace

fs::path product_folder(const fs::path& out) { return out / "products"; }

std::vector<std::string> with_products(const std::vector<std::string>& options,
                                       const fs::path& out) {
  std::vector<std::string> words = options;
  for (std::string& word : words) {
    if (const auto name = product_in(word); !name.empty()) {
      word = concat(word.substr(0, word.size() - name.size() - 1),
                    (product_folder(out) / name).string());
    }
  }
  return words;
}

double work_of(const Product& product, experiments::Scale scale) {
  return std::max(product.work[static_cast<std::size_t>(scale)], 1.0);
}

std::vector<const Product*> needed_products(const Experiment& experiment,
                                            const std::vector<ArmRun>& runs,
                                            experiments::Scale scale) {
  const auto at = static_cast<std::size_t>(scale);
  Names names;
  const auto add = [&](const std::vector<std::string>& options) {
    for (const std::string& option : options) {
      if (const auto name = product_in(option); !name.empty()) {
        names.emplace(name);
      }
    }
  };
  for (const ArmRun& run : runs) {
    add(run.arm->options[at]);
  }
  // a file names each after those that it needs
  std::vector<const Product*> needed;
  for (auto product = experiment.products.rbegin(); product != experiment.products.rend();
       ++product) {
    if (names.contains(product->name)) {
      add(product->options[at]);
      needed.push_back(&*product);
    }
  }
  std::ranges::reverse(needed);
  return needed;
}

std::vector<MadeProduct> make_products(const Experiment& experiment,
                                       const std::vector<ArmRun>& runs, experiments::Scale scale,
                                       const fs::path& out, Threads threads,
                                       const RunsHooks& hooks) {
  constexpr std::chrono::milliseconds kGlance{250};  // at the progress of those that go on
  const auto at = static_cast<std::size_t>(scale);
  const std::vector<const Product*> needed = needed_products(experiment, runs, scale);
  std::list<const Product*> waiting(needed.begin(), needed.end());
  std::map<std::string, MadeProduct, std::less<>> made;
  std::list<Active> active;
  double work_done = 0;
  int busy = 0;
  bool stopping = false;
  const auto keep = [&](const Product& product, MadeProduct one) {
    work_done += work_of(product, scale);
    made.emplace(product.name, std::move(one));
  };
  const auto is_ready = [&](const Product& product) {
    return std::ranges::all_of(product.options[at], [&](const std::string& option) {
      const auto name = product_in(option);
      return name.empty() || made.contains(name);
    });
  };
  // before it is made and not after: whatever ends this, nothing is left of what was there before
  const auto forget_what_comes_of = [&](const Product& product) {
    Names stale = {product.name};
    for (const Product* later : needed) {
      if (needs_any(later->options[at], stale)) {
        stale.insert(later->name);
        Making(*later, at, out).forget();
      }
    }
    for (const ArmRun& run : runs) {
      if (needs_any(run.arm->options[at], stale)) {
        fs::remove_all(run.out / run.folder);
      }
    }
  };
  const auto start_what_can = [&] {
    for (auto next = waiting.begin(); next != waiting.end();) {
      const Product& product = **next;
      if (!is_ready(product)) {
        ++next;
        continue;
      }
      const Making making(product, at, out);
      if (auto kept = making.kept()) {
        keep(product, std::move(*kept));
        next = waiting.erase(next);
        continue;
      }
      const int cores = std::min(threads.count(), static_cast<int>(product.threads));
      if (busy + cores > threads.count()) {
        ++next;
        continue;
      }
      forget_what_comes_of(product);
      active.push_back({&product, making, cores, making.start()});
      busy += cores;
      next = waiting.erase(next);
    }
  };

  while (!active.empty() || (!waiting.empty() && !stopping)) {
    for (auto one = active.begin(); one != active.end();) {
      const auto end = one->child.ended();
      if (!end) {
        ++one;
        continue;
      }
      busy -= one->cores;
      if (!stopping || end->status == 0) {
        keep(*one->product, one->making.finish(*end));
      }
      one = active.erase(one);
    }
    if (!stopping) {
      start_what_can();
    }
    if (active.empty()) {
      continue;
    }
    if (!stopping && hooks.interrupted()) {
      stopping = true;
      for (const Active& one : active) {
        one.child.interrupt();
      }
    }
    double work = work_done;
    std::vector<const Child*> children;
    for (const Active& one : active) {
      work += std::min(steps_behind(one.making.path()), work_of(*one.product, scale));
      children.push_back(&one.child);
    }
    hooks.progress(work, made.size());
    wait_for_any(children, kGlance);
  }

  std::vector<MadeProduct> in_order;
  for (const Product* product : needed) {
    if (const auto one = made.find(product->name); one != made.end()) {
      in_order.push_back(std::move(one->second));
    }
  }
  return in_order;
}

}  // namespace palaestra::cli
