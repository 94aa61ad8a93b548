#!/bin/sh
# Installs the Debian packages listed in a file, one name a line, unless all are there already.
#   tools/install_packages.sh tools/requirements/debian.txt
set -eu
missing=""
while read -r package; do
  [ -n "$package" ] || continue
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done < "$1"
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null; then
    as_root=sudo
  else
    echo "These Debian packages are missing, and this is neither root nor a machine with sudo:" >&2
    echo "  apt-get install --no-install-recommends$missing" >&2
    exit 2
  fi
fi
echo "== installing Debian packages:$missing"
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq
# shellcheck disable=SC2086  # the list is meant to be split
$as_root apt-get install -y -qq --no-install-recommends $missing > /dev/null
