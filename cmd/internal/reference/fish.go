package reference

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// fish is the script for fish. It tells what each flag does.
func (p Program) fish() string {
	var b strings.Builder
	at := "_" + p.function() + "_at"
	fmt.Fprintf(&b, "# Completion of %s for fish, made by '%s completion fish'.\n", p.App.Name, p.App.Name)
	fmt.Fprintf(&b, "function %s\n    set -l at ''\n    for word in (commandline -opc)[2..-1]\n        switch \"$at/$word\"\n", at)
	for _, node := range p.places()[1:] {
		fmt.Fprintf(&b, "            case '%s/%s'\n                set at '%s'\n", p.path(node.Parent), node.Name, p.path(node))
	}
	b.WriteString("        end\n    end\n    test \"$at\" = \"$argv[1]\"\nend\n")
	fmt.Fprintf(&b, "complete -c %s -f\n", p.App.Name)
	for _, node := range p.places() {
		when := fmt.Sprintf("complete -c %s -n %s", p.App.Name, fishQuote(at+" "+fishQuote(p.path(node))))
		for _, child := range node.Children {
			if !child.Hidden {
				fmt.Fprintf(&b, "%s -a %s -d %s\n", when, fishQuote(child.Name), fishQuote(brief(child.Help)))
			}
		}
		if offer := p.ofArguments(node).fish(); len(node.Children) == 0 && offer != "" {
			fmt.Fprintf(&b, "%s%s\n", when, offer)
		}
		for _, flag := range p.allFlags(node) {
			fmt.Fprintf(&b, "%s%s\n", when, fishFlag(flag))
		}
	}
	return b.String()
}

// fishFlag is what follows "complete" for a flag.
func fishFlag(flag *kong.Flag) string {
	text := " -l " + flag.Name
	if flag.Short != 0 {
		text += " -s " + string(flag.Short)
	}
	if !flag.IsBool() {
		text += ofFlag(flag).fishValue()
	}
	return text + " -d " + fishQuote(brief(flag.Help))
}

// fish is what offers the values; -F allows files, which are off elsewhere.
func (v values) fish() string {
	switch {
	case v.files:
		return " -F"
	case v.folders:
		return " -a '(__fish_complete_directories)'"
	case len(v.words) > 0:
		return " -a " + fishQuote(strings.Join(v.words, " "))
	}
	return ""
}

// fishValue is what offers the values of a flag, which must have one: files where it
// takes some, else none.
func (v values) fishValue() string {
	if v.files {
		return " -r -F"
	}
	return " -x" + v.fish()
}

func fishQuote(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}
