package httpapi

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	"siamese/server/internal/fault"
)

// tidyBase64 brings the base64 of each field of bytes in a message's JSON into the form
// that protojson takes of any length: the standard alphabet without padding and white
// space. It works in place, so that a body takes no more memory than it did; where text
// becomes shorter spaces follow it. What is no JSON is left for protojson to refuse.
// The error is a *fault.Fault about the field.
func tidyBase64(data []byte, message protoreflect.MessageDescriptor) error {
	t := &tidier{data: data}
	if bad := t.value(holds{message: message}, maxTidyDepth); bad != nil {
		return fault.Unreadable(bad.why).At(strings.TrimPrefix(bad.field, "."))
	}
	return nil
}

// maxTidyDepth is how deep messages are looked into: the contract's are no deeper.
const maxTidyDepth = 8

// holds is what a value of JSON is to hold: bytes, a message (or a list of them), or,
// where it is zero, anything else.
type holds struct {
	bytes   bool
	message protoreflect.MessageDescriptor
}

// badBase64 is what is wrong with a field's text.
type badBase64 struct {
	field string // its path, with a dot before each name
	why   string
}

func (b *badBase64) within(outer string) *badBase64 {
	return &badBase64{field: outer + b.field, why: b.why}
}

// tidier goes through JSON. Where it is broken off or broken, at comes to its end.
type tidier struct {
	data []byte
	at   int
}

// value tidies the value that comes next.
func (t *tidier) value(h holds, depth int) *badBase64 {
	switch c := t.next(); {
	case c == '"' && h.bytes:
		return t.text()
	case c == '{' && h.message != nil && depth > 0:
		return t.object(h.message, depth-1)
	case c == '[' && h != holds{} && depth > 0:
		return t.list(h, depth-1)
	}
	t.skip()
	return nil
}

// object tidies the members of an object.
func (t *tidier) object(message protoreflect.MessageDescriptor, depth int) *badBase64 {
	for t.at++; t.next() == '"'; t.at++ {
		begin, end := t.bounds()
		field := findField(message, t.data[begin:end])
		if t.next() != ':' {
			t.at = len(t.data)
			return nil
		}
		t.at++
		var name string
		var h holds
		if field != nil && !field.IsMap() {
			name, h = "."+string(field.Name()), holds{bytes: field.Kind() == protoreflect.BytesKind, message: field.Message()}
		}
		if bad := t.value(h, depth); bad != nil {
			return bad.within(name)
		}
		if t.next() != ',' {
			break
		}
	}
	t.at++ // over the brace
	return nil
}

// list tidies the items of a list. Lists have no lists in them.
func (t *tidier) list(h holds, depth int) *badBase64 {
	t.at++
	for i := 0; t.next() != ']' && t.at < len(t.data); i++ {
		if t.next() == '[' {
			h = holds{}
		}
		if bad := t.value(h, depth); bad != nil {
			return bad.within("[" + strconv.Itoa(i) + "]")
		}
		if t.next() == ',' {
			t.at++
		}
	}
	t.at++
	return nil
}

