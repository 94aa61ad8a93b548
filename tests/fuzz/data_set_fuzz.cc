// libFuzzer on the readers of data sets: any bytes give values or a UserError.

#include <cstdint>

#include "tests/fuzz/scratch.h"
#include "tests/replay/data_set_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  palaestra::replay::exercise({reinterpret_cast<const std::byte*>(data), size},
                              palaestra::fuzz::scratch());
  return 0;
}
