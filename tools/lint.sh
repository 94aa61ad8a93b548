#!/bin/sh
# clang-format, ruff and clang-tidy over the tracked sources. All of them run, so that one call shows
# everything there is to mend; the exit code is 1 if any found something.
#   tools/lint.sh BUILD_DIR
set -u
build=$1
failed=0
echo "== clang-format"
git ls-files '*.h' '*.cc' | xargs clang-format-14 --dry-run --Werror || failed=1
echo "== ruff"
.venv/bin/ruff check . || failed=1
.venv/bin/ruff format --check . || failed=1
echo "== clang-tidy"
.venv/bin/python tools/clang_tidy.py --build "$build" || failed=1
exit $failed
