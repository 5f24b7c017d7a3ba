package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/alecthomas/kong"

	composio "example.com/composio/wrapper"
)

// refusals collect what is wrong with a command line, so that all of it is told at once.
type refusals []string

func (r *refusals) addf(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(*r, text) {
		*r = append(*r, text)
	}
}

// add takes in what the wrapper refuses, in the command's words. Any other error, and nil, is no refusal.
func (r *refusals) add(err error) {
	if e, ok := errors.AsType[*composio.Error](err); ok && errors.Is(e, composio.ErrInvalid) {
		// An id that cannot be one is quoted: perhaps a secret, because the ID was forgotten.
		r.addf("%s", strings.ReplaceAll(flagNames.Replace(e.Err.Error()), strconv.Quote(e.AccountID), "[not shown]"))
	}
}

// update has the wrapper look at an update and sends nothing: it looks at the update before it looks at the context.
func (r *refusals) update(id string, u composio.Update) (ok bool) {
	before := len(*r)
	client, _ := composio.New("for-checking-only") // has nothing to refuse
	ended, end := context.WithCancel(context.Background())
	end()
	_, err := client.UpdateConnectedAccount(ended, id, u)
	r.add(err)
	return len(*r) == before
}

// users looks at the users of a flag one by one, so that each that is refused is told.
func (r *refusals) users(flag string, ids []string) {
	for i, id := range ids {
		var one refusals
		one.update("any", composio.Update{Sharing: &composio.Sharing{AllowedUserIDs: []string{id}}})
		for _, text := range one {
			r.addf("%s", strings.Replace(text, "--allow-user[0]", fmt.Sprintf("%s: value %d", flag, i+1), 1))
		}
	}
}

// err is nil if nothing was refused.
func (r *refusals) err() error {
	if len(*r) == 0 {
		return nil
	}
	return usagef("%s", strings.Join(*r, "\n"))
}

// flagNames says in the command's words what the wrapper refuses.
var flagNames = strings.NewReplacer(
	"WithBaseURL", "--base-url", "WithTimeout", "--timeout", "WithMaxRetries", "--max-retries",
	"WithInsecureHTTP", "add --insecure-http", "use SetVerbatim", "add --verbatim",
	"AllowedUserIDs", "--allow-user", "NotAllowedUserIDs", "--deny-user",
)

// misunderstood says what kong did not understand. Kong's own messages quote arguments, and one that has lost its flag or
// its quotes may be a secret: so an argument is shown only if it is a misspelt word of the command's own.
func misunderstood(app *kong.Kong, err error, args []string) error {
	message := err.Error()
	for i, arg := range args {
		trace, _ := kong.Trace(app, args[:i+1]) // has its error within
		if trace.Error == nil || trace.Error.Error() != message {
			continue
		}
		kind := ""
		switch {
		case strings.HasPrefix(message, "unknown flag "):
			kind = "unknown flag"
		case !strings.HasPrefix(message, "unexpected argument "):
			continue
		case trace.Selected() == nil:
			kind = "unknown command"
		default:
			kind = "unexpected argument"
		}
		shown, meant := suggest(arg, cmp.Or(trace.Selected(), trace.Model.Node))
		if meant != "" {
			meant = fmt.Sprintf(", did you mean %q?", meant)
		}
		return usagef("%s %s%s", kind, cmp.Or(shown, fmt.Sprintf("[argument %d]", i+1)), meant)
	}
	message, _, _ = strings.Cut(message, " but got ") // a value, which is not shown
	return usagef("%s", plainTypes.Replace(message))
}

var plainTypes = strings.NewReplacer("expected duration", "expected a duration, such as 10s", "expected a valid 64 bit int", "expected a whole number")

// suggest returns what may be shown of an argument, and the word that was meant: a flag of the command, or one of the
// commands that it has.
func suggest(arg string, command *kong.Node) (shown, meant string) {
	given, _, _ := strings.Cut(arg, "=")
	word := strings.ToLower(strings.TrimLeft(given, "-"))
	var words []string
	if strings.HasPrefix(given, "-") {
		for _, flag := range slices.Concat(command.AllFlags(true)...) {
			words = append(words, "--"+flag.Name)
		}
	} else {
		for _, child := range command.Children {
			words = append(words, child.Name)
		}
	}
	best := 4
	for _, candidate := range words {
		name := strings.TrimLeft(candidate, "-")
		distance := levenshtein.ComputeDistance(word, name)
		if len(word) >= 3 && strings.HasPrefix(name, word) {
			distance = 1
		}
		if distance <= len(name)/2 && distance < best {
			meant, best = candidate, distance
		}
	}
	if meant != "" && strings.Trim(strings.ToLower(given), "abcdefghijklmnopqrstuvwxyz-") == "" {
		shown = given
	}
	return shown, meant
}
