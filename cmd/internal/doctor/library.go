package doctor

import (
	"cmp"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// patience is how long another program may take: loading TensorFlow from a cold disk.
const patience = 2 * time.Minute

// Library says whether the shared libraries that a program asks for are found, as the
// system's own loader finds them, without running the program.
func Library(program string) Check {
	const name = "library"
	loader, err := interpreter(program)
	if err != nil {
		return Fail(name, err.Error(), reinstall(program))
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	said, err := exec.CommandContext(ctx, loader, "--list", program).CombinedOutput()
	if errors.Is(err, os.ErrNotExist) {
		return Fail(name, fmt.Sprintf("%s is missing, which loads programs: this system has no glibc for x86-64", loader),
			"use a system with glibc: Debian, Ubuntu, Fedora …, or the container image")
	}
	if missing := missingLibraries(string(said)); len(missing) > 0 {
		return Fail(name, fmt.Sprintf("%s asks for %s, not found", program, strings.Join(missing, ", ")), mendLibrary(program, missing))
	}
	if err != nil {
		// A library that is cut off ends the loader by a signal, without a word.
		return Fail(name, fmt.Sprintf("%s can't be loaded: %s", program, cmp.Or(oneLine(string(said)), err.Error())), reinstall(program))
	}
	if at := tensorflow.FindString(string(said)); at != "" {
		return Fine(name, "%s", at)
	}
	return Fine(name, "all that %s asks for is found", program)
}

var (
	tensorflow = regexp.MustCompile(`/\S*/libtensorflow(_cc)?\.so\S*`)
	notFound   = regexp.MustCompile(`(\S+) => not found|(\S+): cannot open shared object file|version .(GLIBC\S*). not found`)
)

// missingLibraries are those that the loader names, and versions of glibc.
func missingLibraries(said string) []string {
	var all []string
	seen := make(map[string]bool)
	for _, match := range notFound.FindAllStringSubmatch(said, -1) {
		name := strings.TrimRight(match[1]+match[2]+match[3], "'`")
		if !seen[name] {
			seen[name] = true
			all = append(all, name)
		}
	}
	return all
}

// mendLibrary is the command that brings what is missing.
func mendLibrary(program string, missing []string) string {
	all := strings.Join(missing, " ")
	switch {
	case strings.Contains(all, "GLIBC"):
		return "use a newer system (Debian 12, Ubuntu 22.04 or newer), or build the program on this one: make build"
	case strings.Contains(all, "libopencv"):
		return "apt-get install --no-install-recommends libopencv-dev, or build it again: make webcam"
	case strings.Contains(all, "libturbojpeg"):
		return "apt-get install --no-install-recommends libturbojpeg0"
	case strings.Contains(all, "libstdc++"):
		return "apt-get install --no-install-recommends libstdc++6"
	}
	return reinstall(program)
}

// interpreter is the loader that an executable names.
func interpreter(program string) (string, error) {
	file, err := elf.Open(program)
	if err != nil {
		return "", err
	}
	defer file.Close()
	for _, part := range file.Progs {
		if part.Type != elf.PT_INTERP || part.Filesz > 4096 {
			continue
		}
		path := make([]byte, part.Filesz)
		if _, err := part.ReadAt(path, 0); err != nil {
			return "", fmt.Errorf("%s: %w", program, err)
		}
		return strings.TrimRight(string(path), "\x00"), nil
	}
	return "", fmt.Errorf("%s is no program that loads libraries, expected siamese", program)
}

// reinstall is the command that brings a program's libraries again, by where it is.
func reinstall(program string) string {
	folder := filepath.Dir(program)
	if real, err := filepath.EvalSymlinks(program); err == nil {
		folder = filepath.Dir(real)
	}
	switch {
	case strings.Contains(folder, "/site-packages") || strings.Contains(folder, "/dist-packages"):
		return "pip install --force-reinstall siamese-server"
	case exists(filepath.Join(folder, "../scripts/setup.sh")):
		return "make build"
	case folder == "/usr/bin":
		return "apt-get install --reinstall siamese (dnf reinstall siamese)"
	}
	return "unpack the release again, with its folder lib beside bin; from source: make build"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Start says whether a program starts at all, by having it tell its version. Env has
// further variables.
func Start(program string, env ...string) Check {
	const name = "program"
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "version")
	cmd.Env = append(os.Environ(), env...)
	said, err := cmd.CombinedOutput()
	text := oneLine(string(said))
	switch {
	case err == nil:
		return Fine(name, "%s", text)
	case strings.Contains(err.Error(), "illegal instruction") || strings.Contains(text, "instructions"):
		return Fail(name, fmt.Sprintf("%s ends with %v: %s", program, err, text),
			"run it on a processor that has what its TensorFlow was built for (the check processor), or build TensorFlow for this one and set TENSORFLOW_DIR: make build")
	}
	return Fail(name, strings.TrimSuffix(fmt.Sprintf("%s version ends with %v: %s", program, err, text), ": "), reinstall(program))
}
