#!/usr/bin/env bash
# What: whether the live loop's memory stays flat. The webcam client plays a film
#       in a loop, headless, against a real server that encodes each picture, and
#       the resident memory of both is read each 10 seconds. Prints the median of
#       each quarter of the time and how far the medians are apart, and exits with
#       1 where that is more than 8 MB.
# How to run: make build webcam && scripts/webcam-soak.sh [MINUTES]
#       20 minutes where nothing is said, so a quarter is five. It needs ffmpeg.
#       SIAMESE_PROGRAM and SIAMESE_WEBCAM_PROGRAM name other programs than those
#       in bin/.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

soak=webcam-soak
spans=4
source scripts/soak-common.sh
minutes=${1:-20}
check_minutes "$minutes"
server_program=${SIAMESE_PROGRAM:-bin/siamese}
webcam_program=${SIAMESE_WEBCAM_PROGRAM:-bin/siamese-webcam}
for program in ffmpeg "$server_program" "$webcam_program"; do
	command -v "$program" >/dev/null || { echo "webcam-soak: there is no $program (How to run: see the script's head)" >&2; exit 1; }
done

make_folder
ffmpeg -v error -f lavfi -i testsrc2=size=640x480:rate=30:duration=10 -pix_fmt yuv420p -preset ultrafast "$folder/film.mp4"
ffmpeg -v error -i "$folder/film.mp4" -frames:v 1 "$folder/reference.png"

# Without --cache-bytes=0 the film would be encoded in its first round only.
port=$((20000 + RANDOM % 20000))
"$server_program" serve --addr "127.0.0.1:$port" --http-addr= --cache-bytes=0 2>"$folder/server.log" &
server=$!
pids+=("$server")
"$webcam_program" --headless --loop --server "127.0.0.1:$port" --source "$folder/film.mp4" \
	--reference "$folder/reference.png" >"$folder/scores" 2>"$folder/webcam.log" &
webcam=$!
pids+=("$webcam")

count=$((minutes * 60 / every))
echo "webcam-soak: $minutes min, $count readings"
for ((i = 0; i < count; i++)); do
	sleep "$every"
	check_alive "${pids[@]}"
	echo "$((i * spans / count)) $(resident "$server") $(resident "$webcam")" >>"$folder/readings"
done

kill "$webcam"
wait "$webcam" || { echo "webcam-soak: the client failed" >&2; cat "$folder/webcam.log" >&2; exit 1; }
echo "webcam-soak: $(tail -n 1 "$folder/scores")"

failed=0
report server 2 || failed=1
report client 3 || failed=1
exit "$failed"
