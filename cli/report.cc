// palaestra report: one page that compares runs.

#include <unistd.h>

#include <filesystem>
#include <ostream>

#include <CLI/CLI.hpp>

#include <palaestra/cli/global.h>
#include <palaestra/cli/python.h>
#include <palaestra/cli/reproduce.h>
#include <palaestra/core/error.h>
#include <palaestra/core/files.h>
#include <palaestra/core/json.h>
#include <palaestra/core/text.h>
#include <palaestra/rollout/run_directory.h>

namespace palaestra::cli {

namespace fs = std::filesystem;

std::string write_report(const std::vector<fs::path>& folders, const fs::path& out) {
  const std::string program = concat("/proc/", getpid(), "/exe");  // draws the environments
  std::vector<std::string> arguments = {"--program", program};
  for (const fs::path& folder : folders) {
    arguments.push_back(folder.string());
  }
  const ScriptResult page = run_script("_report/__main__.py", arguments);
  if (!page.problem.empty()) {
    return page.problem;
  }
  try {
    write_atomically(out, page.output);
  } catch (const UserError& error) {
    return error.what();
  }
  return {};
}

namespace {

/// Throws UserError where the page would replace what is none, or would have no folder.
void require_place_for_page(const fs::path& out) {
  std::error_code error;
  const fs::path folder = fs::absolute(out).parent_path();
  require(fs::is_directory(folder, error), "--out is ", shown(out.string()),
          "; there is no folder ", folder.string());
  require(!fs::is_directory(out, error), "--out is ", shown(out.string()),
          ", a folder; accepted: a file, such as report.html");
  if (fs::is_regular_file(out, error) && fs::file_size(out, error) > 0) {
    require(read_text(out).starts_with("<!doctype html>"), "--out is ", shown(out.string()),
            ", which is there and no page; nothing was written");
  }
}

}  // namespace

void add_report(CLI::App& app, const Global& global, Run& run) {
  struct Arguments {
    std::vector<std::string> folders;
    std::string out;
  };
  auto arguments = std::make_shared<Arguments>();
  CLI::App* command = app.add_subcommand("report", "One self-contained page that compares runs");
  command->fallthrough();
  command
      ->add_option("DIR", arguments->folders,
                   "Folders of `palaestra reproduce` and of `palaestra train`")
      ->required();
  command->add_option("--out", arguments->out, "The page")->required()->type_name("report.html");
  command->footer(examples({"report runs/reproduce/determinism --out report.html",
                            "report runs/pendulum runs/pendulum_1 --out pendulum.html"}));
  command->callback([&global, &run, arguments] {
    run = [&global, arguments] {
      std::vector<fs::path> folders;
      for (const std::string& folder : arguments->folders) {
        std::error_code error;
        require(fs::exists(fs::path(folder) / "results.json", error) ||
                    rollout::RunDirectory::exists(folder),
                shown(folder),
                " is neither the folder of `palaestra reproduce` (results.json) nor "
                "that of `palaestra train` (config.toml)");
        folders.emplace_back(folder);
      }
      require_place_for_page(arguments->out);
      const std::string problem = write_report(folders, arguments->out);
      require(problem.empty(), "no report: ", problem);
      global.write_json({{"out", arguments->out}, {"folders", arguments->folders}});
      global.note(concat("report: ", arguments->out));
      return static_cast<int>(kDone);
    };
  });
}

}  // namespace palaestra::cli
