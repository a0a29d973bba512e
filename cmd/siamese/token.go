package main

import (
	"fmt"
	"os"

	"siamese/cmd/internal/cli"
	"siamese/server/access"
)

type tokenCommand struct {
	Name string `arg:"" help:"Who the token is for: letters, digits, dots, dashes, underscores, @."`

	Out string `help:"Write the token to this new file, for its owner alone, instead of showing it." placeholder:"FILE"`
}

// Run prints the line for the file of serve's --tokens; the token itself goes to
// standard error, or to a file, so that the line can be appended.
func (c *tokenCommand) Run(s cli.Streams) error {
	token, line, err := access.NewToken(c.Name)
	if err != nil {
		return cli.Usage(err)
	}
	if c.Out == "" {
		fmt.Fprintf(s.Err, "token, shown only now: %s\n", token)
	} else if err := writeToken(c.Out, token); err != nil {
		return err
	}
	_, err = fmt.Fprintln(s.Out, line)
	return err
}

// writeToken never replaces a file: it may hold a token that is in use.
func writeToken(path, token string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(file, token); err != nil {
		_ = file.Close()
		return err
	}
	return file.Close()
}
