package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var root = filepath.Join("..", "..", "..")

// The worked example of api/README.md is what the command printed when Composio went from April to September.
func TestTheExampleInTheReadmeIsWhatIsPrinted(t *testing.T) {
	t.Parallel()
	report, stderr, status := compareDocuments(t, file(t, "testdata", "april.yaml"), file(t, "testdata", "september.yaml"))
	if status != exitBreaks || stderr != "" {
		t.Errorf("status %d, %s", status, stderr)
	}
	readme := string(file(t, root, "api", "README.md"))
	_, example, _ := strings.Cut(readme, "```console\n$ api/upstream-diff openapi.json; echo $?\n")
	example, _, _ = strings.Cut(example, "```\n")
	if diff := cmp.Diff(report+"1\n", example); diff != "" {
		t.Errorf("api/README.md shows another report than this one; put this into it:\n%s\n(-printed +README):\n%s", report, diff)
	}
}

func TestGoingBackToAprilIsSaid(t *testing.T) {
	t.Parallel()
	report, stderr, status := compareDocuments(t, file(t, "testdata", "september.yaml"), file(t, "testdata", "april.yaml"))
	if status != exitBreaks || stderr != "" {
		t.Errorf("status %d, %s", status, stderr)
	}
	if diff := cmp.Diff([]string{
		"request body: Composio dropped the property experimental",
		"request body, connection.state.val: Composio dropped the properties api_key_prefix, generic_id, generic_secret, generic_token and user_agent",
		"answers: Composio dropped the answer 409",
	}, paragraphs(report, titleBreaks)); diff != "" {
		t.Errorf("what breaks (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"security: Composio now also takes requests with header x-user-api-key",
		"request body, connection.state.val: Composio opened the object: it now takes properties that are not named",
		"request body, connection.state.val: Composio added the optional properties COMPANYDOMAIN, account_id, account_url, api_url, base_url, borneo_dashboard_url, dc, domain, extension, form_api_base_url, instanceEndpoint, instanceName, proxy_password, proxy_username, region, server_location, shop, site_name, subdomain, version, your-domain and your_server: {nullable: true, type: string}",
	}, paragraphs(report, titleAdds)); diff != "" {
		t.Errorf("what is added (-want +got):\n%s", diff)
	}
}

// A report sends its reader to files and names that exist.
func TestWhatAReportPointsToExists(t *testing.T) {
	t.Parallel()
	for _, row := range concerns {
		for _, source := range row.sources {
			code := string(file(t, root, filepath.FromSlash(source.file)))
			for _, name := range source.names {
				receiver, method, isMethod := strings.Cut(name, ".")
				declaration := `(?m)^(func|type|var|const|\t)[ ]?` + receiver + `\b`
				if isMethod {
					declaration = `(?m)^func \(\w+ \*?` + receiver + `\) ` + method + `\(`
				}
				if !regexp.MustCompile(declaration).MatchString(code) {
					t.Errorf("%s has no %s: correct concerns in api/internal/upstreamdiff/concerns.go", source.file, name)
				}
			}
		}
	}
}

func TestEverySectionHasItsPlaceInTheReport(t *testing.T) {
	t.Parallel()
	for _, row := range concerns {
		if !slices.Contains(sections, row.section) {
			t.Errorf("%s is not among sections", row.section)
		}
	}
}

func TestOasdiffHasTheLastWordOnWhatBreaks(t *testing.T) {
	t.Parallel()
	alias := change{Section: "request body", Place: "alias", Verb: "added default x"}
	renamed := change{Section: "request body", Place: "alias", Verb: "changed the type", Breaks: true}
	inAnswer := func(status string) change {
		return change{Section: "answer", Which: status, Place: "status", Verb: "added default x"}
	}
	broken := alias
	broken.Breaks = true
	for _, c := range []struct {
		name     string
		changes  []change
		findings []finding
		want     []change
	}{
		{"an information changes nothing", []change{alias}, []finding{{"id", "about `alias`", 1}}, []change{alias}},
		{"a warning breaks the change that it is about", []change{alias}, []finding{{"id", "about `alias`", 2}}, []change{broken}},
		{"an error does too", []change{alias}, []finding{{"id", "about `alias`", 3}}, []change{broken}},
		{"unless another change in that place breaks already", []change{alias, renamed}, []finding{{"id", "about `alias`", 3}}, []change{alias, renamed}},
		{"in the answer that it is about", []change{inAnswer("200"), inAnswer("400")}, []finding{{"id", "about `status` for the status `400`", 3}},
			[]change{inAnswer("200"), {Section: "answer", Which: "400", Place: "status", Verb: "added default x", Breaks: true}}},
		{"one about nothing that was listed is listed", []change{alias}, []finding{{"some-rule", "about `other`", 3}},
			[]change{alias, {Section: "oasdiff", Breaks: true, Verb: "changed something that oasdiff calls some-rule: about `other`"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, judged(slices.Clone(c.changes), c.findings)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// What oasdiff sees no difference in is a difference all the same.
func TestNothingIsSaidToBeTheSameThatIsNot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, content := range map[string]string{
		oursFile: `{"paths":{}}`, upstreamFile: `{"paths":{"/a":{}}}`, foundFile: `[]`, namesFile: `{}`, diffFile: `{}`, changelogFile: `[]`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var stdout, stderr bytes.Buffer
	if status := run([]string{"report", dir}, &stdout, &stderr); status != exitBreaks {
		t.Errorf("status %d: %s%s", status, &stdout, &stderr)
	}
}

// Composio's document is a stranger's: a name in it must not steer the terminal, nor begin a line of its own.
func TestNamesInTheDocumentCannotForgeTheReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report(&out, []change{{Section: "request body", Verb: "dropped the", Noun: "property", Name: "a\n::error::b\x1b[2J\u202e", Breaks: true}})
	if want := "- request body: Composio dropped the property a\\n::error::b\\x1b[2J\\u202e\n"; !strings.Contains(out.String(), want) {
		t.Errorf("%q is not in\n%q", want, out.String())
	}
}

// A tag can be moved to other code; a commit cannot.
func TestActionsArePinnedByTheirCommit(t *testing.T) {
	t.Parallel()
	workflows, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.yml"))
	if err != nil || len(workflows) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	uses := regexp.MustCompile(`(?m)^.*\buses:.*$`)
	pinned := regexp.MustCompile(`uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, workflow := range workflows {
		for _, line := range uses.FindAllString(string(file(t, workflow)), -1) {
			if !pinned.MatchString(line) {
				t.Errorf("%s: %s\nwant: uses: owner/action@<40 hexadecimal digits> # v1.2.3", filepath.Base(workflow), strings.TrimSpace(line))
			}
		}
	}
}
