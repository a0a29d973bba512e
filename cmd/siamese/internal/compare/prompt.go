package compare

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"siamese/cmd/internal/cli"
)

// prompt is upstream's predict.py: it asks for two file names, prints their
// similarity, and asks again, until the input ends or ctx is done. A file that
// can't be used is named by its number, and the prompt starts again.
func (c *Command) prompt(ctx context.Context, comparer comparer, s cli.Streams) error {
	lines := readLines(ctx, s.In)
	for {
		var paths [2]string
		for i := range paths {
			fmt.Fprintf(s.Out, "Input image_%d filename:", i+1)
			line, ok := nextLine(ctx, lines)
			if !ok {
				fmt.Fprintln(s.Out)
				return cli.Interrupted(ctx, "")
			}
			paths[i] = line
		}
		err := c.files(ctx, comparer, s, paths[0], paths[1])
		picture, isPicture := errors.AsType[*pictureError](err)
		switch {
		case isPicture:
			fmt.Fprintf(s.Out, "Image_%d Open Error! Try again! (%v)\n", picture.index+1, picture)
		case err != nil:
			return err
		}
	}
}

// readLines reads lines in a goroutine of its own, since reading a terminal
// can't be interrupted; it ends with the input, or after ctx at the next line.
func readLines(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string) // 0: the next line is read when it is asked for
	go func() {
		defer close(lines)
		scanner := bufio.NewScanner(in)
		for scanner.Scan() {
			select {
			case lines <- strings.TrimSpace(scanner.Text()):
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

func nextLine(ctx context.Context, lines <-chan string) (string, bool) {
	select {
	case line, ok := <-lines:
		return line, ok
	case <-ctx.Done():
		return "", false
	}
}
