# What: what the soaks share: reading resident memory, and whether its medians stay
#       together. Sourced by scripts/soak.sh and scripts/webcam-soak.sh, which set
#       soak (their name) and spans (how many parts the time has), and put the
#       programs that they start into pids.

every=10 # seconds between readings
bar=8    # MB

# check_minutes TEXT
check_minutes() {
	if ! [[ $1 =~ ^[1-9][0-9]{0,3}$ ]]; then
		echo "$soak: received \"$1\", expected minutes from 1 to 9999" >&2
		exit 2
	fi
}

# make_folder: folder is for readings and logs; it goes with the script, and so do
# the programs of pids.
make_folder() {
	folder=$(mktemp -d)
	pids=()
	trap clean EXIT
}

clean() {
	local pid
	for pid in "${pids[@]}"; do
		kill "$pid" 2>/dev/null || true # it may have ended by itself
	done
	wait
	rm -rf "$folder"
}

# resident PID: MB.
resident() {
	status_field VmRSS "$1"
}

# resident_of_files PID: MB, the pages of programs and other files among them. The
# kernel takes these back where it wants memory, whatever the process does.
resident_of_files() {
	status_field RssFile "$1"
}

# status_field NAME PID: MB.
status_field() {
	awk -v name="$1:" '$1 == name { print $2 * 1024 / 1e6 }' "/proc/$2/status"
}

# check_alive PID…: ends with the logs where one has ended.
check_alive() {
	local pid
	for pid in "$@"; do
		if ! kill -0 "$pid" 2>/dev/null; then
			echo "$soak: a program ended too early" >&2
			cat "$folder"/*.log >&2
			exit 1
		fi
	done
}

# medians COLUMN: one a span, of $folder/readings, whose lines begin with the span.
medians() {
	local span
	for ((span = 0; span < spans; span++)); do
		awk -v s="$span" -v c="$1" '$1 == s { print $c }' "$folder/readings" | sort -n |
			awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
	done
}

# report NAME COLUMN: prints the medians; 1 where they are too far apart.
report() {
	local spread
	spread=$(medians "$2" | sort -n | awk 'NR == 1 { least = $1 } { most = $1 } END { printf "%.1f", most - least }')
	printf '%s: resident MB in %d parts of the time: %s; %s MB apart (at most %s)\n' "$1" "$spans" "$(medians "$2" | paste -sd ' ')" "$spread" "$bar"
	awk -v spread="$spread" -v bar="$bar" 'BEGIN { exit spread > bar }'
}
