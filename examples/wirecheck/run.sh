#!/usr/bin/env bash
# Runs queuedyno against a private Redis, captures the packets meanwhile, and
# compares the two accounts; see README.md. More flags of "queuedyno run" may
# be given:
#
#   ./run.sh [-r 2000 -d 30s …]
#   ./run.sh --control            a program with none of queuedyno's code instead
#
# Needs root (to capture), tcpdump, redis-server, Go and Linux. Leaves nothing
# behind, unless KEEP=1 is set or the comparison fails: then it says where the
# capture and the result are. Exits as wirecheck does: 0 when the two agree, 3
# when they differ, 4 when the run or the capture is of no use.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
say() { echo "run.sh: $*" >&2; }
die() { say "$@"; exit 1; }

[ "$(uname -s)" = Linux ] || die "captures on the loopback interface of Linux only"
for program in tcpdump redis-server go; do
	command -v "$program" >/dev/null ||
		die "$program not found (Debian: apt install tcpdump redis-server golang)"
done
[ "$(id -u)" = 0 ] || die "capturing packets needs root; run it with sudo -E"

work=$(mktemp -d "${TMPDIR:-/tmp}/wirecheck.XXXXXX")
redis='' capture='' keep=${KEEP:-}
cleanup() {
	[ -z "$capture" ] || { kill -INT "$capture" && wait "$capture"; } 2>/dev/null || true
	[ -z "$redis" ] || { kill "$redis" && wait "$redis"; } 2>/dev/null || true
	if [ -n "$keep" ]; then say "capture and result are in $work"; else rm -rf "$work"; fi
}
trap cleanup EXIT

(cd "$here" && go build -o "$work/wirecheck" .)
if [ "${1:-}" = --control ]; then
	[ $# = 1 ] || die "--control takes no further flags"
	(cd "$here" && go build -o "$work/control" ./control)
else
	(cd "$here/../.." && go build -o "$work/queuedyno" ./cmd/queuedyno)
fi

# answers PORT: whether somebody listens there.
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# until_true SECONDS COMMAND…: whether the command succeeds within that time.
until_true() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.05
	done
}

for _ in 1 2 3 4 5; do
	port=$((20000 + RANDOM % 10000))
	answers "$port" && continue
	redis-server --port "$port" --bind 127.0.0.1 --save '' --appendonly no \
		--dir "$work" >"$work/redis.log" 2>&1 &
	redis=$!
	# A server that lost the race for the port ends at once.
	if until_true 10 answers "$port" && kill -0 "$redis" 2>/dev/null; then break; fi
	kill "$redis" 2>/dev/null || true
	redis=''
done
[ -n "$redis" ] || { cat "$work/redis.log" >&2; die "redis-server did not start"; }

# The buffer, 64 MiB, holds what comes while tcpdump waits for a CPU.
tcpdump -i lo -n -s 0 -B 65536 -Z root --time-stamp-precision=nano \
	-w "$work/capture.pcap" "tcp port $port" 2>"$work/tcpdump.log" &
capture=$!
until_true 10 grep -qs 'listening on' "$work/tcpdump.log" ||
	{ cat "$work/tcpdump.log" >&2; die "tcpdump did not start"; }

# load writes a result to standard output.
load() {
	if [ "${1:-}" = --control ]; then
		"$work/control" "$port"
	else
		# In a separate folder, so that the bundled scenarios are used.
		(cd "$work" && ./queuedyno run steady -r 1000 -d 12s --work 0s -x 1 -y 4 \
			--redis "redis://127.0.0.1:$port" --out "$work/results" --quiet --json "$@")
	fi
}
status=0
load "$@" >"$work/result.json" || status=$?
case $status in
0 | 4 | 99) ;; # an invalid run, or a threshold that did not hold: wirecheck judges
*) exit "$status" ;;
esac

# The kernel hands packets over in blocks, each at the latest after a second;
# those in the last block are lost when tcpdump ends before.
sleep 2
kill -INT "$capture"
wait "$capture" || true
capture=''

status=0
"$work/wirecheck" -port "$port" "$work/capture.pcap" "$work/result.json" || status=$?
[ "$status" = 0 ] || keep=1
exit "$status"
