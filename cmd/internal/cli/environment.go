package cli

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// prefix begins the names of the variables that flags of all programs can come from.
const prefix = "SIAMESE"

// Variable says which variables a flag comes from where that is not the one of all
// flags of its name.
type Variable struct {
	// Own begins the names of the flag's own variable, such as "SIAMESE_TRAIN"; its
	// name follows. Empty: there is none of its own.
	Own string
	// Shared has the variable of all flags of that name count where its own is not
	// set.
	Shared bool
	// Refused refuses a command line for which the shared variable is set and its
	// own is not: until there was an own one it counted, and it means something else
	// to other commands.
	Refused bool
}

// variables gives flags the variables that the program says: by the paths of commands
// and a flag's name, such as "train shift", or a flag's name alone.
func (p Program) variables() kong.Option {
	return kong.PostBuild(func(k *kong.Kong) error {
		for _, path := range slices.Sorted(maps.Keys(p.Variables)) {
			words := strings.Fields(path)
			node := k.Model.Node
			for _, name := range words[:len(words)-1] {
				if node = child(node, name); node == nil {
					return fmt.Errorf("variables of %q: no such command", path)
				}
			}
			flag := flagOf(node, words[len(words)-1])
			if flag == nil {
				return fmt.Errorf("variables of %q: no such flag", path)
			}
			names := p.Variables[path].names(flag.Name)
			flag.Envs, flag.Tag.Envs = names, names
		}
		return nil
	})
}

func flagOf(node *kong.Node, name string) *kong.Flag {
	for _, flag := range node.Flags {
		if flag.Name == name {
			return flag
		}
	}
	return nil
}

// variable is the name of a flag's variable.
func variable(prefix, flag string) string {
	return prefix + "_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

func (v Variable) names(flag string) []string {
	var names []string
	if v.Own != "" {
		names = append(names, variable(v.Own, flag))
	}
	if v.Shared {
		names = append(names, variable(prefix, flag))
	}
	return names
}

// checkVariables refuses what a variable no longer means.
func (p Program) checkVariables(parsed *kong.Context) error {
	command := parsed.Selected()
	if command == nil {
		return nil
	}
	for _, flag := range command.Flags {
		v, ok := p.Variables[strings.TrimPrefix(command.Path()+" "+flag.Name, p.Name+" ")]
		if !ok || !v.Refused {
			continue
		}
		old, own := variable(prefix, flag.Name), variable(v.Own, flag.Name)
		_, isOld := os.LookupEnv(old)
		if _, isOwn := os.LookupEnv(own); isOld && !isOwn {
			return fmt.Errorf("the variable %s is another command's, expected %s for --%s of %s: set that, or unset %s", old, own, flag.Name, command.Path(), old)
		}
	}
	return nil
}

// Misspelt are the variables that are set, that no flag comes from, and that a letter
// or two would make those of a flag, with what they may have been meant to be.
func Misspelt(app *kong.Application) []string {
	known := make(map[string]bool)
	for _, flag := range flagsBelow(app.Node) {
		for _, name := range flag.Envs {
			known[name] = true
		}
	}
	names := slices.Sorted(maps.Keys(known))
	var all []string
	for _, setting := range os.Environ() {
		name, _, _ := strings.Cut(setting, "=")
		word, isOurs := strings.CutPrefix(name, prefix+"_")
		if !isOurs || known[name] {
			continue
		}
		best, least := "", max(1, len(word)/5)+1
		for _, other := range names {
			if distance := edits(name, other); distance < least {
				best, least = other, distance
			}
		}
		if best != "" {
			all = append(all, fmt.Sprintf("%s (did you mean %s?)", name, best))
		}
	}
	return all
}
