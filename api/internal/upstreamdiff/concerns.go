package main

import "strings"

// concerns are the files of wrapper/ that a change concerns, and the names in them to begin with, by the beginning of
// where it is. The first row that fits is the one.
var concerns = []struct{ section, which, place, sources string }{
	{"path", "", "", "wrapper/options.go (WithAPIVersion), wrapper/client.go"},
	{"operation", "", "", "wrapper/client.go"},
	{"servers", "", "", "wrapper/options.go (WithBaseURL)"},
	{"security", "", "", "wrapper/client.go, wrapper/options.go (New, WithAPIKeyFunc), wrapper/sandbox/auth.go"},
	{"parameters", "", "", "wrapper/client.go"},
	{"parameter", "nanoid", "", "wrapper/client.go (Client.UpdateConnectedAccount)"},
	{"parameter", "", "", "wrapper/client.go"},
	{"request body", "", "connection.state.authScheme", "wrapper/update.go (Scheme), wrapper/credentials.go (Credentials)"},
	{"request body", "", "connection.state.val", "wrapper/credentials.go (Credentials, CredentialFields)"},
	{"request body", "", "connection", "wrapper/update.go (Update), wrapper/credentials.go (Credentials), wrapper/sandbox/update.go"},
	{"request body", "", "experimental", "wrapper/update.go (Sharing), wrapper/sandbox/update.go"},
	{"request body", "", "", "wrapper/update.go (Update), wrapper/client.go, wrapper/sandbox/update.go"},
	{"answers", "2", "", "wrapper/answer.go, wrapper/update.go (Result)"},
	{"answers", "", "", "wrapper/errors.go (Error.Is), wrapper/retry.go (Error.Retryable)"},
	{"answer", "2", "", "wrapper/answer.go, wrapper/update.go (Result)"},
	{"answer", "", "", "wrapper/answer.go, wrapper/errors.go (Error)"},
}

func (c change) concerns() string {
	which, place := c.Which, c.Place
	if c.Section == "answers" {
		which = c.Name
	}
	if c.Noun == "property" {
		place = join(place, c.Name)
	}
	for _, row := range concerns {
		end, ok := strings.CutPrefix(place, row.place)
		if c.Section == row.section && strings.HasPrefix(which, row.which) && ok && (row.place == "" || end == "" || end[0] == '.' || end[0] == '[') {
			return row.sources
		}
	}
	return ""
}
