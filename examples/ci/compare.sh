#!/bin/sh
# Is this tree slower than BASE? Builds the benchmarks of both, runs them by turns
# until the pairs decide, and leaves the report in results/gate.
#
#   examples/ci/compare.sh [BASE]
#
# Exit code 0: not slower by more than the margins; 3: slower; 4: this machine
# cannot tell, or what ran cannot be believed. PACKAGES, BENCH, BENCHTIME, COUNT,
# METRICS, PAIRS and QUEUEDYNO say otherwise what is measured, how long, how often
# in one run (the median counts), what decides, and with which queuedyno. Where BASE
# has the benchmarks in other packages, BASE_PACKAGES names those; they are then
# compared by name alone.
set -eu
base=${1:-origin/main}
packages=${PACKAGES:-.}
flags="-test.run '^\$' -test.bench '${BENCH:-.}' -test.benchtime ${BENCHTIME:-2000x} -test.count ${COUNT:-1}"

here=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
trap 'git -C "$here" worktree remove --force "$work/base"; rm -rf "$work"' EXIT

base_packages=${BASE_PACKAGES:-$packages}
drop='^$'
[ "$base_packages" = "$packages" ] || drop='^pkg: '

# build TREE SIDE PACKAGE... builds the benchmarks of a tree, and a script that runs
# them, each in the folder of its package.
build() {
	tree=$1 side=$2
	shift 2
	for package; do
		test="$work/$side$(echo "/$package" | tr '/.' '__').test"
		(cd "$tree/$package" && go test -c -o "$test" .)
		echo "cd '$tree/$package' && '$test' $flags >'$test.txt' || { cat '$test.txt'; exit 1; }
			sed '/$drop/d' '$test.txt'" >>"$work/$side.sh"
	done
}

git worktree add --quiet --detach "$work/base" "$base"
# shellcheck disable=SC2086 # lists of packages
build "$work/base" base $base_packages
# shellcheck disable=SC2086
build "$here" candidate $packages

set --
for metric in ${METRICS:-p50-ns:15% jobs/s:5%}; do
	set -- "$@" --metric "$metric"
done
"${QUEUEDYNO:-queuedyno}" compare \
	--base-cmd "sh '$work/base.sh'" --candidate-cmd "sh '$work/candidate.sh'" \
	"$@" --pairs "${PAIRS:-20}" --out "$here/results" --name gate --force
