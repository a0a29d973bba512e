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
	"strconv"
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

// How much is compared with Keras, and the bars.
const (
	kerasPairs        = 8
	kerasRounds       = 7
	kerasDistinctBar  = 1.35
	kerasReferenceBar = 2.7

	// kerasTolerance is how far similarities may be apart: float32 sums in another
	// order (tests hold goldens to the same).
	kerasTolerance = 1e-4
)

// kerasRows hold Compare, and frames against a fixed reference, against Keras'
// predict: the same pairs, one after the other. Keras is given prepared pictures,
// the server files.
func (s Speed) kerasRows(ctx context.Context, to target, drawings [][]byte) (_ []Row, err error) {
	if len(s.Keras) == 0 {
		return nil, nil
	}
	s.say("starting Keras")
	reference, frames := drawings[0], drawings[1:kerasPairs+1]
	pixels, err := s.prepareEach(reference, frames)
	if err != nil {
		return nil, err
	}
	peer, err := startKeras(ctx, s.Keras, pixels)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, peer.stop()) }()
	stream, err := to.openStream(ctx, reference, 1)
	if err != nil {
		return nil, err
	}
	defer stream.Close() //nolint:errcheck // returns nil
	s.say("Compare and a stream's frames, in turn with Keras' predict")
	seconds, err := InTurn(kerasRounds, kerasWorks(ctx, peer, to, stream, reference, frames)...)
	if err != nil {
		return nil, err
	}
	return kerasRates(seconds[0], seconds[1], seconds[2]), nil
}

// prepareEach gives the pairs of the reference and each frame, uint8 [2n,H,W,3].
func (s Speed) prepareEach(reference []byte, frames [][]byte) ([]byte, error) {
	var pixels []byte
	for _, frame := range frames {
		for _, file := range [][]byte{reference, frame} {
			image, err := s.Prepare(file)
			if err != nil {
				return nil, err
			}
			pixels = append(pixels, image...)
		}
	}
	return pixels, nil
}

// kerasWorks have Keras, Compare and the stream score all pairs once. Keras'
// similarities must be ours: else the sides do not do the same work.
func kerasWorks(ctx context.Context, peer *kerasProcess, to target, stream stream, reference []byte, frames [][]byte) []Work {
	var similarities []float64
	scoring := func(score func(frame []byte) (float32, error)) Work {
		return Clocked(func(int) error {
			for i, frame := range frames {
				similarity, err := score(frame)
				if err != nil {
					return err
				}
				if !(math.Abs(float64(similarity)-similarities[i]) <= kerasTolerance) {
					return fmt.Errorf("pair %d: keras says %v, the server %v: the networks are not the same", i, similarities[i], similarity)
				}
			}
			return nil
		})
	}
	return []Work{
		func(int) (seconds float64, err error) {
			seconds, similarities, err = peer.predict(len(frames))
			return seconds, err
		},
		scoring(func(frame []byte) (float32, error) { return to.compare(ctx, reference, frame) }),
		scoring(func(frame []byte) (float32, error) { return stream.score(ctx, frame) }),
	}
}

// predict has Keras tell the similarity of each pair, and gives the seconds that
// all took.
func (k *kerasProcess) predict(pairs int) (seconds float64, similarities []float64, err error) {
	line, err := k.ask("predict")
	if err != nil {
		return 0, nil, err
	}
	for _, word := range strings.Fields(line) {
		number, err := strconv.ParseFloat(word, 64)
		if err != nil {
			return 0, nil, fmt.Errorf("keras said %q, want numbers", line)
		}
		similarities = append(similarities, number)
	}
	if len(similarities) != pairs+1 || !(similarities[0] > 0) {
		return 0, nil, fmt.Errorf("keras said %q, want the seconds and the similarities of %d pairs", line, pairs)
	}
	return similarities[0], similarities[1:], nil
}

// kerasRates are the figures of the seconds in which each side scored all pairs.
func kerasRates(keras, distinct, reference []float64) []Row {
	return []Row{
		Figure("Keras' predict, a pair at a time", kerasPairs/Median(keras), "pairs/s"),
		Figure("Compare of the same pairs, one after the other", kerasPairs/Median(distinct), "pairs/s"),
		AtLeast("Compare to Keras' predict", MedianRatio(keras, distinct), "×", kerasDistinctBar),
		Figure("frames of the same pairs, one after the other", kerasPairs/Median(reference), "pairs/s"),
		AtLeast("frames against a fixed reference to Keras' predict", MedianRatio(keras, reference), "×", kerasReferenceBar),
	}
}
