package reference

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// Man returns the program's man pages of section 1 by their file names: one for the
// program, such as siamese.1, and one for each command, such as siamese-eval-verify.1.
func (p Program) Man() map[string]string {
	pages := map[string]string{p.App.Name + ".1": p.programPage()}
	for _, node := range p.commands() {
		pages[pageName(node)+".1"] = p.commandPage(node)
	}
	return pages
}

// pageName is what a command's man page goes by.
func pageName(node *kong.Node) string { return strings.ReplaceAll(commandPath(node), " ", "-") }

func (p Program) programPage() string {
	summary, rest, _ := strings.Cut(p.App.Help, "\n")
	r := p.begin(p.App.Name, summary)
	r.section("SYNOPSIS")
	if commands := p.commands(); len(commands) > 0 {
		r.line(bold(p.App.Name) + " " + italic("command") + " [" + italic("flags") + "]")
	} else {
		r.line(bold(p.App.Name) + " [" + italic("flags") + "]")
	}
	r.section("DESCRIPTION")
	r.paragraphs(summary + "\n" + rest)
	if commands := p.commands(); len(commands) > 0 {
		r.section("COMMANDS")
		for _, node := range commands {
			r.term(bold(pageName(node))+"(1)", node.Help)
		}
	}
	p.end(r, p.App.Node)
	return r.String()
}

func (p Program) commandPage(node *kong.Node) string {
	r := p.begin(pageName(node), node.Help)
	r.section("SYNOPSIS")
	r.line(bold(commandPath(node)) + escapeRoff(strings.TrimPrefix(usage(node), commandPath(node))))
	r.section("DESCRIPTION")
	r.paragraphs(node.Help)
	for _, argument := range node.Positional {
		r.term(italic(argument.Summary()), argument.Help)
	}
	p.end(r, node)
	return r.String()
}

// begin writes a page's head and its name.
func (p Program) begin(name, summary string) *roff {
	r := &roff{}
	fmt.Fprintf(r, ".TH %s 1 \"%s\" \"%s\" \"User Commands\"\n", escapeRoff(strings.ToUpper(name)), p.Date, escapeRoff(strings.TrimSpace(p.App.Name+" "+p.Version)))
	r.section("NAME")
	r.line(escapeRoff(name) + ` \-`)
	r.text(strings.TrimSuffix(summary, "."))
	return r
}

// end writes what all pages have: flags, examples and what goes for the program.
func (p Program) end(r *roff, node *kong.Node) {
	r.section("OPTIONS")
	for _, flag := range p.allFlags(node) {
		r.term(bold(spelling(flag)), flagText(flag))
	}
	if examples := p.Examples[p.path(node)]; len(examples) > 0 {
		r.section("EXAMPLES")
		for i, example := range examples {
			if i > 0 {
				r.line(".PP")
			}
			r.example(example)
		}
	}
	r.entries("EXIT STATUS", p.ExitCodes)
	r.entries("ENVIRONMENT", p.Environment)
	r.entries("FILES", p.Files)
	p.seeAlso(r, node)
}

func (p Program) seeAlso(r *roff, node *kong.Node) {
	pages := p.SeeAlso
	if node != p.App.Node {
		pages = append([]string{p.App.Name}, pages...)
	}
	if len(pages) == 0 {
		return
	}
	r.section("SEE ALSO")
	var all []string
	for _, page := range pages {
		all = append(all, bold(page)+"(1)")
	}
	r.line(strings.Join(all, ", "))
}

// flagText is a flag's help with its default and its variables.
func flagText(flag *kong.Flag) string {
	text := flag.Help
	if flag.Required {
		text += " Required."
	}
	if flag.Default != "" {
		text += " Default: " + flag.Default + "."
	}
	if len(flag.Envs) > 0 {
		text += " Environment: " + strings.Join(flag.Envs, ", ") + "."
	}
	return text
}

// roff is a page in the macros of man(7).
type roff struct{ strings.Builder }

func (r *roff) section(title string) { fmt.Fprintf(r, ".SH \"%s\"\n", title) }

// line writes text that is escaped already.
func (r *roff) line(escaped string) { fmt.Fprintf(r, "%s\n", escaped) }

// paragraphs writes text whose paragraphs are apart by an empty line.
func (r *roff) paragraphs(text string) {
	for i, paragraph := range strings.Split(strings.TrimSpace(text), "\n\n") {
		if i > 0 {
			r.line(".PP")
		}
		r.text(paragraph)
	}
}

// term writes a term, which is escaped, and what it means.
func (r *roff) term(escaped, meaning string) {
	r.line(".TP\n" + escaped)
	r.text(meaning)
}

// text writes words on lines of a source's usual width; the formatter breaks them again.
func (r *roff) text(text string) {
	const width = 78
	line := ""
	for _, word := range strings.Fields(text) {
		word = escapeRoff(word)
		if line != "" && len(line)+1+len(word) > width {
			r.line(line)
			line = ""
		}
		line = strings.TrimPrefix(line+" "+word, " ")
	}
	r.line(line)
}

func (r *roff) entries(title string, entries []Entry) {
	if len(entries) == 0 {
		return
	}
	r.section(title)
	for _, entry := range entries {
		r.term(bold(entry.Term), entry.Meaning)
	}
}

func (r *roff) example(e Example) {
	fmt.Fprintf(r, "%s\n.PP\n.nf\n.RS 4\n%s\n.RE\n.fi\n", escapeRoff(e.Does), escapeRoff(e.Line))
}

func bold(text string) string { return `\fB` + escapeRoff(text) + `\fR` }

func italic(text string) string { return `\fI` + escapeRoff(text) + `\fR` }

// escapeRoff keeps a text as it is: what begins a request or an escape, and the
// characters that typesetters replace by prettier ones, which no shell takes.
func escapeRoff(text string) string {
	text = strings.NewReplacer(
		`\`, `\e`, "-", `\-`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`,
	).Replace(text)
	var b strings.Builder
	for _, letter := range text {
		if letter < 128 {
			b.WriteRune(letter)
		} else {
			fmt.Fprintf(&b, `\[u%04X]`, letter)
		}
	}
	if strings.HasPrefix(b.String(), ".") {
		return `\&` + b.String()
	}
	return b.String()
}
