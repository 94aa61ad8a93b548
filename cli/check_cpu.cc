// Compiled for plain x86-64 and run before every other initialiser, those of the shared libraries
// included (MuJoCo's use AVX), so that an old CPU gets a message and not an illegal instruction.

#include <unistd.h>

#include <palaestra/core/cpu.h>

namespace {

// no library call: their inlined code may be that of another translation unit
void say(const char* text) {
  unsigned long length = 0;
  while (text[length] != '\0') {
    ++length;
  }
  if (write(STDERR_FILENO, text, length) < 0) {
    _exit(2);
  }
}

void check_cpu() {
  const char* missing = palaestra::missing_cpu_feature();
  if (missing == nullptr) {
    return;
  }
  say("palaestra: this CPU lacks ");
  say(missing);
  say("; the program needs x86-64-v3 (AVX2, FMA, BMI2: Intel Haswell, AMD Zen or later)\n");
  _exit(2);
}

// constructors, whatever their priority, run after those of the libraries; this array runs first
__attribute__((section(".preinit_array"), used)) void (*const check_first)() = check_cpu;

}  // namespace
