#include <palaestra/envs/mujoco/engine.h>

#include <mujoco/mujoco.h>

#include <csetjmp>
#include <cstring>
#include <mutex>

#include <palaestra/core/error.h>

namespace palaestra::envs::mujoco {
namespace {

/// Where an error on this thread goes to. Nests: an inner guard hands back to the outer one.
struct Guard {
  std::jmp_buf way_out;
  char message[1024];
  Guard* outer;
};

thread_local Guard* active = nullptr;
thread_local Index warnings = 0;
mjfLogHandler previous_handler = nullptr;

void on_message(const mjLogMessage* message) {
  Guard* guard = active;
  if (guard == nullptr) {
    if (previous_handler != nullptr) {
      previous_handler(message);
    }
    return;
  }
  if (message->level < mjLOG_ERROR) {
    warnings += message->level == mjLOG_WARNING;
    return;
  }
  const std::size_t length = ::strnlen(message->subject, sizeof(guard->message) - 1);
  std::memcpy(guard->message, message->subject, length);
  guard->message[length] = '\0';
  std::longjmp(guard->way_out, 1);
}

std::string version_text(int number) {
  if (number < 100000) {  // before 3.0 a version was three digits
    return concat(number / 100, ".", number / 10 % 10, ".", number % 10);
  }
  return concat(number / 1000000, ".", number / 1000 % 1000, ".", number % 1000);
}

}  // namespace

void require_equal_versions(int compiled, int loaded) {
  require(compiled == loaded, "MuJoCo: this build is for version ", version_text(compiled),
          ", but the library that was loaded is ", version_text(loaded),
          "; install mujoco==", version_text(compiled), " (pip install -c constraints.txt mujoco)");
}

void require_engine_version() { require_equal_versions(mjVERSION_HEADER, mj_version()); }

std::string engine_version() { return mj_versionString(); }

Index swallowed_warnings() { return warnings; }

namespace detail {

void call_guarded(void (*body)(void*), void* argument) {
  // mju_setLogHandler writes a plain global: once, before the first message can arise
  static std::once_flag installed;
  std::call_once(installed, [] { previous_handler = mju_setLogHandler(&on_message); });

  Guard guard;
  guard.outer = active;
  active = &guard;
  if (setjmp(guard.way_out) == 0) {
    body(argument);
    active = guard.outer;
    return;
  }
  active = guard.outer;
  throw EngineError(guard.message);
}

}  // namespace detail
}  // namespace palaestra::envs::mujoco
