#include <palaestra/core/archive.h>

#include <doctest/doctest.h>

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <palaestra/core/files.h>
#include "scratch.h"

using namespace palaestra;

namespace {

ArchiveWriter example() {
  ArchiveWriter writer;
  writer.put("weights", std::vector<float>{1.5f, -2.0f, 3.0f, 0.0f, 5.0f, 6.0f}, {2, 3});
  writer.put_scalar("step", Index{42});
  writer.put_scalar("rate", 0.1);
  writer.put("flags", std::vector<std::uint8_t>{1, 0, 1});
  writer.put("counts", std::vector<std::int32_t>{-7});
  writer.put("none", std::vector<float>{});
  writer.put_stream("stream", Stream(7, purpose("test"), 3, 4));
  const bool mask[] = {true, false};
  writer.put("mask", std::span<const bool>(mask));
  writer.put_text("agent", "sac \"q\" \xC3\xA9\n");
  return writer;
}

void overwrite(const std::filesystem::path& file, std::string_view bytes) {
  std::filesystem::remove(file);  // cutting a file to nothing makes ext4 wait for the disk
  std::ofstream(file, std::ios::binary) << bytes;
}

/// A safetensors file with this header and this many zero bytes of data.
std::string raw_file(const std::string& header, std::size_t data_bytes) {
  std::string file(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) {
    file[i] = static_cast<char>(header.size() >> (8 * i));
  }
  return file + header + std::string(data_bytes, '\0');
}

std::string refusal(const std::filesystem::path& file,
                    ArchiveReader::Origin origin = ArchiveReader::Origin::kPalaestra) {
  try {
    const ArchiveReader reader(file, origin);
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("an archive gives back what was put in") {
  // tests/python/test_archive.py opens the same file with Python's safetensors
  const Scratch scratch;
  const char* wanted = std::getenv("PALAESTRA_TEST_ARCHIVE");
  const auto file = wanted != nullptr ? std::filesystem::path(wanted) : scratch / "a.safetensors";
  example().save(file);
  const ArchiveReader reader(file);
  std::vector<float> weights(6);
  reader.get("weights", weights);
  CHECK(weights == std::vector<float>{1.5f, -2.0f, 3.0f, 0.0f, 5.0f, 6.0f});
  CHECK(reader.block("weights").shape == std::vector<Index>{2, 3});
  CHECK(reader.get_vector<float>("weights") == weights);
  CHECK(reader.get_vector<float>("none").empty());
  CHECK(reader.get_vector<std::int32_t>("counts") == std::vector<std::int32_t>{-7});
  CHECK(reader.get_index("step") == 42);
  CHECK(reader.get_double("rate") == 0.1);
  CHECK(reader.get_stream("stream") == Stream(7, purpose("test"), 3, 4));
  bool mask[2] = {false, true};
  reader.get("mask", std::span<bool>(mask));
  CHECK(mask[0]);
  CHECK_FALSE(mask[1]);
  CHECK(reader.get_text("agent") == "sac \"q\" \xC3\xA9\n");
  CHECK(reader.contains("step"));
  CHECK_FALSE(reader.contains("agent"));
  CHECK(reader.contains_text("agent"));
  CHECK(reader.names() == std::vector<std::string>{"step", "rate", "stream", "weights", "counts",
                                                   "none", "flags", "mask"});
  CHECK_THROWS_AS(reader.get_index("missing"), UserError);
  CHECK_THROWS_AS(reader.get_index("rate"), UserError);
  CHECK_THROWS_AS(reader.get_vector<double>("weights"), UserError);
  CHECK_THROWS_AS(reader.get_text("step"), UserError);
  std::vector<float> few(5);
  CHECK_THROWS_WITH_AS(
      reader.get("weights", few),
      (file.string() + ": block \"weights\" holds 6 x float32, expected 5 x float32").c_str(),
      UserError);
}

TEST_CASE("every block is aligned to its elements, the data to 64 bytes") {
  const Scratch scratch;
  example().save(scratch / "a");
  const std::string bytes = read_text(scratch / "a");
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), sizeof length);
  CHECK((length + 8) % 64 == 0);
  const ArchiveReader reader(scratch / "a");
  for (const std::string& name : reader.names()) {
    const auto& block = reader.block(name);
    CHECK(reinterpret_cast<std::uintptr_t>(block.bytes.data()) % size_of(block.dtype) == 0);
  }
}

TEST_CASE("equal contents give equal bytes, and a view is not copied before the save") {
  const Scratch scratch;
  example().save(scratch / "a");
  example().save(scratch / "b");
  CHECK(read_text(scratch / "a") == read_text(scratch / "b"));

  std::vector<double> values = {1, 2, 3, 4};
  ArchiveWriter copied, viewed;
  copied.put("x", values, {2, 2});
  viewed.put_view("x", std::span<const double>(values), {2, 2});
  copied.save(scratch / "copied");
  viewed.save(scratch / "viewed");
  CHECK(read_text(scratch / "copied") == read_text(scratch / "viewed"));
  values[0] = 9;
  copied.save(scratch / "copied");
  viewed.save(scratch / "viewed");
  CHECK(ArchiveReader(scratch / "copied").get_vector<double>("x")[0] == 1);
  CHECK(ArchiveReader(scratch / "viewed").get_vector<double>("x")[0] == 9);
}

TEST_CASE("blocks that contradict themselves are defects of the caller") {
  ArchiveWriter writer = example();
  const std::vector<double> six(6);
  CHECK_THROWS_AS(writer.put("step", six), std::logic_error);
  CHECK_THROWS_AS(writer.put("__metadata__", six), std::logic_error);
  CHECK_THROWS_AS(writer.put("a", six, {7}), std::logic_error);
  CHECK_THROWS_AS(writer.put("a", six, {-2, -3}), std::logic_error);
  CHECK_THROWS_AS(writer.put("a", six, {Index{1} << 62, 8}), std::logic_error);
  CHECK_THROWS_AS(
      writer.put_bytes("a", DType::kFloat64, std::as_bytes(std::span(six)).first(9), {}),
      std::logic_error);
  CHECK_THROWS_AS(writer.put("\xFF", six), std::logic_error);
  CHECK_THROWS_AS(writer.put_text("palaestra.sha256", "x"), std::logic_error);
  CHECK_THROWS_AS(writer.put_text("agent", "x"), std::logic_error);
  CHECK_THROWS_AS(writer.put_text("note", "\xC3("), UserError);
}

TEST_CASE("every truncation, every altered byte and every added byte of an archive is refused") {
  const Scratch scratch;
  const auto file = scratch / "a.safetensors";
  example().save(file);
  const std::string whole = read_text(file);
  REQUIRE(refusal(file) == "accepted");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    overwrite(file, whole.substr(0, length));
    CHECK(refusal(file) != "accepted");
  }
  overwrite(file, whole + '\0');
  CHECK(refusal(file) != "accepted");
  for (std::size_t i = 0; i < whole.size(); ++i) {
    for (const int flip : {0x01, 0x11, 0x20, 0x80}) {
      std::string altered = whole;
      altered[i] = static_cast<char>(altered[i] ^ flip);
      overwrite(file, altered);
      CAPTURE(i);
      CHECK(refusal(file) != "accepted");
    }
  }
}

