#pragma once

#include <string>
#include <utility>
#include <vector>

#include <palaestra/bindings/bind.h>
#include <palaestra/envs/adapters/wrappers.h>

namespace palaestra::python {

/// A wrapper as the Python package hands it over: its name and its settings.
using NamedWrapper = std::pair<std::string, py::dict>;

/// Throws UserError for an unknown name or setting, and for a value of another type.
envs::Wrappers to_wrappers(const std::vector<NamedWrapper>& wrappers);
std::vector<NamedWrapper> to_python(const envs::Wrappers& wrappers);

}  // namespace palaestra::python
