package reference

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Shells are those that Completion knows.
var Shells = []string{"bash", "zsh", "fish"}

// Completion returns the script by which a shell completes the program's command line.
// The script asks the program nothing: that would load TensorFlow at every press of the
// key. An error names the shells that are known.
func (p Program) Completion(shell string) (string, error) {
	switch shell {
	case "bash":
		return p.bash(), nil
	case "zsh":
		return p.zsh(), nil
	case "fish":
		return p.fish(), nil
	}
	return "", fmt.Errorf("received the shell %q, expected one of %s", shell, strings.Join(Shells, ", "))
}

// values are what can stand for a flag's value or an argument.
type values struct {
	words   []string // these
	files   bool     // files and folders
	folders bool     // folders alone
}

// ofFlag are the values of a flag that takes one.
func ofFlag(flag *kong.Flag) values {
	if flag.Enum != "" {
		return values{words: flag.EnumSlice()}
	}
	return ofPlaceholder(flag.PlaceHolder)
}

// ofPlaceholder are the values that a placeholder stands for: FILE and PATH are files.
func ofPlaceholder(name string) values {
	for _, part := range strings.FieldsFunc(name, func(r rune) bool { return r < 'A' || r > 'Z' }) {
		switch part {
		case "FILE", "PATH", "IN", "PROGRAM", "PYTHON":
			return values{files: true}
		case "DIR", "FOLDER":
			return values{folders: true}
		}
	}
	return values{}
}

// ofArguments are the values of a command's arguments. All but names are files.
func (p Program) ofArguments(node *kong.Node) values {
	if len(node.Positional) == 0 {
		return values{}
	}
	first := node.Positional[0]
	switch {
	case first.Enum != "":
		return values{words: first.EnumSlice()}
	case first.Name == "command":
		return values{words: childNames(p.App.Node)}
	case first.Name == "name":
		return values{}
	}
	return values{files: true}
}

// places are all nodes at which something can be completed, the program first.
func (p Program) places() []*kong.Node {
	return append([]*kong.Node{p.App.Node}, below(p.App.Node)...)
}

func below(node *kong.Node) []*kong.Node {
	var all []*kong.Node
	for _, child := range node.Children {
		if !child.Hidden {
			all = append(append(all, child), below(child)...)
		}
	}
	return all
}

func childNames(node *kong.Node) []string {
	var names []string
	for _, child := range node.Children {
		if !child.Hidden {
			names = append(names, child.Name)
		}
	}
	return names
}

// spellings are the ways to write a flag.
func spellings(flag *kong.Flag) []string {
	all := []string{"--" + flag.Name}
	if flag.Short != 0 {
		all = append(all, "-"+string(flag.Short))
	}
	return all
}

// function is the name of the program's function in a script.
func (p Program) function() string { return "_" + strings.ReplaceAll(p.App.Name, "-", "_") }

// patterns are the alternatives of a shell's case, each in quotes.
func patterns(all []string) string {
	var quoted []string
	for _, one := range all {
		quoted = append(quoted, "'"+one+"'")
	}
	return strings.Join(quoted, "|")
}

// brief is a help text up to the end of its first sentence or to a colon, as it fits
// beside a word.
func brief(text string) string {
	for _, end := range []string{". ", ": ", "? "} {
		text, _, _ = strings.Cut(text, end)
	}
	return strings.TrimSuffix(text, ".")
}
