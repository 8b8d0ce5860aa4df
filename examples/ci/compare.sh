#!/bin/sh
# Is this tree slower than BASE? Builds the benchmarks of both, runs them by turns
# until the pairs decide, and leaves the report in results/gate.
#
#   examples/ci/compare.sh [BASE]
#
# Exit code 0: not slower by more than the margins; 3: slower; 4: this machine
# cannot tell, or what ran cannot be believed. PACKAGES, BENCH, BENCHTIME, COUNT,
# METRICS, PAIRS and QUEUEDYNO say otherwise what is measured, how long, how often
# in one run (the median counts), what decides, and with which queuedyno.
set -eu
base=${1:-origin/main}
packages=${PACKAGES:-.}
flags="-test.run '^\$' -test.bench '${BENCH:-.}' -test.benchtime ${BENCHTIME:-2000x} -test.count ${COUNT:-1}"

here=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
trap 'git -C "$here" worktree remove --force "$work/base"; rm -rf "$work"' EXIT

# build TREE SIDE builds the benchmarks of a tree, and a script that runs them, each
# in the folder of its package.
build() {
	for package in $packages; do
		test="$work/$2$(echo "/$package" | tr '/.' '__').test"
		(cd "$1/$package" && go test -c -o "$test" .)
		echo "cd '$1/$package' && '$test' $flags || exit" >>"$work/$2.sh"
	done
}

git worktree add --quiet --detach "$work/base" "$base"
build "$work/base" base
build "$here" candidate

set --
for metric in ${METRICS:-p50-ns:15% jobs/s:5%}; do
	set -- "$@" --metric "$metric"
done
"${QUEUEDYNO:-queuedyno}" compare \
	--base-cmd "sh '$work/base.sh'" --candidate-cmd "sh '$work/candidate.sh'" \
	"$@" --pairs "${PAIRS:-20}" --out "$here/results" --name gate --force
