#pragma once

#include <iosfwd>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include <palaestra/benchmarks/row.h>

namespace palaestra::cli {

/// A paragraph that says what the figures were measured on and with: machine_facts() and
/// program_facts().
void print_machine(std::ostream& out, const nlohmann::ordered_json& machine,
                   const nlohmann::ordered_json& program);

/// Rows for people, in columns. Prints nothing without rows.
void print_table(std::ostream& out, const std::vector<benchmarks::Row>& rows);

}  // namespace palaestra::cli
