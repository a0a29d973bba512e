//go:build gocv

// Command siamese-webcam shows a camera's picture with its similarity to given
// references.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	quieten()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the second one ends the program at once.
	context.AfterFunc(ctx, stop)
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr), os.Stderr))
}
