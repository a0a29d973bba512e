// Package reference makes pages of the documents from what they are about, so that they
// can't say something else.
package reference

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// Contract returns the page of the calls: every service, message, field and enum of the
// named files below folder, with their comments. Names of reasons are linked to the
// page troubleshooting, as pages beside the folder of this one have them.
func Contract(ctx context.Context, folder string, files []string, reasons []string) (string, error) {
	compiler := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{ImportPaths: []string{folder}}),
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	linked, err := compiler.Compile(ctx, files...)
	if err != nil {
		return "", fmt.Errorf("read the contract: %w", err)
	}
	p := &page{reasons: reasons}
	p.line("# The calls")
	p.line("")
	p.line("Made from the contract in `proto/` by `go test ./internal/reference -update`; a test holds it against the contract. " +
		"Each call is there over gRPC, and the unary ones as Connect, gRPC-Web and JSON, too ([calls as JSON](../operations.md#calls-as-json)). " +
		"What each error means is in [troubleshooting](../troubleshooting.md).")
	for _, file := range linked {
		p.services(file)
	}
	for _, file := range linked {
		p.types(file)
	}
	return p.text.String(), nil
}

// page is Markdown as it is written.
type page struct {
	text    strings.Builder
	reasons []string
}

func (p *page) line(text string) { p.text.WriteString(text + "\n") }

// heading writes a heading with an anchor that is unique over packages.
func (p *page) heading(marks string, of protoreflect.Descriptor, title string) {
	p.line("")
	p.line(fmt.Sprintf("<a id=%q></a>", anchor(of)))
	p.line("")
	p.line(marks + " " + title)
	p.line("")
}

// anchor is the name by which pages link to a message, enum or service.
func anchor(of protoreflect.Descriptor) string {
	return strings.ToLower(strings.ReplaceAll(string(of.FullName()), ".", "-"))
}

// services writes the services of a file, each with its calls.
func (p *page) services(file protoreflect.FileDescriptor) {
	for service := range each(file.Services()) {
		p.heading("##", service, string(service.Name()))
		p.line(fmt.Sprintf("`%s`", service.FullName()))
		p.line("")
		p.line(p.prose(comment(file, service)))
		for method := range each(service.Methods()) {
			p.heading("###", method, string(method.Name()))
			p.line(fmt.Sprintf("%s%s → %s%s", streams(method.IsStreamingClient()), link(method.Input()), streams(method.IsStreamingServer()), link(method.Output())))
			p.line("")
			p.line(p.prose(comment(file, method)))
		}
	}
}

func streams(is bool) string {
	if is {
		return "a stream of "
	}
	return ""
}

// types writes the messages and enums of a file.
func (p *page) types(file protoreflect.FileDescriptor) {
	if file.Messages().Len()+file.Enums().Len() == 0 {
		return
	}
	p.line("")
	p.line(fmt.Sprintf("## %s", file.Path()))
	for message := range each(file.Messages()) {
		p.message(file, message)
	}
	for enum := range each(file.Enums()) {
		p.enum(file, enum)
	}
}

func (p *page) message(file protoreflect.FileDescriptor, message protoreflect.MessageDescriptor) {
	p.heading("###", message, nested(message))
	p.line(p.prose(comment(file, message)))
	if message.Fields().Len() > 0 {
		p.line("")
		p.line("| field | type | meaning |")
		p.line("|---|---|---|")
	}
	for field := range each(message.Fields()) {
		meaning := comment(file, field)
		if oneof := field.ContainingOneof(); oneof != nil && !oneof.IsSynthetic() {
			meaning = fmt.Sprintf("One of %s. %s", oneof.Name(), meaning)
		}
		p.line(fmt.Sprintf("| `%s` = %d | %s | %s |", field.Name(), field.Number(), kind(field), p.cell(meaning)))
	}
	for inner := range each(message.Messages()) {
		if !inner.IsMapEntry() {
			p.message(file, inner)
		}
	}
	for inner := range each(message.Enums()) {
		p.enum(file, inner)
	}
}

func (p *page) enum(file protoreflect.FileDescriptor, enum protoreflect.EnumDescriptor) {
	p.heading("###", enum, nested(enum))
	p.line(p.prose(comment(file, enum)))
	p.line("")
	p.line("| value | meaning |")
	p.line("|---|---|")
	for value := range each(enum.Values()) {
		p.line(fmt.Sprintf("| `%s` = %d | %s |", value.Name(), value.Number(), p.cell(comment(file, value))))
	}
}

// nested is a type's name with those of the messages around it.
func nested(of protoreflect.Descriptor) string {
	return strings.TrimPrefix(string(of.FullName()), string(of.ParentFile().Package())+".")
}

// kind is a field's type as a reader wants it.
func kind(field protoreflect.FieldDescriptor) string {
	name := field.Kind().String()
	switch {
	case field.IsMap():
		return fmt.Sprintf("map of %s to %s", field.MapKey().Kind(), kind(field.MapValue()))
	case field.Message() != nil:
		name = link(field.Message())
	case field.Enum() != nil:
		name = link(field.Enum())
	}
	switch {
	case field.IsList():
		return "list of " + name
	case field.HasOptionalKeyword():
		return "optional " + name
	}
	return name
}

// link names a type, and leads to it where it is on the page.
func link(of protoreflect.Descriptor) string {
	if !strings.HasPrefix(string(of.FullName()), "siamese.") {
		return fmt.Sprintf("`%s`", of.FullName())
	}
	return fmt.Sprintf("[%s](#%s)", nested(of), anchor(of))
}

// comment is what stands before a declaration.
func comment(file protoreflect.FileDescriptor, of protoreflect.Descriptor) string {
	return strings.TrimSpace(file.SourceLocations().ByDescriptor(of).LeadingComments)
}

// reason is what may be the name of one.
var reason = regexp.MustCompile(`\b[A-Z]+(?:_[A-Z]+)+\b|\bDRAINING\b`)

// prose joins the lines of a comment's paragraphs and links its reasons.
func (p *page) prose(text string) string {
	var paragraphs []string
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		paragraphs = append(paragraphs, strings.Join(strings.Fields(paragraph), " "))
	}
	return reason.ReplaceAllStringFunc(strings.Join(paragraphs, "\n\n"), func(name string) string {
		if !slices.Contains(p.reasons, name) {
			return name
		}
		return fmt.Sprintf("[%s](../troubleshooting.md#%s)", name, strings.ToLower(name))
	})
}

// cell is prose within a table.
func (p *page) cell(text string) string {
	return strings.NewReplacer("\n\n", "<br>", "|", `\|`).Replace(p.prose(text))
}

// list is what protoreflect's lists of descriptors have in common.
type list[T any] interface {
	Len() int
	Get(i int) T
}

// each ranges over a list.
func each[T any](of list[T]) func(yield func(T) bool) {
	return func(yield func(T) bool) {
		for i := range of.Len() {
			if !yield(of.Get(i)) {
				return
			}
		}
	}
}
