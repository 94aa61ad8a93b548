// libFuzzer on the snapshots of buffers: any bytes, also behind a checksum that agrees, give a
// working buffer or a UserError.

#include <cstdint>

#include "tests/fuzz/scratch.h"
#include "tests/replay/snapshot_exercise.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  palaestra::replay::testing::exercise_snapshot({reinterpret_cast<const std::byte*>(data), size},
                                                palaestra::fuzz::scratch());
  return 0;
}
