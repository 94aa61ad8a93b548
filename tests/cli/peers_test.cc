#include <palaestra/cli/peers.h>

#include <doctest/doctest.h>

#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include <palaestra/cli/bench_table.h>
#include <palaestra/cli/process.h>
#include <palaestra/core/error.h>

#include "tests/core/scratch.h"

using namespace palaestra;
using namespace palaestra::cli;
using benchmarks::Row;

namespace {

Row ours(const char* name, double value, Index n = 1) {
  return {.name = name, .value = value, .unit = "steps/s", .n = n};
}
Row theirs(const char* name, const char* peer, double value, Index n = 1) {
  return {.name = name,
          .unit = "steps/s",
          .n = n,
          .peer = peer,
          .peer_version = "1.0",
          .peer_value = value};
}

}  // namespace

TEST_CASE("a ratio above one is better for rates and for times alike") {
  Row rate{.name = "a", .value = 30, .unit = "steps/s", .peer_value = 10, .limit = 60};
  CHECK(rate.ratio() == 3);
  CHECK(rate.share_of_limit() == 0.5);
  Row time{.name = "a", .value = 10, .unit = "us", .higher_is_better = false, .peer_value = 30};
  time.limit = 5;
  CHECK(time.ratio() == 3);
  CHECK(time.share_of_limit() == 0.5);
  time.peer_value = 0;
  CHECK(time.ratio() == 0);  // not measured
}

TEST_CASE("peers' figures stand beside our row of the same name, n and threads") {
  std::vector<Row> rows{ours("a", 10, 16), ours("a", 20, 64), ours("b", 5)};
  merge_peers(rows, {theirs("a", "envpool", 2, 64), theirs("a", "gymnasium", 4, 64),
                     theirs("c", "envpool", 1), theirs("a", "envpool", 1, 1024)});
  REQUIRE(rows.size() == 4);
  CHECK(rows[0].peer.empty());
  CHECK(rows[1].peer == "envpool");
  CHECK(rows[1].ratio() == 10);
  CHECK(rows[2].peer.empty());
  // the second peer of a row has our figure again
  CHECK(rows[3].peer == "gymnasium");
  CHECK(rows[3].value == 20);
  CHECK(rows[3].ratio() == 5);
}

TEST_CASE("a row that has a peer from the same process keeps it") {
  std::vector<Row> rows{ours("mujoco/step", 10)};
  rows[0].peer = "mjb_step", rows[0].peer_value = 8;
  merge_peers(rows, {theirs("mujoco/step", "envpool", 5)});
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].peer == "mjb_step");
  CHECK(rows[1].peer == "envpool");
  CHECK(rows[1].ratio() == 2);
}

TEST_CASE("rows that a script measured whole are added behind ours") {
  std::vector<Row> rows{ours("a", 10)};
  Row whole = theirs("python/a", "envpool", 3);
  whole.value = 6;
  merge_peers(rows, {whole});
  REQUIRE(rows.size() == 2);
  CHECK(rows[1].name == "python/a");
  CHECK(rows[1].ratio() == 2);
}

TEST_CASE("two passes around the peers are averaged row by row") {
  std::vector<Row> rows{ours("a", 10), ours("b", 1)};
  rows[0].limit = 20;
  Row again = ours("a", 14);
  again.limit = 30;
  average_with(rows, {again});
  CHECK(rows[0].value == 12);
  CHECK(rows[0].limit == 25);
  CHECK(rows[1].value == 1);
}

TEST_CASE("a script is about the family that its name begins with") {
  CHECK(Peers::family_of("/x/envs.py") == "envs");
  CHECK(Peers::family_of("/x/python_step.py") == "python");
}

TEST_CASE("missing peers are said to be missing, with the way to get them") {
  setenv("PALAESTRA_PEERS_PYTHON", "/nowhere/python", 1);
  try {
    const Peers peers;
    FAIL("nothing was thrown");
  } catch (const UserError& error) {
    const std::string text = error.what();
    CHECK(text.find("/nowhere/python") != std::string::npos);
    CHECK(text.find("make peers") != std::string::npos);
  }
  unsetenv("PALAESTRA_PEERS_PYTHON");
}

TEST_CASE("a script's rows are read, and its failure is told in one line") {
  setenv("PALAESTRA_PEERS_PYTHON", "/bin/sh", 1);
  const Peers peers;
  unsetenv("PALAESTRA_PEERS_PYTHON");
  const Scratch scratch;
  const auto run = [&](const char* text) {
    std::ofstream(scratch / "script") << text;
    return peers.run(scratch / "script");
  };
  const PeerRows good = run(
      R"(echo '{"rows": [{"name": "a", "unit": "us", "n": 4, "peer": "p", "peer_value": 2.5}]}')");
  CHECK(good.problem.empty());
  REQUIRE(good.rows.size() == 1);
  CHECK(good.rows[0].name == "a");
  CHECK_FALSE(good.rows[0].higher_is_better);
  CHECK(good.rows[0].threads == 1);
  CHECK(good.rows[0].n == 4);
  CHECK(good.rows[0].peer_value == 2.5);

  const PeerRows bad = run("echo Traceback >&2; echo 'ModuleNotFoundError: envpool' >&2; exit 3");
  CHECK(bad.rows.empty());
  CHECK(bad.problem.find("exit code 3") != std::string::npos);
  CHECK(bad.problem.find("ModuleNotFoundError: envpool") != std::string::npos);
  CHECK(bad.problem.find("Traceback") == std::string::npos);
  CHECK_FALSE(run("exit 1").problem.empty());
  CHECK_FALSE(run("echo no JSON").problem.empty());
  CHECK_FALSE(run("echo '{}'").problem.empty());
}

TEST_CASE("a program's output, errors and exit code come back, whatever their size") {
  const auto sh = [](const std::string& script) { return run_process({"sh", "-c", script}); };
  CHECK(sh("echo out; echo err >&2; exit 7").status == 7);
  CHECK(sh("echo out; echo err >&2").output == "out\n");
  CHECK(sh("echo out; echo err >&2").errors == "err\n");
  CHECK(sh("kill -9 $$").status == 128 + 9);
  // more than a pipe holds on both at once must not block
  const auto much = sh("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2; echo end >&2");
  CHECK(much.output.size() == 300'000);
  CHECK(much.errors.ends_with("end\n"));
  CHECK(sh("cat").output.empty());  // nothing on standard input
  CHECK(run_process({"sh", "-c", "echo $PALAESTRA_TEST"}, {{"PALAESTRA_TEST", "a b"}}).output ==
        "a b\n");
  CHECK(run_process({"/no/such/program"}).status == -1);
  CHECK_FALSE(run_process({"/no/such/program"}).errors.empty());
}

TEST_CASE("the table names rows, peers, ratios and limits in columns") {
  Row row = ours("envs/CartPole-v1/step", 85.1e6, 1024);
  row.peer = "envpool", row.peer_version = "1.2.5", row.peer_value = 1.05e6;
  row.limit = 90e6, row.limit_name = "plain loop";
  std::ostringstream out;
  print_table(out, {row, ours("envs/Acrobot-v1/step", 7e6, 16)});
  const std::string text = out.str();
  for (const char* part :
       {"name", "ratio", "share of the limit", "envs/CartPole-v1/step", "85.1 M steps/s",
        "1.05 M envpool 1.2.5", "81.0x", "95 % of 90.0 M plain loop"}) {
    CAPTURE(part);
    CHECK(text.find(part) != std::string::npos);
  }
  std::ostringstream none;
  print_table(none, {});
  CHECK(none.str().empty());
}
