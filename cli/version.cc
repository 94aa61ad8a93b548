#include <palaestra/cli/version.h>

#include <cstdlib>

#include <oneapi/dnnl/dnnl.h>
#include <nlohmann/json.hpp>

#include <palaestra/core/error.h>
#include <palaestra/core/version.h>
#include <palaestra/envs/mujoco/engine.h>

namespace palaestra::cli {
namespace {

/// Of the package: the library's own b2_version still says 2.4.0 in its release 2.4.1.
constexpr const char* kBox2dVersion = PALAESTRA_BOX2D_VERSION;

using Json = nlohmann::ordered_json;

std::string onednn_version() {
  const dnnl_version_t* v = dnnl_version();
  return concat(v->major, ".", v->minor, ".", v->patch);
}

/// The best instruction set that oneDNN may use here, in the spelling of ONEDNN_MAX_CPU_ISA.
std::string onednn_isa() {
  switch (dnnl_get_effective_cpu_isa()) {
    case dnnl_cpu_isa_all:
      return "all";
    case dnnl_cpu_isa_sse41:
      return "sse41";
    case dnnl_cpu_isa_avx:
      return "avx";
    case dnnl_cpu_isa_avx2:
      return "avx2";
    case dnnl_cpu_isa_avx2_vnni:
      return "avx2_vnni";
    case dnnl_cpu_isa_avx512_mic:
      return "avx512_mic";
    case dnnl_cpu_isa_avx512_mic_4ops:
      return "avx512_mic_4ops";
    case dnnl_cpu_isa_avx512_core:
      return "avx512_core";
    case dnnl_cpu_isa_avx512_core_vnni:
      return "avx512_core_vnni";
    case dnnl_cpu_isa_avx512_core_bf16:
      return "avx512_core_bf16";
    case dnnl_cpu_isa_avx512_core_amx:
      return "avx512_core_amx";
  }
  return "unknown";
}

/// The environment's restriction on that choice; null when there is none.
Json onednn_override() {
  for (const char* name : {"ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA"}) {
    if (const char* value = std::getenv(name)) {
      return concat(name, "=", value);
    }
  }
  return nullptr;
}

}  // namespace

std::string version_text() {
  return concat("palaestra ", version(), "\ncommit ", commit(), "\ncompiler ", compiler(),
                "\ninstruction set ", instruction_set(), " (oneDNN ", onednn_version(), ": ",
                onednn_isa(), ")\nMuJoCo ", envs::mujoco::engine_version(), "\nBox2D ",
                kBox2dVersion);
}

Json program_facts() {
  return {
      {"version", version()},
      {"commit", commit()},
      {"compiler", compiler()},
      {"instruction_set", instruction_set()},
      {"mujoco", envs::mujoco::engine_version()},
      {"box2d", kBox2dVersion},
      {"onednn",
       {{"version", onednn_version()}, {"isa", onednn_isa()}, {"override", onednn_override()}}}};
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
