#!/bin/sh
# clang-format, ruff and clang-tidy over the tracked sources; the first that finds something fails.
#   tools/lint.sh BUILD_DIR
set -eu
build=$1
echo "== clang-format"
git ls-files '*.h' '*.cc' | xargs clang-format-14 --dry-run --Werror
echo "== ruff"
.venv/bin/ruff check .
.venv/bin/ruff format --check .
echo "== clang-tidy"
# The compile commands are GCC's; clang-tidy's own driver does not know all of its warnings.
git ls-files '*.cc' | grep -v '^tests/consumers/' |
  xargs -P "$(nproc)" -n 4 clang-tidy-14 -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option
