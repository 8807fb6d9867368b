#!/usr/bin/env bash
# Runs the commands of the README's quick start as they stand there: the shell
# block below the marker, line by line, each shown before it runs.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v aws >/dev/null || {
	echo "the quick start uses the aws command line: install it first (Debian: apt-get install awscli)" >&2
	exit 1
}
commands=$(awk '/<!-- quickstart -->/ {marked = 1} marked && /^```sh$/ {on = 1; next} on && /^```$/ {exit} on' README.md)
[ -n "$commands" ] || { echo "README.md has no block of commands below <!-- quickstart -->" >&2; exit 1; }
trap 'bin/kml-dev stop >/dev/null 2>&1 || true' EXIT
# The shell shows what it reads, the files of keys too: these stay hidden.
bash -euvo pipefail <(printf "%s\n" "$commands") 2>&1 |
	awk '{ sub(/(SECRET_ACCESS_KEY|API_KEY|PASSWORD)=.*/, "…") ; print; fflush() }'
