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
	harmless := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return c.Breaks })
	breaking := slices.DeleteFunc(slices.Clone(changes), func(c change) bool { return !c.Breaks })
	_, _ = fmt.Fprintf(out, "%s is not the one in api/openapi.yaml.\n%s%s%s", what, list(titleBreaks, breaking), list(titleAdds, harmless), next)
	if len(breaking) > 0 {
		return exitBreaks
	}
	return exitFits
}

// The order of the report: as a request is built and its answer read.
var sections = []string{"path", "servers", "operation", "security", "parameters", "parameter", "request body", "answers", "answer", "document", "oasdiff"}

// separator stands between the names of changes that are one paragraph. No name in a document has it.
const separator = "\xff"

func list(title string, changes []change) string {
	if len(changes) == 0 {
		return ""
	}
	for i, c := range changes {
		changes[i].files = c.concerns()
	}
	changes = grouped(changes, func(c *change) *string { return &c.Name })
	changes = grouped(changes, func(c *change) *string { return &c.Which })
	slices.SortStableFunc(changes, func(a, b change) int { return slices.Index(sections, a.Section) - slices.Index(sections, b.Section) })
	text := "\n" + title + ":\n"
	for _, c := range changes {
		where := enumeration(c.Section, c.Which)
		if c.Place != "" {
			where += ", " + c.Place
		}
		text += "\n" + wrap("- ", where+": Composio "+strings.TrimSpace(c.Verb+" "+enumeration(c.Noun, c.Name))+c.Tail)
		if c.files != "" {
			text += wrap("  -> ", c.files)
		}
	}
	return text
}

// grouped makes one of the changes that differ in a field alone.
func grouped(changes []change, field func(*change) *string) (out []change) {
	for _, c := range changes {
		i := slices.IndexFunc(out, func(other change) bool {
			*field(&other) = *field(&c)
			return other == c
		})
		if i < 0 {
			out = append(out, c)
		} else {
			*field(&out[i]) += separator + *field(&c)
		}
	}
	return out
}

// enumeration is a noun and the names of what it stands for, as they follow in a sentence.
func enumeration(noun, names string) string {
	list := strings.Split(names, separator)
	if last := len(list) - 1; last > 0 {
		names = strings.Join(list[:last], ", ") + " and " + list[last]
		if stem, ok := strings.CutSuffix(noun, "y"); ok {
			noun = stem + "ies"
		} else if noun != "" {
			noun += "s"
		}
	}
	return strings.TrimSpace(noun + " " + names)
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
