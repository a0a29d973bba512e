//go:build gocv

// Command siamese-webcam shows a camera's picture with its similarity to given
// references.
package main

import (
	"os"
	"syscall"

	"siamese/cmd/internal/cli"
)

func main() {
	quieten()
	cli.Program{
		Name: "siamese-webcam", Description: description, Environment: "SIAMESE_WEBCAM", Commands: &flags{}, Variables: variables(),
	}.Main()
}

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

// variables let flags that mean the same to siamese come from its variables, too.
func variables() map[string]cli.Variable {
	shared := make(map[string]cli.Variable)
	for _, flag := range []string{"server", "model", "threshold", "tls", "tls-ca", "tls-cert", "tls-key", "token-file"} {
		shared[flag] = cli.Variable{Own: "SIAMESE_WEBCAM", Shared: true}
	}
	return shared
}
