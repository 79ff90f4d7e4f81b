#!/bin/sh
# Installs what the bench's peers need where it may (root on Debian), else says exactly what to install.
set -eu

missing=""
need() { missing="$missing $1"; }

test -e /usr/include/pagmo/pagmo.hpp || need libpagmo-dev
command -v g++ >/dev/null 2>&1 || need g++
/usr/bin/python3 -c 'import deap' 2>/dev/null || need python3-deap

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing:$missing"
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # the list is meant to be split
	apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null
	exit 0
fi
echo "missing:$missing" >&2
echo "install with:  sudo apt-get install$missing" >&2
exit 1