TEST_CASE("random damage never gets past the reader, not even without a checksum") {
  const Scratch scratch;
  const auto file = scratch / "a.safetensors";
  example().save(file);
  const std::string whole = read_text(file);
  Stream random(3, purpose("tests/damage"));
  const std::string_view alphabet = "0123456789{}[]:,\"\\-.eEnulltruFI\xFF\xC3 ";
  for (int round = 0; round < 3000; ++round) {
    std::string altered = whole;
    for (Index cuts = 1 + random.below(6); cuts > 0; --cuts) {
      const auto at = static_cast<std::size_t>(random.below(static_cast<Index>(altered.size())));
      const char c =
          alphabet[static_cast<std::size_t>(random.below(static_cast<Index>(alphabet.size())))];
      const Index kind = random.below(4);
      kind == 0   ? void(altered.insert(at, 1, c))
      : kind == 1 ? void(altered.erase(at, 1))
                  : void(altered[at] = c);
    }
    overwrite(file, altered);
    CHECK((refusal(file) != "accepted" || altered == whole));
    // the blocks of what passes as a foreign file must be safe to read
    try {
      const ArchiveReader reader(file, ArchiveReader::Origin::kForeign);
      std::size_t sum = 0;
      for (const std::string& name : reader.names()) {
        for (const std::byte b : reader.block(name).bytes) {
          sum += std::to_integer<std::size_t>(b);
        }
      }
      CHECK(sum < altered.size() * 256);
    } catch (const UserError&) {
    }
  }
}

