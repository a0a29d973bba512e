package training

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// printTable prints the configuration as upstream does: keys 25 wide, values 40.
func printTable(w io.Writer, flags trainFlags, dir string) {
	line := strings.Repeat("-", 25+40+3)
	fmt.Fprintf(w, "Configurations:\n%s\n|%25s|%40s|\n%s\n", line, "keys", "values", line)
	fmt.Fprintf(w, "|%25s|%40s|\n", "run", dir)
	value := reflect.ValueOf(flags)
	printFields(w, value)
	fmt.Fprintln(w, line)
}

// printFields prints a row for each field that the configuration of a run keeps, those
// of embedded structs too.
func printFields(w io.Writer, value reflect.Value) {
	for i := range value.NumField() {
		field := value.Type().Field(i)
		switch name, _, _ := strings.Cut(field.Tag.Get("json"), ","); {
		case name == "-":
		case field.Anonymous:
			printFields(w, value.Field(i))
		default:
			fmt.Fprintf(w, "|%25s|%40s|\n", name, fmt.Sprint(value.Field(i)))
		}
	}
}
