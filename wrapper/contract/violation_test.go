package contract

import (
	"strings"
	"testing"
)

func TestOnlyNamesAreShown(t *testing.T) {
	for name, want := range map[string]string{
		"generic_api_key":        "generic_api_key",
		"x-a.b$C9":               "x-a.b$C9",
		strings.Repeat("a", 40):  strings.Repeat("a", 40),
		strings.Repeat("a", 41):  "*",
		"":                       "*",
		"ak_o1Og5":               "*",
		"two words":              "*",
		"a/b":                    "*",
		"a~b":                    "*",
		"line\nbreak":            "*",
		"-----BEGIN PRIVATE KEY": "*",
		"é":                      "*",
	} {
		if got := shown(name); got != want {
			t.Errorf("shown(%q) = %q, want %q", name, got, want)
		}
	}
}
