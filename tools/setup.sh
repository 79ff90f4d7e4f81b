#!/bin/sh
# Installs what the tests need where it may (root on Debian), else says exactly what to install.
# PostgreSQL: the stores' conformance suites. Chromium: the dashboard. npm: guests that
# nobody here wrote. clang with wasi-libc: rebuilding the guest byte for byte.
set -eu

missing=""
need() { missing="$missing $1"; }

ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null 2>&1 || need postgresql
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 || need chromium
command -v npm >/dev/null 2>&1 || need npm
command -v gcc >/dev/null 2>&1 || need gcc # the race detector
command -v clang >/dev/null 2>&1 || need clang
command -v wasm-ld >/dev/null 2>&1 || ls /usr/bin/wasm-ld-* >/dev/null 2>&1 || need lld
test -d /usr/include/wasm32-wasi || test -d /usr/lib/wasm32-wasi || need wasi-libc
ls /usr/lib/llvm-*/lib/clang/*/lib/wasi/libclang_rt.builtins-wasm32.a >/dev/null 2>&1 || need libclang-rt-dev-wasm32

[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing:$missing"
	export DEBIAN_FRONTEND=noninteractive
	log=$(mktemp)
	# shellcheck disable=SC2086 # the list is meant to be split
	if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
		cat "$log" >&2
		echo "could not install:$missing" >&2
		exit 1
	fi
	rm -f "$log"
	exit 0
fi
echo "missing:$missing" >&2
echo "install with:  sudo apt-get install$missing" >&2
[ -z "${CI:-}" ] || exit 1
echo "tests that need them are skipped" >&2
