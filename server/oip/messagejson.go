package oip

import (
	"encoding/base64"
	"encoding/json"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"
)

// appendMessage writes a message as the protocol's JSON: names as they are in the proto
// file, all numbers as numbers, also those of 64 bits, which protojson writes as texts.
// Fields that are not set are written where they are scalars or lists.
func appendMessage(to []byte, message protoreflect.Message) []byte {
	to = append(to, '{')
	begun := false
	fields := message.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		isOptional := field.Message() != nil && !field.IsList() && !field.IsMap() || field.ContainingOneof() != nil
		if isOptional && !message.Has(field) {
			continue
		}
		if begun {
			to = append(to, ',')
		}
		begun = true
		to = append(appendText(to, string(field.Name())), ':')
		to = appendField(to, field, message.Get(field))
	}
	return append(to, '}')
}

func appendField(to []byte, field protoreflect.FieldDescriptor, value protoreflect.Value) []byte {
	switch {
	case field.IsList():
		return appendList(to, field, value.List())
	case field.IsMap():
		return appendMap(to, field, value.Map())
	default:
		return appendValue(to, field, value)
	}
}

func appendList(to []byte, field protoreflect.FieldDescriptor, list protoreflect.List) []byte {
	to = append(to, '[')
	for i := range list.Len() {
		if i > 0 {
			to = append(to, ',')
		}
		to = appendValue(to, field, list.Get(i))
	}
	return append(to, ']')
}

// appendMap writes a map of texts, in the order of its keys.
func appendMap(to []byte, field protoreflect.FieldDescriptor, entries protoreflect.Map) []byte {
	var keys []string
	entries.Range(func(key protoreflect.MapKey, _ protoreflect.Value) bool {
		keys = append(keys, key.String())
		return true
	})
	slices.Sort(keys)
	to = append(to, '{')
	for i, key := range keys {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(appendText(to, key), ':')
		to = appendValue(to, field.MapValue(), entries.Get(protoreflect.ValueOfString(key).MapKey()))
	}
	return append(to, '}')
}

func appendValue(to []byte, field protoreflect.FieldDescriptor, value protoreflect.Value) []byte {
	switch field.Kind() {
	case protoreflect.MessageKind, protoreflect.GroupKind:
		return appendMessage(to, value.Message())
	case protoreflect.EnumKind:
		return appendText(to, string(field.Enum().Values().ByNumber(value.Enum()).Name()))
	case protoreflect.StringKind:
		return appendText(to, value.String())
	case protoreflect.BytesKind:
		return appendText(to, base64.StdEncoding.EncodeToString(value.Bytes()))
	case protoreflect.BoolKind:
		return strconv.AppendBool(to, value.Bool())
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return appendFloat(to, value.Float(), 64)
	case protoreflect.Uint32Kind, protoreflect.Uint64Kind, protoreflect.Fixed32Kind, protoreflect.Fixed64Kind:
		return strconv.AppendUint(to, value.Uint(), 10)
	default:
		return strconv.AppendInt(to, value.Int(), 10)
	}
}

// appendFloat writes a number by the fewest digits that tell it from all others; what
// JSON has no number for is null.
func appendFloat(to []byte, value float64, bits int) []byte {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return append(to, "null"...)
	}
	return strconv.AppendFloat(to, value, 'g', -1, bits)
}

func appendText(to []byte, text string) []byte {
	quoted, _ := json.Marshal(text) // strings never fail
	return append(to, quoted...)
}
