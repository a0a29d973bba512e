package doctest

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// comment is a comment on a line of its own.
var comment = regexp.MustCompile(`^\s*<!-- (.*?) -->\s*$`)

// noneRun begins the comment of a document of which nothing is run.
const noneRun = "none is run:"

// Parse returns the document that text is; path names it in errors alone.
func Parse(path, text string) (Document, error) {
	document := Document{Path: path}
	var marks Marks
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		fence, language, opens := openingFence(lines[i])
		switch found := comment.FindStringSubmatch(lines[i]); {
		case found != nil && found[1] == "folder: source":
			document.Source = true
		case found != nil && strings.HasPrefix(found[1], noneRun):
			document.NoneRun = strings.TrimSpace(found[1][len(noneRun):])
		case found != nil:
			if err := marks.add(found[1]); err != nil {
				return document, fmt.Errorf("line %d: %w", i+1, err)
			}
		case opens:
			end := closingFence(lines, i+1, strings.TrimSpace(fence))
			if end < 0 {
				return document, fmt.Errorf("line %d: the block that opens here is not closed", i+1)
			}
			block := Block{Line: i + 1, Language: language, Text: within(lines[i+1:end], fence), Marks: marks}
			document.Blocks = append(document.Blocks, block)
			marks, i = Marks{}, end
		case strings.TrimSpace(lines[i]) != "":
			marks = Marks{}
		}
	}
	return document, nil
}

// openingFence returns the fence with its indentation, and the language after it.
func openingFence(line string) (fence, language string, ok bool) {
	bare := strings.TrimLeft(line, " ")
	ticks := len(bare) - len(strings.TrimLeft(bare, "`"))
	if ticks < 3 {
		return "", "", false
	}
	language, _, _ = strings.Cut(strings.TrimSpace(bare[ticks:]), " ")
	return line[:len(line)-len(bare)+ticks], language, true
}

// closingFence returns the index of the line that closes a block, or -1.
func closingFence(lines []string, from int, fence string) int {
	for i := from; i < len(lines); i++ {
		if strings.TrimSpace(lines[i]) == fence {
			return i
		}
	}
	return -1
}

// within joins the lines of a block, without the indentation of its fence.
func within(lines []string, fence string) string {
	indentation := fence[:len(fence)-len(strings.TrimLeft(fence, " "))]
	var text strings.Builder
	for _, line := range lines {
		text.WriteString(strings.TrimPrefix(line, indentation) + "\n")
	}
	return text.String()
}

// add takes a comment in. Comments that begin with none of the words are a person's.
func (m *Marks) add(text string) (err error) {
	key, value, _ := strings.Cut(text, ":")
	value = strings.TrimSpace(value)
	switch key {
	case "not run":
		m.NotRun = value
	case "needs":
		m.Needs = value
	case "with":
		from, to, ok := strings.Cut(value, " => ")
		if !ok {
			return fmt.Errorf("received %q, expected with: OLD => NEW", text)
		}
		m.With = append(m.With, [2]string{from, to})
	case "first":
		m.First = append(m.First, value)
	case "file":
		m.File = value
	case "shows":
		m.Shows = value
	case "until":
		m.Until = value
	case "stop":
		m.Stop = true
	case "exit":
		m.Exit, err = strconv.Atoi(value)
	case "log":
		m.Log = true
	case "varies":
		var expression *regexp.Regexp
		expression, err = regexp.Compile(value)
		m.Varies = append(m.Varies, expression)
	}
	return err
}

// Command is one command of a block, with what is shown of what it prints.
type Command struct {
	// Text is what is run.
	Text string
	// Shown is what it is to print; checked only where HasShown.
	Shown    string
	HasShown bool
}

// CommandsOf returns the commands of a block: of console each with what it prints, of
// others the whole block.
func CommandsOf(block Block) []Command {
	if block.Language != "console" {
		return []Command{{Text: block.Text}}
	}
	var commands []Command
	lines := strings.SplitAfter(strings.TrimSuffix(block.Text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		text, ok := strings.CutPrefix(lines[i], "$ ")
		switch {
		case ok:
			for ; i+1 < len(lines) && continues(text); i++ {
				text += lines[i+1]
			}
			commands = append(commands, Command{Text: text + "\n", HasShown: true})
		case len(commands) > 0:
			commands[len(commands)-1].Shown += lines[i]
		}
	}
	return commands
}

// hereDocument finds the word that ends a here-document.
var hereDocument = regexp.MustCompile(`<<'?(\w+)'?`)

// continues reports whether a command goes on in the next line.
func continues(text string) bool {
	if found := hereDocument.FindStringSubmatch(text); found != nil {
		return !strings.Contains(text, "\n"+found[1]+"\n") && !strings.HasSuffix(text, "\n"+found[1])
	}
	return strings.HasSuffix(strings.TrimSuffix(text, "\n"), `\`)
}
