// Command siamese-doctor says why siamese does not start. It is linked with nothing, so
// that it runs where TensorFlow's library can't be loaded, and hands over to siamese
// doctor where siamese can be started.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"siamese/cmd/internal/doctor"
)

func main() {
	program, err := findProgram()
	if err != nil {
		fmt.Fprintf(os.Stderr, "siamese-doctor: %v\n", err)
		os.Exit(1)
	}
	checks := []doctor.Check{doctor.Library(program), doctor.Start(program)}
	if doctor.Verdict(checks) == nil {
		err := syscall.Exec(program, append([]string{program, "doctor"}, os.Args[1:]...), os.Environ())
		fmt.Fprintf(os.Stderr, "siamese-doctor: %s: %v\n", program, err)
		os.Exit(1)
	}
	// Files and ports depend on siamese's flags, which it alone can read.
	checks = append(checks, doctor.Processor(), doctor.Clock(program, time.Now()))
	err = doctor.Print(os.Stdout, checks, asksForJSON())
	if err == nil {
		err = doctor.Verdict(checks)
	}
	fmt.Fprintf(os.Stderr, "siamese-doctor: %v; what siamese serve needs beside is looked at when siamese starts\n", err)
	os.Exit(1)
}

// findProgram returns the siamese beside this program, or the one on the PATH.
func findProgram() (string, error) {
	own, err := os.Executable()
	if err == nil {
		beside := filepath.Join(filepath.Dir(own), "siamese")
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	found, err := exec.LookPath("siamese")
	if err != nil {
		return "", fmt.Errorf("there is no siamese beside %s and none on the PATH: install it, or build it by 'make build'", own)
	}
	return filepath.Abs(found)
}

// asksForJSON reports whether the command line is for siamese doctor --json. Everything
// else on it is left to that.
func asksForJSON() bool {
	for _, arg := range os.Args[1:] {
		if arg == "--json" || arg == "--json=true" {
			return true
		}
	}
	return false
}
