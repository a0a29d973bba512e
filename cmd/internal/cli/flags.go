package cli

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode"
)

// FlagName is what kong calls the flag of a field.
func FlagName(field reflect.StructField) string {
	if name := field.Tag.Get("name"); name != "" {
		return name
	}
	var name strings.Builder
	for i, r := range field.Name {
		if i > 0 && unicode.IsUpper(r) {
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	return name.String()
}

// NotNegative returns an error that names the first number of a struct of flags that is
// below 0, infinite or no number, those of embedded structs included; nil where there is
// none. flags must be a struct.
func NotNegative(flags any) error {
	value := reflect.ValueOf(flags)
	for _, described := range reflect.VisibleFields(value.Type()) {
		var number float64
		switch field := value.FieldByIndex(described.Index); field.Kind() {
		case reflect.Int, reflect.Int64:
			number = float64(field.Int())
		case reflect.Float64:
			number = field.Float()
		}
		if !(number >= 0) || math.IsInf(number, 0) {
			return fmt.Errorf("--%s is %v, expected 0 or more", FlagName(described), value.FieldByIndex(described.Index))
		}
	}
	return nil
}