TEST_CASE("hostile headers are refused without a crash") {
  const Scratch scratch;
  const auto file = scratch / "a.safetensors";
  const auto block = [](const std::string& shape, const std::string& offsets) {
    return R"("dtype":"F32","shape":)" + shape + R"(,"data_offsets":)" + offsets;
  };
  const std::string hostile[] = {
      raw_file("{}", 8),
      raw_file("[]", 0),
      raw_file("", 0),
      raw_file("null", 0),
      raw_file("{\"a\":1}", 0),
      raw_file("{\"a\":{" + block("[2]", "[0,4]") + "}}", 8),
      raw_file("{\"a\":{" + block("[2]", "[4,12]") + "}}", 12),
      raw_file("{\"a\":{" + block("[2]", "[8,0]") + "}}", 8),
      raw_file("{\"a\":{" + block("[2]", "[0,16]") + "}}", 8),
      raw_file("{\"a\":{" + block("[-1]", "[0,8]") + "}}", 8),
      raw_file("{\"a\":{" + block("[2.0]", "[0,8]") + "}}", 8),
      raw_file("{\"a\":{" + block("[\"2\"]", "[0,8]") + "}}", 8),
      raw_file("{\"a\":{" + block("[2]", "[0,8,8]") + "}}", 8),
      raw_file("{\"a\":{" + block("[2]", "[-8,0]") + "}}", 8),
      raw_file("{\"a\":{" + block("[2]", "[0,1e99]") + "}}", 8),
      raw_file("{\"a\":{" + block("[2]", "[0,99999999999999999999]") + "}}", 8),
      raw_file("{\"a\":{" + block("[4611686018427387905,4]", "[0,16]") + "}}", 16),
      raw_file("{\"a\":{" + block("[0,18446744073709551615]", "[0,0]") + "}}", 0),
      raw_file("{\"a\":{" + block("[2]", "[18446744073709551608,18446744073709551615]") + "}}", 8),
      // two blocks over one another, a gap between two, one name twice, a field twice
      raw_file("{\"a\":{" + block("[2]", "[0,8]") + "},\"b\":{" + block("[2]", "[0,8]") + "}}", 8),
      raw_file("{\"a\":{" + block("[2]", "[0,8]") + "},\"b\":{" + block("[2]", "[4,12]") + "}}",
               12),
      raw_file("{\"a\":{" + block("[2]", "[0,8]") + "},\"b\":{" + block("[2]", "[12,20]") + "}}",
               20),
      raw_file("{\"a\":{" + block("[2]", "[0,8]") + "},\"a\":{" + block("[2]", "[8,16]") + "}}",
               16),
      raw_file("{\"a\":{" + block("[2]", "[0,8]") + ",\"shape\":[2]}}", 8),
      raw_file("{\"a\":{" + block("[2]", "[0,8]") + ",\"more\":[2]}}", 8),
      raw_file(R"({"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}})", 8),
      raw_file(R"({"a":{"dtype":3,"shape":[2],"data_offsets":[0,8]}})", 8),
      raw_file("{\"\xFF\":{" + block("[2]", "[0,8]") + "}}", 8),
      raw_file(R"({"__metadata__":{"x":3}})", 0),
      raw_file(R"({"__metadata__":[]})", 0),
      raw_file(R"({"__metadata__":{"x":"1","x":"2"}})", 0),
      raw_file(R"({"__metadata__":{"palaestra.sha256":"00"}})", 0),
      raw_file(R"({"__metadata__":{"palaestra.sha256":""}})", 0),
      raw_file("{} x", 0),
      raw_file(std::string(100'000, '['), 0),
      raw_file("{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}", 0),
      std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8),
      std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10),
      std::string("\x40\0\0\0\0\0\0\0{}", 10),
      std::string(7, '\0'),
      std::string(),
  };
  for (const std::string& bytes : hostile) {
    overwrite(file, bytes);
    CAPTURE(bytes.substr(0, 120));
    const std::string message = refusal(file, ArchiveReader::Origin::kForeign);
    CHECK(message.starts_with(file.string() + " is not a whole archive"));
    CHECK(message.size() < 500);
  }
  CHECK(refusal(scratch.path).find("Is a directory") != std::string::npos);
  CHECK(refusal(scratch / "none").find("No such file") != std::string::npos);
  REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
  CHECK(refusal(scratch / "pipe").find("cannot read") != std::string::npos);
}

