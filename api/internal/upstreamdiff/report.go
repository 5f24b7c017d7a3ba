package main

import (
	"fmt"
	"io"
	"slices"
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
	what, call := "Composio's operation", ""
	if version != "" {
		what += " under /api/" + version
		call = fmt.Sprintf(` To call it, give the wrapper WithAPIVersion(%q).`, version)
	}
	if len(changes) == 0 {
		_, _ = fmt.Fprintf(out, "No difference: %s is the one in api/openapi.yaml.\nNext: nothing to change. make check proves that gen/ is what api/openapi.yaml says.%s\n", what, call)
		return exitFits
	}
	breaks := func(c change) bool { return c.Breaks }
	harmless := slices.DeleteFunc(slices.Clone(changes), breaks)
	breaking := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return !c.Breaks })
	_, _ = fmt.Fprintf(out, "%s is not the one in api/openapi.yaml.\n%s%s%s", what, list(titleBreaks, breaking), list(titleAdds, harmless), next)
	if len(breaking) > 0 {
		return exitBreaks
	}
	return exitFits
}

// The order of the report: as a request is built and its answer read.
var sections = []string{"path", "servers", "operation", "security", "parameters", "parameter", "request body", "answers", "answer", "document", "oasdiff"}

// paragraph is a change, or several that differ in one name alone.
type paragraph struct {
	change
	concerned       string
	statuses, names []string
}

func list(title string, changes []change) string {
	if len(changes) == 0 {
		return ""
	}
	var all []paragraph
	for _, c := range changes {
		all = append(all, paragraph{change: c, concerned: c.concerns()})
	}
	all = grouped(all, func(p *paragraph) { p.Name = "" }, func(into, p *paragraph) { into.names = append(into.names, p.Name) })
	all = grouped(all, func(p *paragraph) { p.Name, p.Which = "", "" }, func(into, p *paragraph) { into.statuses = append(into.statuses, p.Which) })
	slices.SortStableFunc(all, func(a, b paragraph) int { return slices.Index(sections, a.Section) - slices.Index(sections, b.Section) })
	text := "\n" + title + ":\n"
	for _, p := range all {
		where := strings.TrimPrefix(enumeration(p.Section, p.statuses), " ")
		if p.Place != "" {
			where += ", " + p.Place
		}
		text += "\n" + wrap("- ", where+": Composio "+p.Verb+enumeration(p.Noun, p.names)+p.Tail)
		if p.concerned != "" {
			text += wrap("  -> ", p.concerned)
		}
	}
	return text
}

// grouped merges the paragraphs that are the same without what strip takes away.
func grouped(all []paragraph, strip func(*paragraph), merge func(into, p *paragraph)) (out []paragraph) {
	places := map[string]int{}
	for _, p := range all {
		stripped := p
		strip(&stripped)
		key := fmt.Sprintf("%#v", stripped)
		i, ok := places[key]
		if !ok {
			i = len(out)
			places[key], out = i, append(out, p)
		}
		merge(&out[i], &p)
	}
	return out
}

// enumeration is a noun and the names of what it stands for, as they follow in a sentence.
func enumeration(noun string, names []string) string {
	last := len(names) - 1
	list := names[last]
	if last > 0 {
		list = strings.Join(names[:last], ", ") + " and " + list
		if stem, ok := strings.CutSuffix(noun, "y"); ok {
			noun = stem + "ies"
		} else if noun != "" {
			noun += "s"
		}
	}
	return strings.TrimRight(" "+strings.TrimSpace(noun+" "+list), " ")
}

const lineLength = 100

// wrap breaks text at spaces into lines that begin with first, or with as many spaces.
func wrap(first, text string) (lines string) {
	line := first
	for i, word := range strings.Fields(printable(text)) {
		if i > 0 && len(line)+1+len(word) > lineLength {
			lines, line = lines+line+"\n", strings.Repeat(" ", len(first))
		} else if i > 0 {
			line += " "
		}
		line += word
	}
	return lines + line + "\n"
}

// printable has a sign in the place of what a terminal might obey, or would not show.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}
