package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

// configuration is a JSON file with values for flags. Its keys are flags' names, as
// "log-level", "log_level" or "logLevel", for all commands that have such a flag; below
// the name of a command are those for it alone, which beat the others.
type configuration struct {
	file   string
	values map[*kong.Flag]any
	// errs are what is wrong with values, for the flags that can't take them. It
	// counts only where such a flag is asked for: another command's may take it.
	errs map[*kong.Flag]error
}

// newConfiguration reads a file for an application. Commands that same names without
// values of their own get those of another. Errors name the file and the key.
func newConfiguration(in io.Reader, app *kong.Application, same map[string]string) (*configuration, error) {
	c := &configuration{file: "configuration", values: make(map[*kong.Flag]any), errs: make(map[*kong.Flag]error)}
	if file, ok := in.(interface{ Name() string }); ok {
		c.file = file.Name()
	}
	members, err := decodeObject(in)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.file, err)
	}
	for name, other := range same {
		if section, isSection := members[other].(map[string]any); isSection && members[name] == nil {
			members[name] = known(child(app.Node, name), section)
		}
	}
	if err := c.take(app.Node, members, ""); err != nil {
		return nil, fmt.Errorf("%s: %w", c.file, err)
	}
	return c, nil
}

// known are the members that are for a flag of a command.
func known(command *kong.Node, members map[string]any) map[string]any {
	all := make(map[string]any)
	for key, value := range members {
		if slices.ContainsFunc(flagsBelow(command), func(f *kong.Flag) bool { return plain(f.Name) == plain(key) }) {
			all[key] = value
		}
	}
	return all
}

// decodeObject reads one JSON object and nothing after it. Numbers stay as written.
func decodeObject(in io.Reader) (map[string]any, error) {
	decoder := json.NewDecoder(in)
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		return nil, fmt.Errorf("expected a JSON object: %w", err)
	}
	if members == nil {
		return nil, errors.New("received null, expected a JSON object")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("received more after the JSON object, at byte %d", decoder.InputOffset())
	}
	return members, nil
}

// take sorts the members of an object to the flags of a node and of those below it.
// Objects, which are for a command below, come last: they beat the others.
func (c *configuration) take(node *kong.Node, members map[string]any, path string) error {
	var below []string
	seen := make(map[string]string) // a key by its plain form
	for _, key := range slices.Sorted(maps.Keys(members)) {
		if _, isObject := members[key].(map[string]any); isObject && child(node, key) != nil {
			below = append(below, key)
			continue
		}
		if other, twice := seen[plain(key)]; twice {
			return fmt.Errorf("keys %q and %q are one flag, expected it once", path+other, path+key)
		}
		seen[plain(key)] = key
		if err := c.set(node, key, path, members[key]); err != nil {
			return err
		}
	}
	for _, key := range below {
		section, _ := members[key].(map[string]any)
		if err := c.take(child(node, key), section, path+key+"."); err != nil {
			return err
		}
	}
	return nil
}

// set gives a value to all flags of a name. One of them at least must be able to
// take it.
func (c *configuration) set(node *kong.Node, key, path string, value any) error {
	flags := flagsBelow(node)
	var first error
	found, taken := false, false
	for _, flag := range flags {
		if plain(flag.Name) != plain(key) {
			continue
		}
		found = true
		converted, err := convert(flag, value)
		if err != nil {
			err = fmt.Errorf("key %q: %w", path+key, err)
			if first == nil {
				first = err
			}
			c.errs[flag] = err
			continue
		}
		taken, c.values[flag] = true, converted
		delete(c.errs, flag)
	}
	if !found {
		return fmt.Errorf("unknown key %q%s", path+key, nearest(key, node, flags))
	}
	if !taken {
		return first
	}
	return nil
}

// Validate implements kong.Resolver: all was checked when the file was read.
func (c *configuration) Validate(*kong.Application) error { return nil }

// Resolve implements kong.Resolver. kong would let the file beat the environment: a
// flag whose variable is set is left to it.
func (c *configuration) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, variable := range flag.Envs {
		if _, set := os.LookupEnv(variable); set {
			return nil, nil //nolint:nilnil // kong's way to say that there is no value here
		}
	}
	if err := c.errs[flag]; err != nil {
		return nil, fmt.Errorf("%s: %w", c.file, err)
	}
	return c.values[flag], nil
}