TEST_CASE("a file of another writer is read when asked for, in any order of its header") {
  const Scratch scratch;
  const auto file = scratch / "a.safetensors";
  overwrite(file, raw_file(R"({"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]},)"
                           R"("__metadata__":{"format":"pt"},)"
                           R"("a":{"shape":[1,1],"dtype":"F64","data_offsets":[0,8]}}   )",
                           12));
  CHECK(refusal(file).find("it has no checksum") != std::string::npos);
  const ArchiveReader reader(file, ArchiveReader::Origin::kForeign);
  CHECK(reader.names() == std::vector<std::string>{"a", "b"});
  CHECK(reader.get_vector<float>("b").size() == 1);
  CHECK(reader.get_text("format") == "pt");

  overwrite(file, raw_file(R"({"b":{"dtype":"BOOL","shape":[1],"data_offsets":[0,1]}})", 0) + '\2');
  bool value = false;
  CHECK_THROWS_AS(
      ArchiveReader(file, ArchiveReader::Origin::kForeign).get("b", std::span<bool>(&value, 1)),
      UserError);
}

TEST_CASE("a save that fails leaves the older file whole and no temporary behind") {
  const Scratch scratch;
  const auto file = scratch / "a.safetensors";
  example().save(file);
  const std::string before = read_text(file);
  ArchiveWriter big;
  big.put("zeros", std::vector<double>(1000));

  // a file-size limit stands in for a full disk: write() fails the same way
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit tight = old;
  tight.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &tight);
  CHECK_THROWS_WITH_AS(big.save(file),
                       ("cannot write " + file.string() + ": File too large").c_str(), UserError);
  AppendFile log(scratch / "log", 0);
  log.append(std::string(600, 'a'));
  CHECK_THROWS_AS(log.append(std::string(600, 'b')), UserError);
  log.append(std::string(300, 'c'));
  setrlimit(RLIMIT_FSIZE, &old);
  ::signal(SIGXFSZ, SIG_DFL);

  CHECK(read_text(file) == before);
  CHECK(read_text(scratch / "log") == std::string(600, 'a') + std::string(300, 'c'));
  CHECK(scratch.entries() == 2);
  CHECK_THROWS_WITH_AS(big.save("/dev/full"), "cannot write /dev/full: No space left on device",
                       UserError);
  CHECK_THROWS_AS(example().save(scratch / "no" / "folder"), UserError);
}

TEST_CASE("an archive is whole whenever its writer is killed") {
  const Scratch scratch;
  const auto file = scratch / "a.safetensors";
  const auto write = [&](Index round) {
    ArchiveWriter writer;
    writer.put_scalar("round", round);
    writer.put("block", std::vector<Index>(50'000, round));
    writer.save(file);
  };
  write(0);
  for (int i = 0; i < 12; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (Index round = 1;; ++round) {
        write(round);
      }
    }
    ::usleep(static_cast<useconds_t>(2000 + 1700 * i));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const ArchiveReader reader(file);
    CHECK(reader.get_vector<Index>("block") ==
          std::vector<Index>(50'000, reader.get_index("round")));
  }
  remove_temporaries(scratch.path);
  CHECK(scratch.entries() == 1);
}
