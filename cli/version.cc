#include <palaestra/cli/version.h>

#include <palaestra/core/error.h>
#include <palaestra/core/json.h>
#include <palaestra/core/version.h>
#include <palaestra/envs/mujoco/engine.h>
#include <palaestra/nn/kernel_set.h>

namespace palaestra::cli {
namespace {

/// The environment's choice of kernels; null when there is none.
Json kernel_override() {
  const std::string_view asked = nn::kernel_override();
  return asked.empty() ? Json() : Json(concat("PALAESTRA_KERNELS=", asked));
}

}  // namespace

std::string version_text() {
  return concat("palaestra ", version(), "\ncommit ", commit(), "\ncompiler ", compiler(),
                "\ninstruction set ", instruction_set(),
                " (matrix products: ", nn::name_of(nn::kernel_set()), ")\nMuJoCo ",
                envs::mujoco::engine_version(), "\nBox2D ", PALAESTRA_BOX2D_VERSION);
}

Json program_facts() {
  return {{"version", version()},
          {"commit", commit()},
          {"compiler", compiler()},
          {"instruction_set", instruction_set()},
          {"mujoco", envs::mujoco::engine_version()},
          {"box2d", PALAESTRA_BOX2D_VERSION},
          {"matrix_kernels",
           {{"isa", nn::name_of(nn::kernel_set())}, {"override", kernel_override()}}}};
}

Json machine_facts() {
  const Machine m = machine();
  return {{"cpu", m.cpu},
          {"x86_64_level", m.level},
          {"cores", m.cores},
          {"logical_cpus", m.logical_cpus},
          {"memory_bytes", m.memory_bytes},
          {"load_average", m.load_average},
          {"system", m.system}};
}

}  // namespace palaestra::cli
