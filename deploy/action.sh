#!/usr/bin/env bash
# The main step of action.yml: its inputs are in the environment, in capitals. The report
# goes to $GITHUB_STEP_SUMMARY by itself.
set -euo pipefail

queuedyno="$RUNNER_TEMP/queuedyno-bin/queuedyno"
# Each use in a job has its own results.
results=$(mktemp -d "$RUNNER_TEMP/queuedyno-results.XXXXXX")

args=(--out "$results")
[ -z "$FILE" ] || args+=(--file "$FILE")
[ -z "$REDIS" ] || args+=(--redis "$REDIS")
# Words in quotes stay together, and nothing else of a shell is done with them.
words() { # NAME VALUE: the words of the value, as the array NAME
	local list
	list=$(printf '%s' "$2" | xargs -r printf '%s\n') || { echo "::error title=queuedyno::$1: its quotes do not match"; exit 2; }
	declare -ga "$1=()"
	[ -z "$list" ] || mapfile -t "$1" <<<"$list"
}
words arguments "$ARGS"
words scenarios "$SCENARIO"

if [ -n "$BASE" ]; then
	[ -n "$WORKER" ] || { echo "::error title=queuedyno::base is set and worker is not: say which command to compare"; exit 2; }
	tree="$RUNNER_TEMP/queuedyno-base"
	git worktree add --quiet --detach "$tree" "$BASE"
	trap 'git worktree remove --force "$tree"' EXIT
	if [ -n "$BUILD" ]; then
		(cd "$tree" && bash -euo pipefail -c "$BUILD")
		bash -euo pipefail -c "$BUILD"
	fi
	[ -z "$INCONCLUSIVE" ] || args+=(--inconclusive "$INCONCLUSIVE")
	set -- compare "${scenarios[@]}" "${args[@]}" --base-worker "cd '$tree' && $WORKER" --candidate-worker "$WORKER" "${arguments[@]}"
else
	[ -z "$BUILD" ] || bash -euo pipefail -c "$BUILD"
	[ -z "$WORKER" ] || args+=(--worker "$WORKER")
	set -- run "${scenarios[@]}" "${args[@]}" "${arguments[@]}"
fi

code=0
"$queuedyno" "$@" || code=$?
echo "exit-code=$code" >>"$GITHUB_OUTPUT"
[ -z "$(ls -A "$results")" ] || echo "results=$results" >>"$GITHUB_OUTPUT"
exit "$code"
