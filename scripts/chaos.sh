#!/usr/bin/env bash
# What: does harm to a real server, in the long forms of the tests that `make
#       test` runs in short, and prints one line of figures for each kind of harm.
#       Ends with 1 when one misses its bar. docs/reliability.md has the bars.
# How to run: scripts/chaos.sh [NAME...]
#       Without names all of them, which takes 30 minutes: overload storm
#       restarts reloads readers pairs faults bombs bodies unread watches container
#       kills lockout health memory fuzz. Bars on speed want a machine with nothing
#       else to do. FUZZTIME is for how long each fuzz target runs (default 60s).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

names=("$@")
if [[ $# == 0 ]]; then
	names=(overload storm restarts reloads readers pairs faults bombs bodies unread watches container kills lockout health memory fuzz)
fi
declare -A tests=(
	[overload]=TestOverload
	[storm]=TestCancelStorm
	[restarts]=TestRollingRestarts
	[reloads]=TestReloadsUnderLoad
	[readers]=TestSlowReaders
	[pairs]=TestConcurrentPairsAreAnsweredAsIfAlone
	[faults]=TestInjectedFaults
	[bombs]=TestBombsAreRefused
	[bodies]=TestSmallBodiesOfLargeMessages
	[unread]=TestUnreadAnswers
	[watches]=TestWatchesOfHealth
	[container]=TestSmallContainer
	[kills]=TestKilledAtRandom
	[lockout]=TestAttacksLockNobodyOut
	[health]=TestLargestRankLeavesHealth
	[memory]=TestDecodingKeepsToItsMemory
	[fuzz]=
)
for name in "${names[@]}"; do
	if [[ ! -v tests[$name] ]]; then
		echo "chaos: received \"$name\", expected some of: ${!tests[*]}" >&2
		exit 2
	fi
done

scripts/setup.sh
source .tensorflow/env
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/log

# run NAME: its output into the log.
run() {
	case $1 in
	fuzz) make --no-print-directory fuzz FUZZTIME="${FUZZTIME:-60s}" ;;
	faults) go test -count 1 -v -run "^${tests[$1]}$" ./server ;;
	*)
		local tests_of=internal/e2e/chaos
		[[ $1 != restarts ]] || tests_of=internal/e2e
		CHAOS=long RESTARTS=20 go test -count 1 -v -timeout 30m -run "^${tests[$1]}$" "./$tests_of"
		;;
	esac >"$log" 2>&1
}

# figures NAME: what the log says was measured.
figures() {
	case $1 in
	fuzz) awk '/^fuzz: elapsed/ { execs = $5 } /^ok/ { printf "%s%s: %d inputs", (n++ ? ", " : ""), $2, execs } END { print "" }' "$log" ;;
	restarts) grep -o '[0-9]* rolling restarts: .*' "$log" ;;
	*) grep -o 'figure: .*' "$log" | cut -d ' ' -f 2- ;;
	esac
}

missed=0
for name in "${names[@]}"; do
	verdict=holds
	run "$name" || verdict=MISSED
	seen=$(figures "$name" || true)
	if [[ -z $seen ]]; then # a test that did not run holds nothing
		verdict=MISSED
		seen="no figures"
	fi
	[[ $verdict == holds ]] || missed=1
	while read -r line; do
		printf '%-9s %-6s  %s\n' "$name" "$verdict" "$line"
	done <<<"$seen"
	if [[ $verdict == MISSED ]]; then
		sed 's/^/    /' "$log" >&2
	fi
done
exit "$missed"
