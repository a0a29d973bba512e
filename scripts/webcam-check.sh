#!/usr/bin/env bash
# What: tests of the webcam client with OpenCV: its own, with open Mats counted,
#       and the program as a process against a real server: headless, with a
#       gallery, in a window on a virtual display, with the server killed and started
#       again under it.
# How to run: scripts/webcam-check.sh [arguments of go test, such as -v]
#       It needs (apt-get install --no-install-recommends) libopencv-dev xvfb
#       openbox wmctrl xdotool imagemagick ffmpeg gstreamer1.0-plugins-base, and
#       stops where one is missing. SIAMESE_PROGRAM names a siamese to serve with, else
#       one is built. SIAMESE_WEBCAM_SHOTS=FOLDER keeps screenshots.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

missing=()
need() { # PACKAGE COMMAND...: the package is missing where the command fails
	local package=$1
	shift
	"$@" >/dev/null 2>&1 || missing+=("$package")
}
need libopencv-dev pkg-config --exists opencv4
need xvfb command -v Xvfb
need openbox command -v openbox
need wmctrl command -v wmctrl
need xdotool command -v xdotool
need imagemagick command -v import
need ffmpeg command -v ffmpeg
need gstreamer1.0-plugins-base test -e "$(pkg-config --variable=pluginsdir gstreamer-1.0 2>/dev/null || echo /usr/lib/x86_64-linux-gnu/gstreamer-1.0)/libgstvideotestsrc.so"
if ((${#missing[@]})); then
	echo "webcam-check: something is missing: apt-get install --no-install-recommends ${missing[*]}" >&2
	exit 1
fi

tags=gocv,gocv_specific_modules,gocv_highgui,gocv_videoio
scripts/setup.sh
# shellcheck source=/dev/null
source .tensorflow/env
if [[ -z ${SIAMESE_PROGRAM:-} ]]; then
	built=$(mktemp -d)
	trap 'rm -rf "$built"' EXIT
	export SIAMESE_PROGRAM=$built/siamese
	go build -o "$SIAMESE_PROGRAM" ./cmd/siamese
fi

go vet -tags "$tags,matprofile" ./client/webcam ./cmd/siamese-webcam
go test -count=1 -tags "$tags,matprofile" "$@" ./client/webcam
go test -count=1 -tags "$tags" "$@" ./cmd/siamese-webcam
