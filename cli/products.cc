#include <palaestra/cli/products.h>

#include <algorithm>
#include <list>
#include <map>
#include <optional>
#include <set>

#include <palaestra/cli/child.h>
#include <palaestra/cli/crew.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>

namespace palaestra::cli {
namespace {

namespace fs = std::filesystem;
using experiments::Experiment;
using experiments::Product;
using experiments::product_in;

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
    const Json note =
        fs::exists(this->note(), error) ? try_parse_json(read_text(this->note())) : Json();
    return note.is_object() ? note : Json::object();
  }
  bool same_command(const Json& note) const { return note.value("command", "") == text(); }
  void write_note(bool complete, double cpu_s) const {
    const Json json = {{"command", text()}, {"complete", complete}, {"cpu_s", cpu_s}};
    write_atomically(note(), json_text(json, 1) + "\n");
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

/// Where products are made side by side, each after those that it needs.
class Workshop {
 public:
  Workshop(std::vector<const Product*> needed, const std::vector<ArmRun>& runs,
           experiments::Scale scale, fs::path out, Threads threads)
      : needed_(std::move(needed)),
        waiting_(needed_.begin(), needed_.end()),
        runs_(runs),
        scale_(scale),
        out_(std::move(out)),
        crew_(threads) {}

  bool is_working() const { return !crew_.empty(); }
  bool is_done() const { return crew_.empty() && (waiting_.empty() || stopping_); }

  /// Keeps what has ended, and begins what then can.
  void go_on() {
    crew_.collect();
    for (auto next = waiting_.begin(); !stopping_ && next != waiting_.end();) {
      next = start(**next) ? waiting_.erase(next) : std::next(next);
    }
  }

  /// Nothing begins any more, and what goes on is asked to end, once.
  void stop() {
    if (!stopping_) {
      stopping_ = true;
      crew_.interrupt();
    }
  }

  void wait() const { crew_.wait(); }

  double work() const {
    double work = work_done_;
    for (const Product* product : active_) {
      work += std::min(steps_behind(making(*product).path()), work_of(*product, scale_));
    }
    return work;
  }
  std::size_t count() const { return made_.size(); }

  std::vector<MadeProduct> made() const {
    std::vector<MadeProduct> made;
    for (const Product* product : needed_) {
      if (const auto one = made_.find(product->name); one != made_.end()) {
        made.push_back(one->second);
      }
    }
    return made;
  }

 private:
  const std::vector<std::string>& options(const Product& product) const {
    return product.options[static_cast<std::size_t>(scale_)];
  }
  Making making(const Product& product) const {
    return {product, static_cast<std::size_t>(scale_), out_};
  }

  /// Whether it need not wait: it is there, or begins.
  bool start(const Product& product) {
    const bool ready = std::ranges::all_of(options(product), [&](const std::string& option) {
      const auto name = product_in(option);
      return name.empty() || made_.contains(name);
    });
    if (!ready) {
      return false;
    }
    const Making making = this->making(product);
    if (const auto kept = making.kept()) {
      keep(product, *kept);
      return true;
    }
    const int cores = std::min(crew_.cores(), static_cast<int>(product.threads));
    if (!crew_.has_room(cores)) {
      return false;
    }
    forget_what_comes_of(product);
    active_.insert(&product);
    crew_.add(making.start(), cores, [this, &product, making](const Child::End& end) {
      active_.erase(&product);
      if (!stopping_ || end.status == 0) {  // else it was interrupted
        keep(product, making.finish(end));
      }
    });
    return true;
  }

  void keep(const Product& product, const MadeProduct& made) {
    made_.emplace(product.name, made);
    work_done_ += work_of(product, scale_);
  }

  /// Before it is made: whatever ends this process, nothing is left of what was there before.
  void forget_what_comes_of(const Product& product) const {
    Names stale = {product.name};
    for (const Product* later : needed_) {
      if (needs_any(options(*later), stale)) {
        stale.insert(later->name);
        making(*later).forget();
      }
    }
    for (const ArmRun& run : runs_) {
      if (needs_any(run.arm->options[static_cast<std::size_t>(scale_)], stale)) {
        fs::remove_all(run.out / run.folder);
      }
    }
  }

  std::vector<const Product*> needed_;
  std::list<const Product*> waiting_;
  const std::vector<ArmRun>& runs_;
  experiments::Scale scale_;
  fs::path out_;
  bool stopping_ = false;
  double work_done_ = 0;
  std::map<std::string, MadeProduct, std::less<>> made_;
  std::set<const Product*> active_;
  Crew crew_;  // the last: processes that go on are waited for before the rest goes
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
  Workshop workshop(needed_products(experiment, runs, scale), runs, scale, out, threads);
  while (!workshop.is_done()) {
    workshop.go_on();
    if (hooks.interrupted()) {
      workshop.stop();
    }
    if (workshop.is_working()) {
      hooks.progress(workshop.work(), workshop.count());
      workshop.wait();
    }
  }
  return workshop.made();
}

}  // namespace palaestra::cli
