package contract

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

const (
	method     = http.MethodPatch
	collection = "connected_accounts"
)

// target is what a request is addressed to.
type target struct {
	id, version string // the account and the API version, if the request calls the operation
	near        string // "path" or "method", where a request departs that was meant for the operation
	other       string // any other request, in words that hold no value of the traffic
}

// address tells by method and path whether a request calls the operation: its path ends with api, a version, the
// collection and an id, whatever stands before.
func address(verb string, u *url.URL) target {
	path := segmentsOf(u)
	at := lastIndex(path, func(segment string) bool { return segment == collection })
	exact := at >= 0
	if !exact {
		at = lastIndex(path, resembles)
	}
	if at < 0 {
		return target{other: shown(verb) + " elsewhere"}
	}
	rest := path[at+1:]
	below := slices.DeleteFunc(slices.Clone(rest), func(segment string) bool { return segment == "" })
	switch {
	case exact && verb == method && len(rest) == 1 && len(below) == 1 && at >= 2 && path[at-2] == "api" && isVersion(path[at-1]):
		return target{id: rest[0], version: path[at-1]}
	case verb == method && len(below) < 2 && (len(rest) > 0 || !exact):
		return target{near: "path"}
	case !exact:
		return target{other: shown(verb) + " elsewhere"}
	case len(below) == 1 && changes(verb) && (verb != http.MethodPost || below[0] != "link"): // Composio has POST .../link
		return target{near: "method"}
	}
	return target{other: shown(verb) + " .../" + collection + []string{"", "/{id}", "/{id}/..."}[min(len(below), 2)]}
}

// segmentsOf returns the segments of a path. They are split before they are unescaped: an escaped slash is part of one.
func segmentsOf(u *url.URL) []string {
	path := strings.Split(u.EscapedPath(), "/")
	for i, segment := range path {
		if plain, err := url.PathUnescape(segment); err == nil {
			path[i] = plain
		}
	}
	return path
}

// changes reports whether a method is one that a caller may take for the operation's; HTTP tells "patch" from "PATCH".
func changes(verb string) bool {
	return slices.Contains([]string{method, http.MethodPut, http.MethodPost}, strings.ToUpper(verb))
}

func lastIndex(path []string, ok func(string) bool) int {
	for i, segment := range slices.Backward(path) {
		if ok(segment) {
			return i
		}
	}
	return -1
}

// resembles reports whether a segment is the collection's name in another spelling, or with up to four wrong letters.
func resembles(segment string) bool {
	return levenshtein.ComputeDistance(letters(segment), letters(collection)) <= 4
}

func letters(text string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r
		}
		return -1
	}, strings.ToLower(text))
}

// isVersion reports whether a segment is v with digits and dots after it, like v3 and v3.1.
func isVersion(segment string) bool {
	digits, ok := strings.CutPrefix(segment, "v")
	return ok && digits != "" && '0' <= digits[0] && digits[0] <= '9' && strings.Trim(digits, "0123456789.") == ""
}
