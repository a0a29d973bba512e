package doctest

import (
	"fmt"
	"regexp"
	"strings"
)

// Mismatch says how what was printed differs from what a document shows; empty where
// it does not.
func Mismatch(shown, printed string, varies []*regexp.Regexp) string {
	for _, expression := range varies {
		shown = expression.ReplaceAllLiteralString(shown, "…")
		printed = expression.ReplaceAllLiteralString(printed, "…")
	}
	want, got := linesOf(shown), linesOf(printed)
	if !matchLines(want, got) {
		return fmt.Sprintf("printed:\n%s\nshown in the document:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return ""
}

// linesOf splits a text, without white space at the ends of lines and of the text.
func linesOf(text string) []string {
	lines := strings.Split(strings.TrimRight(text, " \t\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t\r")
	}
	return lines
}

// matchLines reports whether lines are those that a document shows.
func matchLines(want, got []string) bool {
	if len(want) == 0 {
		return len(got) == 0
	}
	if want[0] == "…" {
		for skip := range len(got) + 1 {
			if matchLines(want[1:], got[skip:]) {
				return true
			}
		}
		return false
	}
	return len(got) > 0 && matchLine(want[0], got[0]) && matchLines(want[1:], got[1:])
}

// matchLine reports whether a line is one that a document shows.
func matchLine(want, got string) bool {
	parts := strings.Split(want, "…")
	for i, part := range parts {
		parts[i] = regexp.QuoteMeta(part)
	}
	matched, err := regexp.MatchString("^(?:"+strings.Join(parts, ".*")+")$", got)
	return err == nil && matched
}
