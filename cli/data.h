#pragma once

#include <string>

#include <palaestra/cli/global.h>
#include <palaestra/core/json.h>
#include <palaestra/replay/datasets/data_set_writer.h>

namespace palaestra::cli {

/// The subcommands of `palaestra data` that have files of their own.
void add_data_info(CLI::App& data, const Global& global, Run& run);
void add_data_check(CLI::App& data, const Global& global, Run& run);
void add_data_collect(CLI::App& data, const Global& global, Run& run);

/// "minari" or "d4rl"; where `name` is empty, from the ending of the file: .hdf5, .h5 and .hdf mean
/// D4RL. Throws UserError for another name.
replay::DataFormat format_of(const std::string& name, const std::string& path);

}  // namespace palaestra::cli
