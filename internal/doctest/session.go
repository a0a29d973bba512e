package doctest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Session is a shell that runs the blocks of one document. It is not safe for
// concurrent use.
type Session struct {
	// Folder is where the document's commands begin.
	Folder string

	ctx     context.Context // that of the document: all of it ends with the session
	ports   ports
	scratch string // scripts, outputs and pipes, outside the folder
	shell   *exec.Cmd
	stdin   io.WriteCloser
	answers *bufio.Scanner
	blocks  int // of all that ran, to name files
	running []running
}

// running is a program in the background, by the number that the shell waits for.
type running struct {
	pid string
	log *background
}

// awaited is how long a program in the background may take to print what is waited for.
const awaited = time.Minute

// NewSession starts a shell in folder with these variables of the environment. All that
// it started ends with Close.
func NewSession(ctx context.Context, folder, scratch string, env []string) (*Session, error) {
	free, err := freePorts()
	if err != nil {
		return nil, err
	}
	s := &Session{Folder: folder, ctx: ctx, ports: free, scratch: scratch}
	s.shell = exec.CommandContext(ctx, "bash", "--norc", "--noprofile")
	s.shell.Dir = folder
	s.shell.Env = append(slices.Clone(env), "SIAMESE_ADDR=127.0.0.1:"+free["50051"], "SIAMESE_HTTP_ADDR=127.0.0.1:"+free["8080"])
	s.shell.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	s.shell.Stderr = os.Stderr
	if s.stdin, err = s.shell.StdinPipe(); err != nil {
		return nil, err
	}
	answers, err := s.shell.StdoutPipe()
	if err != nil {
		return nil, err
	}
	s.answers = bufio.NewScanner(answers)
	if err := s.shell.Start(); err != nil {
		return nil, err
	}
	_, err = s.ask("set -m; shopt -s expand_aliases; echo ready")
	return s, err
}

// ask has the shell run a line that prints one line, which it returns.
func (s *Session) ask(line string) (string, error) {
	if _, err := io.WriteString(s.stdin, line+"\n"); err != nil {
		return "", err
	}
	if !s.answers.Scan() {
		return "", errors.New("the shell ended")
	}
	return s.answers.Text(), nil
}

// Run runs a command and returns what it printed. An exit code other than the expected
// one is an error. Each command of it has to end well, as under set -e.
func (s *Session) Run(text string, exit int) (string, error) {
	script, output, err := s.write(text)
	if err != nil {
		return "", err
	}
	// Without set -e nothing but the last command counts; with it the shell ends. One
	// that is to fail runs in a shell of its own.
	line := fmt.Sprintf("set -e; . %q >%q 2>&1 </dev/null; set +e; echo 0", script, output)
	if exit != 0 {
		line = fmt.Sprintf("( set -e; . %q ) >%q 2>&1 </dev/null; echo $?", script, output)
	}
	code, err := s.ask(line)
	printed, readErr := os.ReadFile(output) //nolint:gosec // what the shell was told to write
	text = s.ports.restore(string(printed))
	switch {
	case err != nil:
		return text, fmt.Errorf("a command failed, expected exit code %d: %w\n%s", exit, err, text)
	case code != fmt.Sprint(exit):
		return text, fmt.Errorf("exit code %s, expected %d\n%s", code, exit, text)
	}
	return text, readErr
}

// write puts a command into a file and returns its path and one for what it prints.
func (s *Session) write(text string) (script, output string, err error) {
	s.blocks++
	script = filepath.Join(s.scratch, fmt.Sprintf("%02d.sh", s.blocks))
	output = filepath.Join(s.scratch, fmt.Sprintf("%02d.out", s.blocks))
	return script, output, os.WriteFile(script, []byte(s.ports.replace(text)), 0o600)
}

// Start runs a command in the background and waits until it has printed words.
func (s *Session) Start(text, words string) (string, error) {
	script, output, err := s.write(text)
	if err != nil {
		return "", err
	}
	log, err := follow(output, s.ports.restore)
	if err != nil {
		return "", err
	}
	// The trap lets the program end by itself on a signal to the group, and its exit
	// code be that of the whole.
	pid, err := s.ask(fmt.Sprintf("( trap : TERM; . %q ) >%q 2>&1 </dev/null & echo $!", script, output))
	if err != nil {
		return "", err
	}
	s.running = append(s.running, running{pid: pid, log: log})
	ctx, cancel := s.patience()
	defer cancel()
	if log.await(ctx, 0, func(line string) bool { return strings.Contains(line, words) }) < 0 {
		return "", fmt.Errorf("%q was not printed, but\n%s", words, log.all())
	}
	return log.all(), nil
}

// Stop ends what is in the background by SIGTERM. Exit codes other than 0 are errors.
func (s *Session) Stop() error {
	var failed []error
	for _, one := range s.running {
		code, err := s.ask(fmt.Sprintf("kill -TERM -- -%s; wait %s; echo $?", one.pid, one.pid))
		if err != nil { // the shell ended, so that the group is all that there is to end
			if pid, bad := strconv.Atoi(one.pid); bad == nil {
				_ = syscall.Kill(-pid, syscall.SIGKILL)
			}
		} else if code != "0" {
			err = fmt.Errorf("exit code %s on SIGTERM, expected 0\n%s", code, one.log.all())
		}
		failed = append(failed, err)
	}
	s.running = nil
	return errors.Join(failed...)
}

// Close ends the shell and all that it started.
func (s *Session) Close() error {
	err := s.Stop()
	_ = s.stdin.Close()
	return errors.Join(err, s.shell.Wait())
}

// patience bounds how long a program in the background is waited for.
func (s *Session) patience() (context.Context, context.CancelFunc) {
	return context.WithTimeout(s.ctx, awaited)
}
