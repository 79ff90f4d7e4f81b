#!/bin/sh
# Runs every example program to its end; each exits 0 only if what it claims holds.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
for program in quickstart embed pareto workflow dao agent; do
	go build -o "$work/$program" "./examples/$program"
done
(cd "$work" && ./embed)
(cd "$work" && ./pareto)
(cd "$work" && ./workflow)
(cd "$work" && ./dao)
(cd "$work" && ./quickstart -out "$work/fractal.png")
tools/agent_example.sh "$work"
