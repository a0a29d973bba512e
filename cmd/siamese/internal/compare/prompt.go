package compare

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"siamese/cmd/internal/cli"
	"siamese/cmd/siamese/internal/scorer"
)

// prompt is upstream's predict.py: it asks for two file names, prints their
// similarity, and asks again, until the input ends or ctx is done. A file that
// can't be used is named by its number, and the prompt starts again. Input that ends
// before the first name is an error, unless it is a terminal, where a person ended it.
func (c *Command) prompt(ctx context.Context, s cli.Streams) (err error) {
	by, err := c.Open(ctx, s.Err, c.ScoreFlags)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, by.Close()) }()
	lines := readLines(ctx, s.In)
	for asked := 0; ; asked++ {
		var paths [2]string
		for i := range paths {
			fmt.Fprintf(s.Out, "Input image_%d filename:", i+1)
			line, ok := nextLine(ctx, lines)
			if !ok {
				fmt.Fprintln(s.Out)
				return c.ended(ctx, s, asked+i > 0)
			}
			paths[i] = line
		}
		pair, err := c.read(ctx, s, paths[0], paths[1])
		if err == nil {
			err = c.compare(ctx, by, s, pair)
		}
		picture, isPicture := errors.AsType[*scorer.PictureError](err)
		switch {
		case isPicture:
			fmt.Fprintf(s.Out, "Image_%d Open Error! Try again! (%v)\n", picture.Index+1, picture)
		case err != nil:
			return err
		}
	}
}

// ended is what an end of the input comes to.
func (c *Command) ended(ctx context.Context, s cli.Streams, named bool) error {
	if err := cli.Interrupted(ctx, ""); err != nil {
		return err
	}
	if file, ok := s.In.(*os.File); named || ok && term.IsTerminal(int(file.Fd())) {
		return nil
	}
	return cli.Usage(errors.New("compare: no image named, and standard input, which was asked for names, is empty or closed: expected two files, as in siamese compare A.png B.png"))
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
