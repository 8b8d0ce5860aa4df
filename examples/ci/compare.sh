#!/bin/sh
# Is this tree slower than BASE? Builds the benchmarks of both, runs them by turns
# until the pairs decide, and leaves the report in results/gate.
#
#   examples/ci/compare.sh [BASE]
#
# Exit code 0: not slower by more than the margins; 3: slower; 4: this machine
# cannot tell, or what ran cannot be believed. PACKAGE, BENCH, BENCHTIME, PAIRS and
# QUEUEDYNO say otherwise what is measured, how long, and with which queuedyno.
set -eu
base=${1:-origin/main}
package=${PACKAGE:-.}
flags="-test.run '^\$' -test.bench '${BENCH:-.}' -test.benchtime ${BENCHTIME:-2000x}"

here=$(git rev-parse --show-toplevel)
work=$(mktemp -d)
trap 'git -C "$here" worktree remove --force "$work/base"; rm -rf "$work"' EXIT

git -C "$here" worktree add --quiet --detach "$work/base" "$base"
(cd "$work/base/$package" && go test -c -o "$work/base.test" .)
(cd "$here/$package" && go test -c -o "$work/candidate.test" .)

"${QUEUEDYNO:-queuedyno}" compare \
	--base-cmd "cd '$work/base/$package' && '$work/base.test' $flags" \
	--candidate-cmd "cd '$here/$package' && '$work/candidate.test' $flags" \
	--metric p50-ns:15% --metric jobs/s:5% --pairs "${PAIRS:-20}" \
	--out "$here/results" --name gate --force
