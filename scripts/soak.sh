#!/usr/bin/env bash
# What: whether the server's memory stays flat. Compares, ranks, frames on streams
#       and pictures that are refused arrive at a real server at a rate that keeps
#       some of the machine free; its cache is so small that entries come and go.
#       Resident memory is read each 10 seconds. After a sixth of the time to warm
#       up, prints the median of each sixth, how far the medians are apart, and
#       what became of the calls. Exits with 1 where the medians are more than 8 MB
#       apart, or where a good call failed.
# How to run: make build && scripts/soak.sh [MINUTES]
#       60 minutes after 10 to warm up where nothing is said. SIAMESE_PROGRAM names
#       another program than bin/siamese, SOAK_RATE other compares a second than 2.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

minutes=${1:-60}
program=${SIAMESE_PROGRAM:-bin/siamese}
rate=${SOAK_RATE:-2}
every=10 # seconds between readings
spans=6
bar=8 # MB

if ! [[ $minutes =~ ^[1-9][0-9]{0,3}$ ]]; then
	echo "soak: received \"$minutes\", expected minutes from 1 to 9999" >&2
	exit 2
fi
command -v "$program" >/dev/null || { echo "soak: there is no $program (make build)" >&2; exit 1; }

folder=$(mktemp -d)
pids=()
clean() {
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true # it may have ended by itself
	done
	wait
	rm -rf "$folder"
}
trap clean EXIT

port=$((20000 + RANDOM % 20000))
"$program" serve --addr "127.0.0.1:$port" --http-addr= --cache-bytes=4000000 2>"$folder/server.log" &
server=$!
pids+=("$server")
until "$program" compare --server "127.0.0.1:$port" --timeout 2s testdata/photos/hills.jpg testdata/photos/hills_dusk.jpg >"$folder/first" 2>&1 || ! kill -0 "$server" 2>/dev/null; do
	sleep 0.2
done

# Half a span more than is read: the load must not end before.
seconds=$((minutes * 60 + minutes * 60 / spans + 30))
# traffic NAME FLAG…
traffic() {
	local name=$1
	shift
	"$program" bench serve --server "127.0.0.1:$port" --duration "${seconds}s" --output "$folder/$name.json" "$@" >"$folder/$name.log" 2>&1 &
	pids+=("$!")
}
mkdir "$folder/refused"
head -c 3000 testdata/photos/hills.jpg >"$folder/refused/cut.jpg"
cp testdata/photos/leaf.png "$folder/refused/good.png"
traffic compare --rate "$rate"
traffic rank --call rank --candidates 16 --rate "$(awk -v r="$rate" 'BEGIN { print r / 40 }')"
traffic stream --call stream --pictures png --rate "$rate"
traffic refused --pictures "$folder/refused" --rate "$rate"

count=$((minutes * 60 / every))
warm=$((count / spans))
echo "soak: $minutes minutes after $((warm * every / 60)) to warm up"
for ((i = -warm; i < count; i++)); do
	sleep "$every"
	for pid in "${pids[@]}"; do
		if ! kill -0 "$pid" 2>/dev/null; then
			echo "soak: a program ended after $(((i + warm + 1) * every)) s" >&2
			cat "$folder"/*.log >&2
			exit 1
		fi
	done
	((i < 0)) || echo "$((i * spans / count)) $(awk '/^VmRSS:/ { print $2 * 1024 / 1e6 }' "/proc/$server/status")" >>"$folder/readings"
done

# medians: one a span.
medians() {
	local span
	for ((span = 0; span < spans; span++)); do
		awk -v s="$span" '$1 == s { print $2 }' "$folder/readings" | sort -n |
			awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
	done
}

failed=0
spread=$(medians | sort -n | awk 'NR == 1 { least = $1 } { most = $1 } END { printf "%.1f", most - least }')
echo "soak: resident MB by sixths: $(medians | paste -sd ' '); $spread MB apart (at most $bar)"
awk -v spread="$spread" -v bar="$bar" 'BEGIN { exit spread > bar }' || failed=1
for name in compare rank stream refused; do
	wait "${pids[1]}" || { echo "soak: $name failed" >&2; cat "$folder/$name.log" >&2; exit 1; }
	pids=("${pids[0]}" "${pids[@]:2}")
	answered=$(grep '^answered' "$folder/$name.log")
	failures=$(grep '^failed' "$folder/$name.log")
	echo "soak: $name: $answered; $failures"
	[[ $name == refused || $failures == *none ]] || failed=1
done
exit "$failed"
