package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	titleBreaks = "BREAKS what this client sends or reads"
	titleAdds   = "ADDITIONS, which break nothing"
	next        = `
Next:
  1. Make these changes in api/openapi.yaml, in our own words, until this command says "No difference".
  2. make generate, which writes gen/ anew.
  3. make test: what fails says by name what the files above do not cover yet.
  4. make check, and one commit with all of it.
api/README.md walks through this with an example.
`
)

// report prints what changed, what breaks first, and returns the exit status.
func report(out io.Writer, changes []change, version string) int {
	var b strings.Builder
	defer func() { _, _ = io.WriteString(out, b.String()) }()
	what, call := "operation", ""
	if version != "" {
		what, call = "operation under /api/"+version, fmt.Sprintf(` To call it, give the wrapper WithAPIVersion(%q).`, version)
	}
	if len(changes) == 0 {
		b.WriteString("No difference: Composio's " + what + " is the one in api/openapi.yaml.\nNext: nothing to change. make check proves that gen/ is what api/openapi.yaml says." + call + "\n")
		return exitFits
	}
	b.WriteString("Composio's " + what + " is not the one in api/openapi.yaml.\n")
	harmless := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return c.Breaks })
	breaking := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return !c.Breaks })
	list(&b, titleBreaks, breaking)
	list(&b, titleAdds, harmless)
	b.WriteString(next)
	if len(breaking) > 0 {
		return exitBreaks
	}
	return exitFits
}

// paragraph is a change, or several that differ in one name alone.
type paragraph struct {
	change
	whiches, names []string
}

// grouped merges the paragraphs that have the same key.
func grouped(all []paragraph, key func(paragraph) string, merge func(into *paragraph, p paragraph)) (out []paragraph) {
	places := map[string]int{}
	for _, p := range all {
		i, ok := places[key(p)]
		if !ok {
			i = len(out)
			places[key(p)], out = i, append(out, p)
		}
		merge(&out[i], p)
	}
	return out
}

// The order of the report: as a request is built and its answer read.
var sections = []string{"path", "servers", "operation", "security", "parameters", "parameter", "request body", "answers", "answer", "document", "oasdiff"}

func list(b *strings.Builder, title string, changes []change) {
	if len(changes) == 0 {
		return
	}
	fmt.Fprintf(b, "\n%s:\n", title)
	var all []paragraph
	for _, c := range changes {
		all = append(all, paragraph{change: c})
	}
	all = grouped(all, func(p paragraph) string {
		concerned := p.concerns()
		p.Name = ""
		return encoded(p.change) + concerned
	}, func(into *paragraph, p paragraph) { into.names = append(into.names, p.Name) })
	all = grouped(all, func(p paragraph) string {
		concerned := p.concerns()
		p.Name, p.Which = "", ""
		return encoded(p.change) + concerned + encoded(p.names)
	}, func(into *paragraph, p paragraph) { into.whiches = append(into.whiches, p.Which) })
	slices.SortStableFunc(all, func(a, b paragraph) int {
		return slices.Index(sections, a.Section) - slices.Index(sections, b.Section)
	})
	for _, p := range all {
		p.write(b)
	}
}

// write prints the change in a sentence, the YAML that belongs to it if that does not fit in there, and the files.
func (p paragraph) write(b *strings.Builder) {
	where := p.Section + enumeration("", p.whiches)
	if len(p.whiches) > 1 {
		where = p.Section + "s" + enumeration("", p.whiches)
	}
	if p.Place != "" {
		where += ", " + p.Place
	}
	verb, block, _ := strings.Cut(p.Verb, "\n")
	tail, more, _ := strings.Cut(p.Tail, "\n")
	b.WriteString("\n" + wrap("- ", where+": Composio "+verb+enumeration(p.Noun, p.names)+tail))
	for line := range strings.Lines(block + more) {
		b.WriteString("      " + printable(strings.TrimSuffix(line, "\n")) + "\n")
	}
	if concerned := p.concerns(); concerned != "" {
		b.WriteString(wrap("  -> ", concerned))
	}
}

// enumeration is a noun and the names of what it stands for, as they follow in a sentence.
func enumeration(noun string, names []string) string {
	last := len(names) - 1
	if stem, ok := strings.CutSuffix(noun, "y"); ok && last > 0 {
		noun = stem + "ies"
	} else if noun != "" && last > 0 {
		noun += "s"
	}
	list := names[last]
	if last > 0 {
		list = strings.Join(names[:last], ", ") + " and " + list
	}
	return strings.TrimRight(" "+strings.TrimLeft(noun+" "+list, " "), " ")
}

const lineLength = 100

// wrap breaks text at spaces into lines that begin with first, or with as many spaces.
func wrap(first, text string) string {
	var b strings.Builder
	line := first
	for i, word := range strings.Fields(printable(text)) {
		if i > 0 && len(line)+1+len(word) > lineLength {
			b.WriteString(line + "\n")
			line = strings.Repeat(" ", len(first))
		} else if i > 0 {
			line += " "
		}
		line += word
	}
	return b.String() + line + "\n"
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
