package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// report prints what changed, what breaks first, and returns the exit status.
func report(out io.Writer, changes []change) int {
	var b strings.Builder
	defer func() { _, _ = io.WriteString(out, b.String()) }()
	if len(changes) == 0 {
		b.WriteString("No difference: Composio's operation is the one in api/openapi.yaml.\nNext: nothing to change. make check proves that gen/ is what api/openapi.yaml says.\n")
		return exitFits
	}
	breaking, harmless := entries(changes, true), entries(changes, false)
	b.WriteString("Composio's operation is not the one in api/openapi.yaml.\n")
	list(&b, titleBreaks, breaking)
	list(&b, titleAdds, harmless)
	b.WriteString(next)
	if len(breaking) > 0 {
		return exitBreaks
	}
	return exitFits
}

const (
	titleBreaks = "BREAKS what this client sends or reads"
	titleAdds   = "ADDITIONS, which break nothing"
)

const next = `
Next:
  1. Make these changes in api/openapi.yaml, in our own words, until this command says "No difference".
  2. make generate, which writes gen/ anew.
  3. make test: what fails says by name what the files above do not cover yet.
  4. make check, and one commit with all of it.
api/README.md walks through this with an example.
`

// entry is one paragraph of the report: a change, or several that differ in one name alone.
type entry struct {
	change
	which, names []string
	concerns     string
}

// entries returns the paragraphs for the changes that break, or for those that do not.
func entries(changes []change, breaking bool) []entry {
	var byName, all []entry
	for _, c := range changes {
		if c.Breaks != breaking {
			continue
		}
		e := entry{change: c, names: []string{c.Name}, concerns: c.concerns()}
		e.Name = ""
		i := slices.IndexFunc(byName, func(o entry) bool { return o.change == e.change && o.concerns == e.concerns })
		if i < 0 {
			byName = append(byName, e)
			continue
		}
		byName[i].names = append(byName[i].names, c.Name)
	}
	for _, e := range byName {
		e.which, e.Which = []string{e.Which}, ""
		i := slices.IndexFunc(all, func(o entry) bool {
			return o.change == e.change && o.concerns == e.concerns && slices.Equal(o.names, e.names)
		})
		if i < 0 {
			all = append(all, e)
			continue
		}
		all[i].which = append(all[i].which, e.which...)
	}
	slices.SortStableFunc(all, func(a, b entry) int {
		return slices.Index(sections, a.Section) - slices.Index(sections, b.Section)
	})
	return all
}

// The order of the report: as a request is built and its answer read.
var sections = []string{"path", "servers", "operation", "security", "parameters", "parameter", "request body", "answers", "answer", "component", "document", "oasdiff"}

func list(b *strings.Builder, title string, all []entry) {
	if len(all) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	for _, e := range all {
		sentence, block := e.text()
		b.WriteString("\n" + wrap("- ", sentence))
		for line := range strings.Lines(block) {
			b.WriteString("      " + printable(strings.TrimSuffix(line, "\n")) + "\n")
		}
		if e.concerns != "" {
			b.WriteString(wrap("  -> ", e.concerns))
		}
	}
}

// text is the change in a sentence, and the YAML that belongs to it if that does not fit in there.
func (e entry) text() (sentence, block string) {
	where := e.Section
	if e.which[0] != "" {
		where = nouns(where, len(e.which)) + " " + enumeration(e.which)
	}
	if e.Place != "" {
		where += ", " + e.Place
	}
	verb, block, _ := strings.Cut(e.Verb, "\n")
	if e.Noun != "" {
		verb += " " + nouns(e.Noun, len(e.names))
	}
	if e.names[0] != "" {
		verb += " " + enumeration(e.names)
	}
	tail, more, _ := strings.Cut(e.Tail, "\n")
	return where + ": Composio " + verb + tail, block + more
}

func nouns(noun string, n int) string {
	if n < 2 {
		return noun
	}
	if stem, ok := strings.CutSuffix(noun, "y"); ok {
		return stem + "ies"
	}
	return noun + "s"
}

func enumeration(names []string) string {
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

const lineLength = 100

// wrap breaks text at spaces into lines that begin with first, or with as many spaces.
func wrap(first, text string) string {
	indent := strings.Repeat(" ", len(first))
	var lines []string
	line := first
	for i, word := range strings.Fields(printable(text)) {
		if i > 0 && len(line)+1+len(word) > lineLength {
			lines = append(lines, line)
			line = indent
		} else if i > 0 {
			line += " "
		}
		line += word
	}
	return strings.Join(append(lines, line), "\n") + "\n"
}

// printable shows what a terminal might obey, or would not show, as \u….
func printable(text string) string {
	var b strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		}
	}
	return b.String()
}
