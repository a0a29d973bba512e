package reference

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
)

// Reasons returns the values of the constants of Go source files whose names begin with
// Reason, in the order of the files.
func Reasons(paths ...string) ([]string, error) {
	var reasons []string
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return nil, fmt.Errorf("read reasons: %w", err)
		}
		before := len(reasons)
		ast.Inspect(file, func(node ast.Node) bool {
			value, ok := node.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, name := range value.Names {
				if !strings.HasPrefix(name.Name, "Reason") || i >= len(value.Values) {
					continue
				}
				if literal, ok := value.Values[i].(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if text, err := strconv.Unquote(literal.Value); err == nil {
						reasons = append(reasons, text)
					}
				}
			}
			return true
		})
		if len(reasons) == before {
			return nil, fmt.Errorf("read reasons: %s has no constant whose name begins with Reason", path)
		}
	}
	return reasons, nil
}
