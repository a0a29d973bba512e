package reference

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// zsh is the script for zsh, a file of its function path. It tells what each flag does.
func (p Program) zsh() string {
	var b strings.Builder
	name := p.function()
	fmt.Fprintf(&b, "#compdef %s\n# Completion of %s for zsh, made by '%s completion zsh'.\n", p.App.Name, p.App.Name, p.App.Name)
	fmt.Fprintf(&b, "%s() {\n    local at= word\n    local -i position=1 command=1\n", name)
	b.WriteString("    for word in \"${(@)words[2,CURRENT-1]}\"; do\n        position+=1\n        case \"$at/$word\" in\n")
	for _, node := range p.places()[1:] {
		fmt.Fprintf(&b, "        '%s/%s') at='%s' command=$position ;;\n", p.path(node.Parent), node.Name, p.path(node))
	}
	// What is before the command's flags is cut off, so that its arguments are counted
	// from there.
	b.WriteString("        esac\n    done\n    shift $((command - 1)) words\n    (( CURRENT -= command - 1 ))\n    case \"$at\" in\n")
	for _, node := range p.places() {
		fmt.Fprintf(&b, "    '%s')\n        _arguments \\\n", p.path(node))
		for _, flag := range p.allFlags(node) {
			for _, spec := range zshFlag(flag) {
				fmt.Fprintf(&b, "            %s \\\n", spec)
			}
		}
		fmt.Fprintf(&b, "            %s ;;\n", p.zshArguments(node))
	}
	b.WriteString("    esac\n}\n")
	// Read by compinit the file is the function's body; sourced it registers it.
	fmt.Fprintf(&b, "if [[ $funcstack[1] == %s ]]; then\n    %s \"$@\"\nelse\n    compdef %s %s\nfi\n", name, name, name, p.App.Name)
	return b.String()
}

// zshFlag are the words for _arguments about a flag.
func zshFlag(flag *kong.Flag) []string {
	var specs []string
	for _, spelling := range spellings(flag) {
		many := ""
		if flag.IsSlice() || flag.IsMap() {
			many = "*"
		}
		value := ""
		if !flag.IsBool() {
			if value = "=:" + zshText(strings.ToLower(flag.Name)) + ":" + ofFlag(flag).zsh(); !strings.HasPrefix(spelling, "--") {
				value = "+" + value[1:]
			}
		}
		about := "[" + zshText(brief(flag.Help)) + "]"
		if sign := strings.IndexByte(value, ':'); sign > 0 {
			specs = append(specs, "'"+many+spelling+value[:sign]+about+value[sign:]+"'")
			continue
		}
		specs = append(specs, "'"+many+spelling+about+value+"'")
	}
	return specs
}

// zshArguments completes what is no flag.
func (p Program) zshArguments(node *kong.Node) string {
	if len(node.Children) == 0 {
		return "'*:argument:" + p.ofArguments(node).zsh() + "'"
	}
	var commands []string
	for _, child := range node.Children {
		if !child.Hidden {
			commands = append(commands, zshText(child.Name)+`\:"`+zshText(brief(child.Help))+`"`)
		}
	}
	return "'1:command:((" + strings.Join(commands, " ") + "))'"
}

// zsh is the action that offers the values.
func (v values) zsh() string {
	switch {
	case v.files:
		return "_files"
	case v.folders:
		return "_files -/"
	case len(v.words) > 0:
		return "(" + strings.Join(v.words, " ") + ")"
	}
	return "()" // an action of one space would keep flags from being put in
}

// zshText is a text within a quoted word of _arguments.
func zshText(text string) string {
	return strings.NewReplacer(`\`, "", "'", `'\''`, ":", `\:`, "[", `\[`, "]", `\]`, `"`, "", "(", "", ")", "", "`", "", "$", "").Replace(text)
}
