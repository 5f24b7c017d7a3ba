package contract

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"
)

const (
	method     = http.MethodPatch
	collection = "connected_accounts"
)

// version is a segment of a path like v3 and v3.1.
var version = regexp.MustCompile(`^v[0-9][0-9.]*$`)

// template is the operation's path in a document: below a version or, if the servers have that, at the top.
var template = regexp.MustCompile(`(^|/v[0-9][0-9.]*)/` + collection + `/\{[^/{}]+\}$`)

// target is what a request is addressed to.
type target struct {
	id, version string // the account and the API version, if the request calls the operation
	near        string // "path" or "method", where a request departs that was meant for the operation
	other       string // any other request, in words that hold no value of the traffic
}

// address tells by method and path whether a request calls the operation: its path ends with api, a version, the
// collection and an id, whatever stands before.
func address(verb string, u *url.URL) target {
	path := strings.Split(u.EscapedPath(), "/") // before it is unescaped: an escaped slash is part of a segment
	for i, segment := range path {
		path[i], _ = url.PathUnescape(segment)
	}
	at := lastIndex(path, func(i int) bool {
		return i >= 2 && path[i] == collection && version.MatchString(path[i-1]) && path[i-2] == "api"
	})
	called := at >= 0
	if !called {
		at = lastIndex(path, func(i int) bool { return path[i] == collection })
	}
	exact := at >= 0
	if !exact && verb == method { // only a PATCH is an update with a misspelled path
		at = lastIndex(path, func(i int) bool { return resembles(path[i]) })
	}
	if at < 0 {
		return target{other: shown(verb) + " elsewhere"}
	}
	rest := path[at+1:]
	below := slices.DeleteFunc(slices.Clone(rest), func(segment string) bool { return segment == "" })
	// HTTP tells "patch" from "PATCH", which a caller may not.
	changes := slices.Contains([]string{method, http.MethodPut, http.MethodPost}, strings.ToUpper(verb))
	switch {
	case called && verb == method && len(rest) == 1 && len(below) == 1:
		return target{id: rest[0], version: path[at-1]}
	case verb == method && len(below) < 2:
		return target{near: "path"}
	case !exact:
		return target{other: shown(verb) + " elsewhere"}
	case len(below) == 1 && changes && (verb != http.MethodPost || below[0] != "link"): // Composio has POST .../link
		return target{near: "method"}
	}
	return target{other: shown(verb) + " .../" + collection + []string{"", "/{id}", "/{id}/..."}[min(len(below), 2)]}
}

func lastIndex(path []string, ok func(i int) bool) int {
	for i := range slices.Backward(path) {
		if ok(i) {
			return i
		}
	}
	return -1
}

// resembles reports whether a segment is the collection's name in another spelling, or with up to four wrong letters.
func resembles(segment string) bool {
	return len(segment) <= 4*len(collection) && levenshtein.ComputeDistance(letters(segment), letters(collection)) <= 4
}

func letters(text string) string { return notLetters.ReplaceAllString(strings.ToLower(text), "") }

var notLetters = regexp.MustCompile(`[^a-z]+`)
