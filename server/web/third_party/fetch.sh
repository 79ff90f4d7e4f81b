#!/bin/sh
# Fetches the third-party files of the web pages again: npm pack, the checksum of the package, our two changes, gzip.
# Needs npm, openssl, GNU gzip and the network. Only those who change a version run it: the files are committed.
#
#   sh server/web/third_party/fetch.sh
#
# The folder is not called vendor because the Go command leaves folders of that name out of module downloads.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fetch NAME VERSION SHA512 FILE... : FILEs are paths in the package; scripts and styles are stored compressed.
fetch() {
	name=$1 version=$2 sum=$3
	shift 3
	to=$name-$version
	(cd "$work" && npm pack --silent "$name@$version" >/dev/null)
	got=$(openssl dgst -sha512 -binary "$work/$to.tgz" | openssl base64 -A)
	if [ "$got" != "$sum" ]; then
		echo "$to: the package has the checksum sha512-$got, not sha512-$sum" >&2
		exit 1
	fi
	mkdir -p "$work/$to"
	tar -xzf "$work/$to.tgz" -C "$work/$to" --strip-components=1
	rm -rf "./$name"-[0-9]*
	mkdir "$to"
	for file in "$@"; do
		base=$(basename "$file")
		case $base in
		*.js | *.css)
			# Source maps are not shipped: without its last line, a file does not ask for them. ReDoc's footer loads a
			# logo from its maker's server; it hides the place of one that cannot be loaded.
			sed -e '${/sourceMappingURL=/d}' -e 's#https://cdn.redoc.ly/redoc/logo-mini.svg#data:,#' \
				"$work/$to/$file" | gzip -9n >"$to/$base.gz"
			;;
		*) cp "$work/$to/$file" "$to/$base" && chmod 644 "$to/$base" ;;
		esac
	done
}

fetch swagger-ui-dist 5.35.0 'U06rpMtW9V3XPGOBeamTUSr0Z09jMX4IJuANpE/EZbAhw0G8CgwrzU4YmXkn/h0wCDNsXdGarTNNHC3sU8yVUQ==' \
	swagger-ui-bundle.js swagger-ui.css LICENSE NOTICE swagger-ui-bundle.js.LICENSE.txt
fetch redoc 2.5.4 'M6jWhG1qoBnH6TFmzJnstyCZ87HmOY/UzDm78mHiYihEdlV/YcS9ogOo1NlElnJMeLsyxHFe2yFc4sNjHTrABQ==' \
	bundles/redoc.standalone.js LICENSE bundles/redoc.standalone.js.LICENSE.txt bundles/d87bcbdbea8f8f5aa26f.worker.js.LICENSE.txt
fetch uplot 1.6.32 'KIMVnG68zvu5XXUbC4LQEPnhwOxBuLyW1AHtpm6IKTXImkbLgkMy+jabjLgSLMasNuGGzQm/ep3tOkyTxpiQIw==' \
	dist/uPlot.iife.min.js dist/uPlot.min.css LICENSE
find . -mindepth 2 -type f | sort | xargs sha256sum >SHA256SUMS
