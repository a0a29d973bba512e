package reference

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// bash is the script for bash. It needs nothing but bash itself.
func (p Program) bash() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Completion of %s for bash, made by '%s completion bash'.\n", p.App.Name, p.App.Name)
	fmt.Fprintf(&b, "%s() {\n", p.function())
	b.WriteString(`    local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} at= word words=
    COMPREPLY=()
    # bash takes --flag=value for three words.
    if [[ $current == = ]]; then
        current=
    elif [[ $previous == = ]]; then
        previous=${COMP_WORDS[COMP_CWORD-2]}
    fi
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$at/$word" in
`)
	for _, node := range p.places()[1:] {
		fmt.Fprintf(&b, "        '%s/%s') at='%s' ;;\n", p.path(node.Parent), node.Name, p.path(node))
	}
	b.WriteString("        esac\n    done\n    case \"$at $previous\" in\n")
	for _, node := range p.places() {
		p.bashValues(&b, node)
	}
	b.WriteString("    *)\n        case \"$at\" in\n")
	for _, node := range p.places() {
		p.bashWords(&b, node)
	}
	fmt.Fprintf(&b, "        esac ;;\n    esac\n    [[ -z $words ]] || mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n}\ncomplete -F %s %s\n", p.function(), p.App.Name)
	return b.String()
}

// bashValues offers what can stand after each flag of a command that takes a value.
func (p Program) bashValues(b *strings.Builder, node *kong.Node) {
	byOffer := make(map[string][]string)
	for _, flag := range p.allFlags(node) {
		if flag.IsBool() {
			continue
		}
		offer := ofFlag(flag).bash()
		for _, spelling := range spellings(flag) {
			byOffer[offer] = append(byOffer[offer], p.path(node)+" "+spelling)
		}
	}
	for _, offer := range slices.Sorted(maps.Keys(byOffer)) {
		fmt.Fprintf(b, "    %s)\n        %s ;;\n", patterns(byOffer[offer]), offer)
	}
}

// bashWords offers flags, and what can stand where none does.
func (p Program) bashWords(b *strings.Builder, node *kong.Node) {
	var flags []string
	for _, flag := range p.allFlags(node) {
		flags = append(flags, spellings(flag)...)
	}
	fmt.Fprintf(b, "        '%s')\n            if [[ $current == -* ]]; then words='%s'; else %s; fi ;;\n",
		p.path(node), strings.Join(flags, " "), p.ofArguments(node).orWords(childNames(node)).bash())
}

// orWords are the values, or some words where there are none.
func (v values) orWords(words []string) values {
	if len(v.words) == 0 && !v.files && !v.folders {
		v.words = words
	}
	return v
}

// bash is the command that offers the values.
func (v values) bash() string {
	switch {
	case v.files:
		return `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$current")`
	case v.folders:
		return `compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -d -- "$current")`
	}
	return "words='" + strings.Join(v.words, " ") + "'"
}
