#include <doctest/doctest.h>

#include <sys/resource.h>
#include <unistd.h>
#include <csignal>

#include <filesystem>
#include <fstream>

#include <palaestra/core/archive.h>
#include <palaestra/core/files.h>

using namespace palaestra;

namespace {

/// A folder of its own for a test, removed afterwards.
struct Scratch {
  std::filesystem::path path =
      std::filesystem::temp_directory_path() / concat("palaestra-archive-", ::getpid());
  Scratch() { std::filesystem::create_directories(path); }
  ~Scratch() { std::filesystem::remove_all(path); }
};

ArchiveWriter example() {
  ArchiveWriter writer;
  writer.put("weights", std::vector<float>{1.5f, -2.0f, 3.0f, 0.0f, 5.0f, 6.0f}, {2, 3});
  writer.put_scalar("step", Index{42});
  writer.put_scalar("rate", 0.1);
  writer.put("flags", std::vector<std::uint8_t>{1, 0, 1});
  writer.put_stream("stream", Stream(7, purpose("test"), 3, 4));
  writer.put_text("agent", "sac");
  return writer;
}

void overwrite(const std::filesystem::path& file, std::string_view bytes) {
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

}  // namespace

TEST_CASE("an archive gives back what was put in") {
  const Scratch scratch;
  const auto file = scratch.path / "a.safetensors";
  example().save(file);
  const ArchiveReader reader(file);
  std::vector<float> weights(6);
  reader.get("weights", weights);
  CHECK(weights == std::vector<float>{1.5f, -2.0f, 3.0f, 0.0f, 5.0f, 6.0f});
  CHECK(reader.block("weights").shape == std::vector<Index>{2, 3});
  CHECK(reader.get_index("step") == 42);
  CHECK(reader.get_double("rate") == 0.1);
  CHECK(reader.get_stream("stream") == Stream(7, purpose("test"), 3, 4));
  CHECK(reader.get_text("agent") == "sac");
  CHECK(reader.names().size() == 5);
  CHECK_THROWS_AS(reader.get_index("missing"), UserError);
  CHECK_THROWS_AS(reader.get_index("rate"), UserError);
}

TEST_CASE("equal contents give equal bytes") {
  const Scratch scratch;
  example().save(scratch.path / "a");
  example().save(scratch.path / "b");
  CHECK(read_text(scratch.path / "a") == read_text(scratch.path / "b"));
}

TEST_CASE("every truncation and every altered byte of an archive is refused") {
  const Scratch scratch;
  const auto file = scratch.path / "a.safetensors";
  example().save(file);
  const std::string whole = read_text(file);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    overwrite(file, whole.substr(0, length));
    CHECK_THROWS_AS(ArchiveReader{file}, UserError);
  }
  int accepted = 0;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string altered = whole;
    altered[i] = static_cast<char>(altered[i] ^ 0x11);
    overwrite(file, altered);
    try {
      const ArchiveReader reader(file);
      // only the name of the checksum itself may be lost without notice
      accepted += whole.substr(i - std::min<std::size_t>(i, 20), 40).find("palaestra.sha256") ==
                  std::string::npos;
    } catch (const UserError&) {
    }
  }
  CHECK(accepted == 0);
}

TEST_CASE("hostile headers are refused without a crash") {
  const Scratch scratch;
  const auto file = scratch.path / "a.safetensors";
  const std::string hostile[] = {
      raw_file("{}", 8),
      raw_file("[]", 0),
      raw_file("{\"a\":1}", 0),
      raw_file(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", 8),
      raw_file(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}})", 12),
      raw_file(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,8]}})", 8),
      raw_file(R"({"a":{"dtype":"F99","shape":[2],"data_offsets":[0,8]}})", 8),
      raw_file(R"({"a":{"dtype":"F32","shape":[4611686018427387905,4],"data_offsets":[0,16]}})",
               16),
      raw_file(R"({"__metadata__":{"x":3}})", 0),
      raw_file(std::string(100'000, '['), 0),
      std::string("\xff\xff\xff\xff\xff\xff\xff\xff", 8),
  };
  for (const std::string& bytes : hostile) {
    overwrite(file, bytes);
    CHECK_THROWS_AS(ArchiveReader{file}, UserError);
  }
  CHECK_THROWS_AS(ArchiveReader{scratch.path}, UserError);
  CHECK_THROWS_AS(ArchiveReader{scratch.path / "none"}, UserError);
}

TEST_CASE("a save that fails leaves the older file whole and no temporary behind") {
  const Scratch scratch;
  const auto file = scratch.path / "a.safetensors";
  example().save(file);
  const std::string before = read_text(file);

  // a file-size limit stands in for a full disk: write() fails the same way
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  rlimit tight = old;
  tight.rlim_cur = 1000;
  setrlimit(RLIMIT_FSIZE, &tight);
  ArchiveWriter big;
  big.put("zeros", std::vector<double>(1000));
  CHECK_THROWS_AS(big.save(file), UserError);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, SIG_DFL);

  CHECK(read_text(file) == before);
  CHECK(std::distance(std::filesystem::directory_iterator(scratch.path), {}) == 1);
  CHECK_THROWS_AS(example().save(scratch.path / "no" / "folder"), UserError);
}
