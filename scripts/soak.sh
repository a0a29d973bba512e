#!/usr/bin/env bash
# What: whether the server's memory stays flat. Compares, ranks, frames on streams
#       and pictures that are refused arrive at a real server at a rate that keeps
#       some of the machine free; its cache is so small that entries come and go.
#       Resident memory is read each 10 seconds. After a sixth of the time to warm
#       up, prints the median of each sixth, how far the medians are apart, how much
#       of it is pages of files, and what became of the calls. Exits with 1 where the
#       medians are more than 8 MB apart, or where a good call failed.
# How to run: make build && scripts/soak.sh [MINUTES]
#       60 minutes after 10 to warm up where nothing is said. SIAMESE_PROGRAM names
#       another program than bin/siamese, SOAK_RATE other compares a second than 2.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

soak=soak
spans=6
source scripts/soak-common.sh
minutes=${1:-60}
check_minutes "$minutes"
program=${SIAMESE_PROGRAM:-bin/siamese}
rate=${SOAK_RATE:-2}

bench=$(dirname "$program")/siamese-bench
for needed in "$program" "$bench"; do
	command -v "$needed" >/dev/null || { echo "soak: there is no $needed (make build)" >&2; exit 1; }
done

make_folder
port=$((20000 + RANDOM % 20000))
"$program" serve --addr "127.0.0.1:$port" --http-addr= --cache-bytes=4000000 2>"$folder/server.log" &
server=$!
pids+=("$server")
until "$program" compare --server "127.0.0.1:$port" --timeout 2s testdata/photos/hills.jpg testdata/photos/hills_dusk.jpg >"$folder/first" 2>&1 || ! kill -0 "$server" 2>/dev/null; do
	sleep 0.2
done

# As long as the readings take, and somewhat longer: the load must not end before.
seconds=$((minutes * 60 * (spans + 1) / spans * 21 / 20 + 30))
# traffic NAME FLAG…
traffic() {
	local name=$1
	shift
	"$bench" serve --server "127.0.0.1:$port" --duration "${seconds}s" --output "$folder/$name.json" "$@" >"$folder/$name.log" 2>&1 &
	pids+=("$!")
}
mkdir "$folder/refused"
head -c 3000 testdata/photos/hills.jpg >"$folder/refused/cut.jpg"
cp testdata/photos/leaf.png "$folder/refused/good.png" # beside it: each call has one of both
traffic compare --rate "$rate"
traffic rank --call rank --candidates 16 --rate "$(awk -v r="$rate" 'BEGIN { print r / 40 }')"
traffic stream --call stream --pictures png --rate "$rate"
traffic refused --pictures "$folder/refused" --rate "$rate"

count=$((minutes * 60 / every))
warm=$((count / spans))
echo "soak: $minutes minutes after $((warm * every / 60)) to warm up"
for ((i = -warm; i < count; i++)); do
	sleep "$every"
	check_alive "${pids[@]}"
	((i < 0)) || echo "$((i * spans / count)) $(resident "$server") $(resident_of_files "$server")" >>"$folder/readings"
done

failed=0
report soak 2 || failed=1
echo "soak: of it pages of files: $(medians 3 | paste -sd ' ') MB"
for name in compare rank stream refused; do
	wait "${pids[1]}" || { echo "soak: $name failed" >&2; cat "$folder/$name.log" >&2; exit 1; }
	pids=("${pids[0]}" "${pids[@]:2}")
	answered=$(grep '^answered' "$folder/$name.log")
	failures=$(grep '^failed' "$folder/$name.log")
	echo "soak: $name: $answered; $failures"
	case $name in
	refused) [[ $answered == *" 0 of "* && $failures =~ ^failed\ +[0-9]+\ InvalidArgument\ \( ]] || failed=1 ;;
	*) [[ $failures == *none ]] || failed=1 ;;
	esac
done
exit "$failed"
