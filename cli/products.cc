#include <palaestra/cli/products.h>

#include <algorithm>
#include <chrono>
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

/// What the runs need, and what that needs.
Names needed(const Experiment& experiment, const std::vector<ArmRun>& runs, std::size_t scale) {
  Names names;
  const auto add = [&](const std::vector<std::string>& options) {
    for (const std::string& option : options) {
      if (const auto name = product_in(option); !name.empty()) {
        names.emplace(name);
      }
    }
  };
  for (const ArmRun& run : runs) {
    add(run.arm->options[scale]);
  }
  // each comes after those that it needs
  for (auto product = experiment.products.rbegin(); product != experiment.products.rend();
       ++product) {
    if (names.contains(product->name)) {
      add(product->options[scale]);
    }
  }
  return names;
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

  /// Nothing where it was interrupted.
  std::optional<MadeProduct> make(const RunsHooks& hooks) const {
    constexpr std::chrono::milliseconds kGlance{250};
    const fs::path output = product_folder(out_) / (product_.name + ".output.txt");
    const fs::path errors = product_folder(out_) / (product_.name + ".errors.txt");
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
    Child child(words, output, errors);
    bool stopping = false;
    std::optional<Child::End> end;
    while (!(end = child.ended())) {
      if (!stopping && hooks.interrupted()) {
        stopping = true;
        child.interrupt();
      }
      wait_for_any({&child}, kGlance);
    }
    if (stopping && end->status != 0) {
      return {};
    }
    require(end->status == 0, "the experiment needs ", product_.name,
            ", which could not be made: ", read_text(errors), "(", text(), ")");
    write_note(true, end->cpu_s);
    return MadeProduct{product_.name, text(), end->cpu_s};
  }

 private:
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

std::vector<MadeProduct> make_products(const Experiment& experiment,
                                       const std::vector<ArmRun>& runs, experiments::Scale scale,
                                       const fs::path& out, const RunsHooks& hooks) {
  const auto at = static_cast<std::size_t>(scale);
  const Names names = needed(experiment, runs, at);
  std::vector<MadeProduct> products;
  Names changed;
  for (const Product& product : experiment.products) {
    if (!names.contains(product.name)) {
      continue;
    }
    const Making making(product, at, out);
    auto made = needs_any(product.options[at], changed) ? std::nullopt : making.kept();
    if (!made) {
      changed.insert(product.name);
      made = making.make(hooks);
    }
    if (!made) {
      break;
    }
    products.push_back(std::move(*made));
  }
  for (const ArmRun& run : runs) {
    if (needs_any(run.arm->options[at], changed)) {
      fs::remove_all(run.out / run.folder);  // it was measured with what is no more
    }
  }
  return products;
}

}  // namespace palaestra::cli