// plain is a name without what its spellings differ in.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
}

// child is the command of a name right below a node, nil where there is none.
func child(node *kong.Node, name string) *kong.Node {
	for _, command := range node.Children {
		if plain(command.Name) == plain(name) {
			return command
		}
	}
	return nil
}

// flagsBelow are the flags of a node and of the commands below it that a file can set.
func flagsBelow(node *kong.Node) []*kong.Flag {
	var flags []*kong.Flag
	for _, flag := range node.Flags {
		if flag.Name != "help" && flag.Name != "config" && flag.Name != "version" {
			flags = append(flags, flag)
		}
	}
	for _, command := range node.Children {
		flags = append(flags, flagsBelow(command)...)
	}
	return flags
}

// nearest says what a key may have been meant to be; nothing where none is near.
func nearest(key string, node *kong.Node, flags []*kong.Flag) string {
	names := make([]string, 0, len(flags)+len(node.Children))
	for _, flag := range flags {
		names = append(names, flag.Name)
	}
	for _, command := range node.Children {
		names = append(names, command.Name)
	}
	slices.Sort(names)
	best, least := "", len(key)/3+2 // as many typing errors are another word
	for _, name := range names {
		if distance := edits(plain(key), plain(name)); distance < least {
			best, least = name, distance
		}
	}
	if best == "" {
		return fmt.Sprintf(": no flag of %s is called like that", node.FullPath())
	}
	return fmt.Sprintf(", did you mean %q?", best)
}

// edits is how many letters must be added, removed or replaced to make b of a.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, diagonal+1)
		}
	}
	return row[len(b)]
}

// convert checks that a flag can take a JSON value, and returns it as kong takes it.
func convert(flag *kong.Flag, value any) (any, error) {
	target := reflect.New(flag.Target.Type()).Elem()
	if target.Kind() == reflect.Pointer {
		target.Set(reflect.New(target.Type().Elem()))
	}
	expected, ok := fits(flag, reflect.Indirect(target), value)
	if !ok {
		return nil, fmt.Errorf("received %s, expected %s", describe(value), expected)
	}
	received := describe(value)
	if number, isNumber := value.(json.Number); isNumber {
		value = number.String() // kong would round a fraction to a whole number
	}
	scan := kong.Scan().PushTyped(value, kong.FlagValueToken)
	if err := flag.Mapper.Decode(&kong.DecodeContext{Value: flag.Value, Scan: scan}, target); err != nil {
		return nil, fmt.Errorf("received %s, expected %s", received, expected)
	}
	if enum := flag.EnumSlice(); flag.Enum != "" && !slices.Contains(enum, fmt.Sprint(reflect.Indirect(target))) {
		return nil, fmt.Errorf("received %s, expected one of %s", received, strings.Join(enum, ", "))
	}
	return value, nil
}

// fits reports whether a JSON value is of the sort that a flag takes, and says which
// that is.
func fits(flag *kong.Flag, target reflect.Value, value any) (expected string, ok bool) {
	_, isText := value.(string)
	_, isNumber := value.(json.Number)
	if _, isDuration := target.Interface().(time.Duration); isDuration {
		return `a duration such as "5s"`, isText
	}
	switch kind := target.Kind(); {
	case flag.IsBool():
		_, isBool := value.(bool)
		return "true or false", isBool || isText
	case kind == reflect.Slice:
		_, isList := value.([]any)
		return "a list of strings, or one string", isList || isText
	case kind == reflect.Map:
		_, isObject := value.(map[string]any)
		return `an object of strings, or a string such as "key=value"`, isObject || isText
	case kind >= reflect.Int && kind <= reflect.Uint64:
		return "a whole number", isNumber || isText
	case kind == reflect.Float32 || kind == reflect.Float64:
		return "a number", isNumber || isText
	}
	return "a string", isText
}

// describe is a JSON value with what it is.
func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "null"
	case string:
		return fmt.Sprintf("%q", value)
	case []any:
		return fmt.Sprintf("a list of %d", len(value))
	case map[string]any:
		return "an object"
	}
	return fmt.Sprint(value)
}