// findField returns the field that a key of JSON names, by either of its names; nil
// where there is none.
func findField(message protoreflect.MessageDescriptor, key []byte) protoreflect.FieldDescriptor {
	name := string(key)
	if strings.Contains(name, `\`) {
		if json.Unmarshal([]byte(`"`+name+`"`), &name) != nil {
			return nil
		}
	}
	if field := message.Fields().ByJSONName(name); field != nil {
		return field
	}
	return message.Fields().ByTextName(name)
}

// next goes over white space and returns the byte there, 0 at the end.
func (t *tidier) next() byte {
	for ; t.at < len(t.data); t.at++ {
		switch c := t.data[t.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// skip goes over one value, however deep.
func (t *tidier) skip() {
	for depth := 0; t.at < len(t.data); {
		switch c := t.next(); c {
		case '"':
			t.bounds()
		case '{', '[':
			depth++
			t.at++
		case '}', ']':
			depth--
			t.at++
		case ',', ':':
			t.at++
		default:
			t.literal()
		}
		if depth <= 0 {
			return
		}
	}
}

// literal goes over a number, true, false, null, or what is none of these.
func (t *tidier) literal() {
	for t.at++; t.at < len(t.data); t.at++ {
		switch t.data[t.at] {
		case ',', ':', '{', '}', '[', ']', '"', ' ', '\t', '\r', '\n':
			return
		}
	}
}

// bounds goes over the string that comes next and returns where its text is.
func (t *tidier) bounds() (begin, end int) {
	t.at++
	begin = t.at
	for quote := -1; ; {
		if quote < t.at {
			n := bytes.IndexByte(t.data[t.at:], '"')
			if n < 0 {
				t.at = len(t.data)
				return begin, t.at
			}
			quote = t.at + n
		}
		escape := bytes.IndexByte(t.data[t.at:quote], '\\')
		if escape < 0 {
			t.at = quote + 1
			return begin, quote
		}
		t.at = min(t.at+escape+2, len(t.data))
	}
}

// text tidies the string that comes next.
func (t *tidier) text() *badBase64 {
	begin, end := t.bounds()
	if end == len(t.data) {
		return nil // broken off
	}
	kept, why := tidyText(t.data[begin:end])
	if why != "" {
		return &badBase64{why: why}
	}
	t.data[begin+kept] = '"'
	for i := begin + kept + 1; i <= end; i++ {
		t.data[i] = ' '
	}
	return nil
}

// What a character is in base64. Others stand for themselves in the standard alphabet.
const (
	isForeign = iota
	isSpace
	isPadding
)

// alphabet tells of each byte what it is in base64, of either alphabet.
var alphabet = makeAlphabet()

func makeAlphabet() (table [256]byte) {
	const standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	for _, c := range []byte(standard) {
		table[c] = c
	}
	table['-'], table['_'], table['='] = '+', '/', isPadding
	for _, c := range []byte(" \t\r\n\v\f") {
		table[c] = isSpace
	}
	return table
}

// DecodeBase64 decodes the text between the quotation marks of a JSON string, in place:
// base64 as tidyBase64 takes it. The error is a *fault.Fault that names no field.
func DecodeBase64(text []byte) ([]byte, error) {
	kept, why := tidyText(text)
	if why != "" {
		return nil, fault.Unreadable(why)
	}
	n, err := base64.RawStdEncoding.Decode(text, text[:kept])
	if err != nil {
		return nil, fault.Unreadable(err.Error())
	}
	return text[:n], nil
}

// tidyText tidies the text of a string in place and returns how many of its bytes are
// left, or why it is no base64.
func tidyText(text []byte) (kept int, why string) {
	text, ok := unescape(text)
	if !ok {
		return 0, "received an escape that JSON does not have, expected base64"
	}
	read, why := afterDataURL(text)
	if why != "" {
		return 0, why
	}
	padding := 0
	for ; read < len(text); read++ {
		switch c := alphabet[text[read]]; {
		case c == isSpace:
		case c == isPadding:
			padding++
		case c == isForeign:
			r, _ := utf8.DecodeRune(text[read:])
			return 0, fmt.Sprintf("received %q at offset %d, expected base64, in the standard or the URL alphabet", r, read)
		case padding > 0:
			return 0, fmt.Sprintf("received %q at offset %d behind the padding of base64, expected its end", text[read], read)
		default:
			text[kept] = c
			kept++
		}
	}
	if kept%4 == 1 || padding > 0 && (padding > 2 || (kept+padding)%4 != 0) {
		return 0, fmt.Sprintf("received %d characters of base64 with %d of padding, up to offset %d, expected groups of four, the last one padded or not: its end is missing", kept, padding, len(text))
	}
	return kept, ""
}

// unescape takes the escapes out of a string's text, in place; false where one is none
// of JSON's.
func unescape(text []byte) ([]byte, bool) {
	first := bytes.IndexByte(text, '\\')
	if first < 0 {
		return text, true
	}
	kept := first
	for read := first; read < len(text); {
		if text[read] != '\\' {
			text[kept] = text[read]
			kept++
			read++
			continue
		}
		r, length := readEscape(text[read:])
		if length == 0 {
			return nil, false
		}
		read += length
		kept = len(utf8.AppendRune(text[:kept], r)) // in place: an escape is longer than its rune
	}
	return text[:kept], true
}

// simpleEscapes are JSON's escapes of one letter, each before what it stands for.
const simpleEscapes = "n\nr\rt\tf\fb\b//\\\\\"\""

// readEscape reads an escape of JSON and returns its length, 0 where it is none.
func readEscape(text []byte) (r rune, length int) {
	const longLength = 6
	switch {
	case len(text) < 2:
		return 0, 0
	case text[1] != 'u':
		for i := 0; i < len(simpleEscapes); i += 2 {
			if simpleEscapes[i] == text[1] {
				return rune(simpleEscapes[i+1]), 2
			}
		}
		return 0, 0
	case len(text) < longLength:
		return 0, 0
	}
	code, err := strconv.ParseUint(string(text[2:longLength]), 16, 16)
	if err != nil {
		return 0, 0
	}
	return rune(code), longLength
}

// maxDataURL is how many bytes the part of a data URL before its data may have.
const maxDataURL = 256

// afterDataURL returns where the base64 begins in a text that may be a data URL, or why
// it holds none.
func afterDataURL(text []byte) (begin int, why string) {
	const scheme = "data:"
	space := len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	head := text[space:min(len(text), space+maxDataURL)]
	if len(head) < len(scheme) || !strings.EqualFold(string(head[:len(scheme)]), scheme) {
		return 0, ""
	}
	comma := bytes.IndexByte(head, ',')
	if comma < 0 {
		return 0, fmt.Sprintf("received %s, expected base64, or a data URL with a comma before it", fault.Quote(string(head)))
	}
	parts := strings.Split(string(head[:comma]), ";")
	if last := strings.TrimSpace(parts[len(parts)-1]); !strings.EqualFold(last, "base64") {
		return 0, fmt.Sprintf("received the data URL %s, expected one of base64, as data:image/png;base64,…", fault.Quote(string(head[:comma+1])))
	}
	return space + comma + 1, ""
}
