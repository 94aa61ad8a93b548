#include <palaestra/cli/peers.h>

#include <algorithm>
#include <cstdlib>

#include <palaestra/cli/process.h>
#include <palaestra/cli/python.h>
#include <palaestra/core/error.h>
#include <palaestra/core/json.h>

namespace palaestra::cli {

namespace fs = std::filesystem;
using benchmarks::Row;

namespace {

double number(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_number() ? found->get<double>() : 0.0;
}

std::string text(const Json& row, const char* key) {
  const auto found = row.find(key);
  return found != row.end() && found->is_string() ? found->get<std::string>() : "";
}

Row from_json(const Json& json) {
  Row row;
  row.name = text(json, "name");
  row.value = number(json, "value");
  row.unit = text(json, "unit");
  row.higher_is_better = json.value("higher_is_better", row.unit.find("/s") != std::string::npos);
  row.threads = json.value("threads", 1);
  row.n = json.value("n", Index{1});
  row.peer = text(json, "peer");
  row.peer_version = text(json, "peer_version");
  row.peer_value = number(json, "peer_value");
  row.limit = number(json, "limit");
  row.limit_name = text(json, "limit_name");
  return row;
}

/// Learning curves take hours and are no benchmark of `palaestra bench`.
bool is_benchmark(const fs::path& file) {
  const std::string name = file.stem().string();
  return file.extension() == ".py" && !name.starts_with("_") && !name.ends_with("_learning");
}

}  // namespace

Peers::Peers() {
  const fs::path source = PALAESTRA_SOURCE_FOLDER;
  const char* chosen = std::getenv("PALAESTRA_PEERS_PYTHON");
  python_ = chosen != nullptr ? fs::path(chosen) : source / ".venv-peers/bin/python";
  folder_ = source / "benchmarks/peers";
  std::error_code error;
  require(fs::exists(python_, error), "--peers: there is no ", python_.string(),
          "; `make peers` in the source folder installs PyTorch, Stable-Baselines3, EnvPool and "
          "cpprb there (PALAESTRA_PEERS_PYTHON names another interpreter)");
  require(fs::is_directory(folder_, error), "--peers: the scripts in ", folder_.string(),
          " are gone; this works from a build in the source tree");
  package_ = fs::read_symlink("/proc/self/exe", error).parent_path().parent_path() / "python";
}

std::vector<fs::path> Peers::scripts() const {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (is_benchmark(entry.path())) {
      found.push_back(entry.path());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string Peers::family_of(const fs::path& script) {
  const std::string name = script.stem().string(), peer = "_envpool";
  return name.ends_with(peer) ? name.substr(0, name.size() - peer.size())
                              : name.substr(0, name.find('_'));
}

PeerRows Peers::run(const fs::path& script) const {
  auto variables = bytecode_in_cache();
  variables.emplace_back("PYTHONPATH", package_.string());
  variables.emplace_back("OMP_NUM_THREADS", "1");
  const auto result = run_process({python_.string(), script.string()}, variables);
  PeerRows rows;
  const Json document = try_parse_json(result.output);
  if (result.status != 0 || !document.is_object() || !document.contains("rows")) {
    const auto newline = result.errors.find_last_of('\n', result.errors.size() - 2);
    rows.problem =
        concat("exit code ", result.status, ": ",
               newline == std::string::npos ? result.errors : result.errors.substr(newline + 1));
    return rows;
  }
  for (const Json& row : document["rows"]) {
    rows.rows.push_back(from_json(row));
  }
  return rows;
}

void merge_peers(std::vector<Row>& ours, const std::vector<Row>& peers) {
  std::vector<Row> added;
  for (const Row& peer : peers) {
    const auto same = [&](const Row& row) { return row.same(peer); };
    const auto beside = std::find_if(ours.begin(), ours.end(),
                                     [&](const Row& row) { return same(row) && row.peer.empty(); });
    if (peer.value > 0) {
      added.push_back(peer);
    } else if (beside != ours.end()) {
      beside->peer = peer.peer;
      beside->peer_version = peer.peer_version;
      beside->peer_value = peer.peer_value;
    } else if (const auto any = std::find_if(ours.begin(), ours.end(), same); any != ours.end()) {
      Row row = *any;  // a second peer of the same row
      row.peer = peer.peer;
      row.peer_version = peer.peer_version;
      row.peer_value = peer.peer_value;
      added.push_back(std::move(row));
    }
  }
  ours.insert(ours.end(), added.begin(), added.end());
}

void average_with(std::vector<Row>& rows, const std::vector<Row>& again) {
  for (Row& row : rows) {
    const auto found = std::find_if(again.begin(), again.end(), [&](const Row& other) {
      return row.same(other) && row.peer == other.peer;
    });
    if (found != again.end()) {
      row.value = (row.value + found->value) / 2;
      row.limit = (row.limit + found->limit) / 2;
      row.peer_value = (row.peer_value + found->peer_value) / 2;
    }
  }
}

}  // namespace palaestra::cli
