package main

import "strings"

// source is a file of this repository, and the names in it to begin with. They are exported ones, which stay when the
// code around them is written anew.
type source struct {
	file  string
	names []string
}

// Files that several rows name.
var (
	requestFile = source{"wrapper/client.go", nil}
	sandboxFile = source{"wrapper/sandbox/update.go", nil}
)

// What a change concerns, by where it is. The first row that fits is the one; a place fits with what is inside it.
var concerns = []struct {
	section, which, place string // the beginning of Which
	sources               []source
}{
	{"path", "", "", []source{{"wrapper/options.go", []string{"WithAPIVersion"}}, requestFile}},
	{"operation", "", "", []source{requestFile}},
	{"servers", "", "", []source{{"wrapper/options.go", []string{"WithBaseURL"}}}},
	{"security", "", "", []source{requestFile, {"wrapper/options.go", []string{"New", "WithAPIKeyFunc"}}, {"wrapper/sandbox/auth.go", nil}}},
	{"parameters", "", "", []source{requestFile}},
	{"parameter", "nanoid", "", []source{{"wrapper/client.go", []string{"Client.UpdateConnectedAccount"}}}},
	{"parameter", "", "", []source{requestFile}},
	{"request body", "", "connection.state.authScheme", []source{{"wrapper/update.go", []string{"Scheme"}}, {"wrapper/credentials.go", []string{"Credentials"}}}},
	{"request body", "", "connection.state.val", []source{{"wrapper/credentials.go", []string{"Credentials", "CredentialFields"}}}},
	{"request body", "", "connection", []source{{"wrapper/update.go", []string{"Update"}}, {"wrapper/credentials.go", []string{"Credentials"}}, sandboxFile}},
	{"request body", "", "experimental", []source{{"wrapper/update.go", []string{"Sharing"}}, sandboxFile}},
	{"request body", "", "", []source{{"wrapper/update.go", []string{"Update"}}, requestFile, sandboxFile}},
	{"answers", "2", "", []source{{"wrapper/answer.go", nil}, {"wrapper/update.go", []string{"Result"}}}},
	{"answers", "", "", []source{{"wrapper/errors.go", []string{"Error.Is"}}, {"wrapper/retry.go", []string{"Error.Retryable"}}}},
	{"answer", "2", "", []source{{"wrapper/answer.go", nil}, {"wrapper/update.go", []string{"Result"}}}},
	{"answer", "", "", []source{{"wrapper/answer.go", nil}, {"wrapper/errors.go", []string{"Error"}}}},
}

// concerns says which files of wrapper/ a change concerns.
func (c change) concerns() string {
	which, place := c.Which, c.Place
	if c.Section == "answers" {
		which = c.Name
	}
	if c.Noun == "property" {
		place = join(place, c.Name)
	}
	for _, row := range concerns {
		if c.Section != row.section || !strings.HasPrefix(which, row.which) {
			continue
		}
		if row.place != "" && place != row.place && !strings.HasPrefix(place, row.place+".") && !strings.HasPrefix(place, row.place+"[") {
			continue
		}
		var files []string
		for _, s := range row.sources {
			text := s.file
			if len(s.names) > 0 {
				text += " (" + strings.Join(s.names, ", ") + ")"
			}
			files = append(files, text)
		}
		return strings.Join(files, ", ")
	}
	return ""
}
