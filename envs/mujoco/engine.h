#pragma once

#include <stdexcept>
#include <string>
#include <type_traits>

#include <palaestra/core/types.h>

namespace palaestra::envs::mujoco {

/// MuJoCo gave up on a call: out of arena memory, or an inconsistent model. In the step of a row it
/// becomes a Status, as numerical trouble does; everywhere else it is a defect of the model or of
/// the program.
class EngineError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws UserError unless the library that was loaded is of the version this was compiled for:
/// mjModel and mjData have another layout in any other.
void require_engine_version();

/// The version of the loaded library, "3.17.0".
std::string engine_version();

/// The same check on numbers (3017000 is 3.17.0), for tests.
void require_equal_versions(int compiled, int loaded);

/// Warnings that MuJoCo raised on this thread inside guarded(), since the thread began.
Index swallowed_warnings();

namespace detail {
void call_guarded(void (*body)(void*), void* argument);
}  // namespace detail

/// Runs body() with MuJoCo's messages kept from the terminal and from MUJOCO_LOG.TXT: warnings are
/// counted, an error comes back as EngineError. Every call into the engine goes through here.
///
/// MuJoCo's error function must not return, its callers are C, and unwinding C++ exceptions through
/// C frames is undefined; the way out is longjmp, as in MuJoCo's own Python bindings. Hence the
/// rule for `body`: nothing in it may have a destructor. What the engine held at that moment stays
/// behind, so an mjData met by an error must be reset before it is used again.
///
/// Outside of guarded(), messages go to whatever handler was installed before, so that another user
/// of the library in the same process (the `mujoco` package of Python) notices nothing.
template <class Body>
void guarded(Body body) {
  static_assert(std::is_trivially_destructible_v<Body>);
  detail::call_guarded([](void* b) { (*static_cast<Body*>(b))(); }, &body);
}

}  // namespace palaestra::envs::mujoco
