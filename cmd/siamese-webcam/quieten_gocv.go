//go:build gocv

package main

import (
	"os"
	"syscall"
)

// logLevel is the variable that OpenCV reads as it is loaded.
const logLevel = "OPENCV_LOG_LEVEL"

// quieten keeps OpenCV from writing to standard error what this program says in
// one sentence, and the C library from spreading pictures over an arena for each
// thread, where resident memory creeps up for an hour. Both are taken from the
// environment before main begins, so the program executes itself again with them,
// in the same process. Where the variable is set already, or the system can't,
// nothing changes.
func quieten() {
	if _, set := os.LookupEnv(logLevel); set {
		return
	}
	program, err := os.Executable()
	if err != nil {
		return
	}
	_ = syscall.Exec(program, os.Args, append(os.Environ(),
		logLevel+"=OFF",
		"OPENCV_FFMPEG_LOGLEVEL=-8", // AV_LOG_QUIET
		"QT_LOGGING_RULES=default.warning=false",
		"MALLOC_ARENA_MAX=1", // glibc's
	))
}
