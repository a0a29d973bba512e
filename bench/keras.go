package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"siamese/train"
)

// kerasProcess is scripts/keras_bench.py at work: it does a training step, or
// predicts all pairs, for each line it is sent.
type kerasProcess struct {
	command *exec.Cmd
	dir     string // holds the images
	input   io.WriteCloser
	output  *bufio.Scanner
	log     *bytes.Buffer // complete once the process has ended
	isWarm  bool          // a step was done
}

// kerasTrainer starts the command on the images and pairs of a batch, and waits
// until it is ready.
func kerasTrainer(ctx context.Context, command []string, batch train.Batch) (*kerasProcess, error) {
	return startKeras(ctx, append(append([]string(nil), command...), "--same", digits(batch.Same)), batch.Pixels)
}

// startKeras starts the command on images, uint8 [2n,H,W,3] of n pairs, and
// waits until it is ready. The caller stops it.
func startKeras(ctx context.Context, command []string, pixels []byte) (*kerasProcess, error) {
	dir, err := os.MkdirTemp("", "siamese-bench-")
	if err != nil {
		return nil, err
	}
	k := &kerasProcess{dir: dir, log: new(bytes.Buffer)}
	if err := k.start(ctx, command, pixels); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	line, err := k.receive()
	if err == nil && line != "ready" {
		err = fmt.Errorf("keras said %q, want ready", line)
	}
	if err != nil {
		return nil, errors.Join(err, k.stop())
	}
	return k, nil
}

func (k *kerasProcess) start(ctx context.Context, command []string, pixels []byte) error {
	path := filepath.Join(k.dir, "pixels")
	if err := os.WriteFile(path, pixels, 0o600); err != nil {
		return err
	}
	arguments := append(append([]string(nil), command[1:]...), "--pixels", path)
	k.command = exec.CommandContext(ctx, command[0], arguments...)
	k.command.Stderr = k.log
	EndWithParent(k.command)
	output, err := k.command.StdoutPipe()
	if err != nil {
		return err
	}
	k.output = bufio.NewScanner(output)
	if k.input, err = k.command.StdinPipe(); err != nil {
		return err
	}
	return k.command.Start()
}

// digits has a 1 for each same pair and a 0 for each other.
func digits(same []bool) string {
	var text strings.Builder
	for _, is := range same {
		if is {
			text.WriteByte('1')
		} else {
			text.WriteByte('0')
		}
	}
	return text.String()
}

// ask sends a line and gives the line that is answered.
func (k *kerasProcess) ask(line string) (string, error) {
	if _, err := io.WriteString(k.input, line+"\n"); err != nil {
		return "", fmt.Errorf("keras: %w", err)
	}
	return k.receive()
}

// receive gives the next line.
func (k *kerasProcess) receive() (string, error) {
	if !k.output.Scan() {
		return "", errors.Join(errors.New("keras ended"), k.output.Err())
	}
	return k.output.Text(), nil
}

// step has Keras do a step and gives its seconds, without the way of the line.
// The first step's loss must be ours: else the two do not do the same work.
func (k *kerasProcess) step(ourLoss float64) (float64, error) {
	line, err := k.ask("step")
	if err != nil {
		return 0, err
	}
	var seconds, loss float64
	if _, err := fmt.Sscan(line, &seconds, &loss); err != nil || !(seconds > 0) {
		return 0, fmt.Errorf("keras said %q, want the seconds and the loss of a step", line)
	}
	if !k.isWarm && !(math.Abs(loss-ourLoss) <= lossTolerance) {
		return 0, fmt.Errorf("keras' first loss is %g, ours %g: the networks are not the same", loss, ourLoss)
	}
	k.isWarm = true
	return seconds, nil
}

// stop ends Keras by ending its input, and removes the images.
func (k *kerasProcess) stop() error {
	err := k.input.Close()
	if wait := k.command.Wait(); wait != nil {
		err = errors.Join(err, fmt.Errorf("keras: %w: %s", wait, k.log))
	}
	return errors.Join(err, os.RemoveAll(k.dir))
}
