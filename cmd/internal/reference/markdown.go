package reference

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Markdown is the program's page. It ends with a newline.
func (p Program) Markdown() string {
	var b strings.Builder
	// For internal/doctest.
	b.WriteString("<!-- none is run: examples of the help, whose commands and flags TestReference has the program parse -->\n\n")
	fmt.Fprintf(&b, "# %s\n\n%s\n", p.App.Name, escapeMarkdown(p.App.Help))
	p.writeExamples(&b, p.App.Node)
	fmt.Fprintf(&b, "\n## Flags of %s\n\n", p.scope())
	writeFlags(&b, visible(p.App.Node))
	for _, node := range p.commands() {
		p.writeCommand(&b, node)
	}
	writeEntries(&b, "Exit codes", p.ExitCodes)
	writeEntries(&b, "Environment", p.Environment)
	writeEntries(&b, "Files", p.Files)
	return b.String()
}

// scope is what the flags of the program itself belong to.
func (p Program) scope() string {
	if len(p.commands()) > 0 {
		return "all commands"
	}
	return "the program"
}

func (p Program) writeCommand(b *strings.Builder, node *kong.Node) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n\n```\n%s\n```\n", commandPath(node), escapeMarkdown(node.Help), usage(node))
	if len(node.Positional) > 0 {
		b.WriteString("\n| argument | what it is |\n|---|---|\n")
		for _, argument := range node.Positional {
			fmt.Fprintf(b, "| `%s` | %s |\n", escapeCell(argument.Summary()), escapeCell(escapeMarkdown(argument.Help)))
		}
	}
	if flags := visible(node); len(flags) > 0 {
		b.WriteString("\n")
		writeFlags(b, flags)
	}
	p.writeExamples(b, node)
}

func writeFlags(b *strings.Builder, flags []*kong.Flag) {
	b.WriteString("| flag | default | environment | what it does |\n|---|---|---|---|\n")
	for _, flag := range flags {
		help := escapeCell(escapeMarkdown(flag.Help))
		if flag.Required {
			help += " Required."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", escapeCell(spelling(flag)), code(flag.Default), code(flag.Envs...), help)
	}
}

func (p Program) writeExamples(b *strings.Builder, node *kong.Node) {
	examples := p.Examples[p.path(node)]
	if len(examples) == 0 {
		return
	}
	b.WriteString("\n```sh\n")
	for _, example := range examples {
		fmt.Fprintf(b, "# %s\n%s\n", example.Does, example.Line)
	}
	b.WriteString("```\n")
}

func writeEntries(b *strings.Builder, title string, entries []Entry) {
	if len(entries) == 0 {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\n|  |  |\n|---|---|\n", title)
	for _, entry := range entries {
		fmt.Fprintf(b, "| %s | %s |\n", code(entry.Term), escapeCell(escapeMarkdown(entry.Meaning)))
	}
}

// code is what is not empty, as code in a cell.
func code(texts ...string) string {
	var all []string
	for _, text := range texts {
		if text != "" {
			all = append(all, "`"+escapeCell(text)+"`")
		}
	}
	return strings.Join(all, ", ")
}

// escapeCell keeps a text within its cell of a table.
func escapeCell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

// escapeMarkdown keeps what a help text has in angle brackets, stars and underscores
// from being taken for markup.
func escapeMarkdown(text string) string {
	return strings.NewReplacer("<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`).Replace(text)
}
