package doctest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Run runs the blocks of a document in a session, to the first one that fails, and
// returns how many it ran and what it left out since a program is missing.
func (d Document) Run(s *Session) (ran int, leftOut []string, err error) {
	for i, block := range d.Blocks {
		if missing := s.missing(block); missing != "" {
			leftOut = append(leftOut, fmt.Sprintf("%s:%d: %s is not on the PATH", d.Path, block.Line, missing))
			continue
		}
		err := s.prepare(block)
		switch {
		case err != nil || block.NotRun != "":
		case block.Log:
			err = s.checkLog(block)
		case block.Commands():
			ran++
			err = s.run(block, d.shownAfter(i))
		}
		if err != nil {
			return ran, leftOut, fmt.Errorf("%s:%d: %w", d.Path, block.Line, err)
		}
	}
	return ran, leftOut, nil
}

// missing returns the program that a block needs and that is not there.
func (s *Session) missing(block Block) string {
	if block.Needs == "" {
		return ""
	}
	found, err := s.ask(fmt.Sprintf("type -P %q >/dev/null && echo found || echo missing", block.Needs))
	if err != nil || found == "found" {
		return ""
	}
	return block.Needs
}

// shownAfter returns the block of text or JSON that shows what block i prints, or nil.
func (d Document) shownAfter(i int) *Block {
	if i+1 == len(d.Blocks) || d.Blocks[i].Language == "console" {
		return nil
	}
	after := &d.Blocks[i+1]
	if (after.Language == "text" || after.Language == "json") && !after.Log && after.NotRun == "" && after.File == "" && after.Shows == "" {
		return after
	}
	return nil
}

// prepare does what comes before a block, whatever it is.
func (s *Session) prepare(block Block) error {
	if block.Stop {
		if err := s.Stop(); err != nil {
			return err
		}
	}
	for _, command := range block.First {
		if _, err := s.Run(command+"\n", 0); err != nil {
			return fmt.Errorf("first: %w", err)
		}
	}
	if block.File == "" {
		return nil
	}
	folder, err := s.ask("pwd")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, block.File), []byte(s.ports.replace(block.Text)), 0o600)
}

// run runs a block of commands and holds what it prints against what is shown.
func (s *Session) run(block Block, after *Block) error {
	for _, command := range CommandsOf(block) {
		text, err := replaced(command.Text, block.With)
		if err != nil {
			return err
		}
		var printed string
		if block.Until != "" {
			printed, err = s.Start(text, block.Until)
		} else {
			printed, err = s.Run(text, block.Exit)
		}
		if err != nil {
			return err
		}
		shown, varies := command.Shown, block.Varies
		if after != nil {
			shown, varies = after.Text, after.Varies
		}
		if after == nil && !command.HasShown {
			continue
		}
		if mismatch := Mismatch(shown, printed, varies); mismatch != "" {
			return errors.New(mismatch)
		}
	}
	return nil
}

// replaced puts what is run in place of what is shown. Where a document lacks what a
// comment replaces, the comment is out of date.
func replaced(text string, with [][2]string) (string, error) {
	for _, pair := range with {
		if !strings.Contains(text, pair[0]) {
			return "", fmt.Errorf("the block has no %q, which a comment replaces", pair[0])
		}
		text = strings.ReplaceAll(text, pair[0], pair[1])
	}
	return text, nil
}

// checkLog holds a log block against what the background prints.
func (s *Session) checkLog(block Block) error {
	if len(s.running) == 0 {
		return errors.New("a log is shown, and nothing runs in the background")
	}
	log := s.running[len(s.running)-1].log
	ctx, cancel := s.patience()
	defer cancel()
	if missing := log.shows(ctx, block.Text, block.Varies); missing != "" {
		return fmt.Errorf("the background did not print %q, but\n%s", missing, log.all())
	}
	return nil
}
