// libFuzzer on the readers of data sets: any bytes give values or a UserError.

#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <string>

#include "tests/replay/data_set_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::filesystem::path folder = [] {
    // in memory where there is such a place: a file is written for each input
    const std::filesystem::path shared = "/dev/shm";
    const auto base =
        std::filesystem::exists(shared) ? shared : std::filesystem::temp_directory_path();
    const auto made = base / ("palaestra_fuzz_" + std::to_string(::getpid()));
    std::filesystem::create_directories(made);
    return made;
  }();
  palaestra::replay::exercise({reinterpret_cast<const std::byte*>(data), size}, folder);
  return 0;
}
