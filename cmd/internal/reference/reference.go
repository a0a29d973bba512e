// Package reference writes what a program's command line says of itself in other forms:
// a Markdown page, man pages, and the scripts by which shells complete it. All of it
// comes from kong's model, so that none can differ from the program.
package reference

import (
	"strings"

	"github.com/alecthomas/kong"
)

// Program is a program's command line with what kong's model does not have. It is not
// changed here, and safe for concurrent use.
type Program struct {
	App     *kong.Application
	Version string // of the program, for the foot of man pages; may be empty
	Date    string // as 2006-01-02, of the source, likewise; may be empty

	// Examples are command lines by the path of their command, such as "eval verify"; the
	// empty path has those of the program as a whole.
	Examples map[string][]Example

	ExitCodes   []Entry // what each exit code means
	Environment []Entry // variables that belong to no flag
	Files       []Entry // files that the program reads or writes by itself
	SeeAlso     []string
}

// Entry is a term with its explanation.
type Entry struct{ Term, Meaning string }

// Example is a command line with what it does.
type Example struct{ Line, Does string }

// commands are the nodes that a user can call, in the order of the help: those with a
// Run, not what only groups others.
func (p Program) commands() []*kong.Node { return p.App.Leaves(true) }

// path is a command's words without the program's name; empty for the program.
func (p Program) path(node *kong.Node) string {
	return strings.TrimSpace(strings.TrimPrefix(commandPath(node), p.App.Name))
}

// commandPath is a command's words, without what its arguments are.
func commandPath(node *kong.Node) string {
	if node.Parent == nil {
		return node.Name
	}
	return commandPath(node.Parent) + " " + node.Name
}

// visible are the flags of a node itself that its help shows.
func visible(node *kong.Node) []*kong.Flag {
	var flags []*kong.Flag
	for _, flag := range node.Flags {
		if !flag.Hidden {
			flags = append(flags, flag)
		}
	}
	return flags
}

// allFlags are the flags that can be given where a command is: its own and those of
// all commands.
func (p Program) allFlags(node *kong.Node) []*kong.Flag {
	if node == p.App.Node {
		return visible(node)
	}
	return append(visible(node), visible(p.App.Node)...)
}

// usage is a command's line with its arguments.
func usage(node *kong.Node) string {
	words := []string{commandPath(node)}
	for _, argument := range node.Positional {
		words = append(words, argument.Summary())
	}
	return strings.Join(append(words, "[flags]"), " ")
}

// spelling is a flag as it is written, such as "-o, --output=FILE".
func spelling(flag *kong.Flag) string {
	text := "--" + flag.Name
	if flag.Short != 0 {
		text = "-" + string(flag.Short) + ", " + text
	}
	if flag.IsBool() {
		return text
	}
	return text + "=" + valueName(flag)
}

// valueName stands for a flag's value: its placeholder, or what type it is of. A default
// is told elsewhere.
func valueName(flag *kong.Flag) string {
	switch {
	case flag.PlaceHolder != "":
		return flag.PlaceHolder
	case flag.Enum != "":
		return strings.Join(flag.EnumSlice(), "|")
	}
	name := flag.Target.Type().String()
	if i := strings.LastIndexAny(name, ".]*"); i >= 0 {
		name = name[i+1:]
	}
	switch name = strings.ToLower(name); {
	case strings.HasPrefix(name, "int") || strings.HasPrefix(name, "uint"):
		return "N"
	case strings.HasPrefix(name, "float"):
		return "NUMBER"
	case name == "string":
		return "TEXT"
	}
	return strings.ToUpper(name)
}
