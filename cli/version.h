#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace palaestra::cli {

/// What --version prints: version, commit, compiler, instruction set, engines, a line each.
std::string version_text();

/// The same for meta.json and for benchmarks, with the kernels of matrix products; and the machine.
nlohmann::ordered_json program_facts();
nlohmann::ordered_json machine_facts();

}  // namespace palaestra::cli
