#pragma once

#include <mujoco/mujoco.h>

#include <cstdio>

namespace palaestra::envs::dm_control {

// Changes to a model's description before it is compiled, for use in `edit`. They run inside
// guarded(): no destructors, and mju_error is the way to refuse.

/// The element of that type and name.
inline mjsElement* element(mjSpec& spec, mjtObj type, const char* name) {
  mjsElement* const found = mjs_findElement(&spec, type, name);
  if (found == nullptr) {
    mju_error("the model has no %s named %s", mju_type2Str(type), name);
  }
  return found;
}

/// "<stem>_<number>".
struct Name {
  char text[32];
  Name(const char* stem, int number) { std::snprintf(text, sizeof(text), "%s_%d", stem, number); }
};

/// Takes it out, with all that is inside.
inline void remove(mjSpec& spec, mjtObj type, const char* name) {
  mjs_delete(&spec, element(spec, type, name));
}

}  // namespace palaestra::envs::dm_control
