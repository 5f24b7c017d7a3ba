package main

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The worked example of api/README.md is what the command printed when Composio went from April to September.
func TestTheExampleInTheReadmeIsWhatIsPrinted(t *testing.T) {
	t.Parallel()
	report, stderr, status := compareDocuments(t, file(t, "testdata", "april.yaml"), file(t, "testdata", "september.yaml"))
	if status != exitBreaks || stderr != "" {
		t.Errorf("status %d, %s", status, stderr)
	}
	_, example, _ := strings.Cut(string(file(t, root, "api", "README.md")), "```console\n$ api/upstream-diff openapi.json; echo $?\n")
	example, _, _ = strings.Cut(example, "```\n")
	if diff := cmp.Diff(report+"1\n", example); diff != "" {
		t.Errorf("api/README.md shows another report than this one; put this into it:\n%s\n(-printed +README):\n%s", report, diff)
	}
}

func TestTheScheduledJobIsShownAndNamesTheAddress(t *testing.T) {
	t.Parallel()
	job := string(file(t, root, ".github", "workflows", "drift.yml"))
	_, shown, _ := strings.Cut(string(file(t, root, "api", "README.md")), "```yaml\n")
	shown, _, _ = strings.Cut(shown, "```")
	for part := range strings.SplitSeq(shown, "# …\n") {
		if part == "" || !strings.Contains(job, part) {
			t.Errorf("api/README.md shows what .github/workflows/drift.yml does not have:\n%s", part)
		}
	}
	for _, name := range []string{"README.md", "Makefile", "api/README.md", ".github/drift", ".github/workflows/drift.yml"} {
		if !strings.Contains(string(file(t, root, name)), wrapperServer+"/api/v3/openapi.json") {
			t.Errorf("%s does not name the address of Composio's document", name)
		}
	}
}

// moved returns September's document with the operation at other paths.
func moved(t *testing.T, parameter string, to ...string) tree {
	t.Helper()
	d := september(t)
	paths := in(t, d, "paths")
	item := paths[operationPath]
	delete(paths, operationPath)
	in(t, item.(tree), "patch")["parameters"].([]any)[0].(tree)["name"] = parameter
	for _, path := range to {
		paths[path+"/connected_accounts/{"+parameter+"}"] = item
	}
	return d
}

func TestAnotherPathAndAnotherVersionOfTheAPI(t *testing.T) {
	t.Parallel()
	goes := func(to string) []string {
		return []string{"path: Composio moved the operation from /api/v3/connected_accounts/{nanoid} to /api/" + to + "/connected_accounts/{nanoid}; if that document describes " + to + " of the API alone, compare with --version " + to}
	}
	both := moved(t, "nanoid", "/api/v3", "/api/v3.1")
	delete(in(t, both, "schemas PatchConnectedAccountBody properties"), "alias") // of both
	for _, c := range []struct {
		name         string
		document     tree
		flags        []string
		breaks, adds []string
		first        string
	}{
		{"another name of the parameter", moved(t, "id", "/api/v3"), nil, nil, []string{"path: Composio calls the parameter nanoid now id, which nobody sees on the wire"}, "Composio's operation is not the one in api/openapi.yaml."},
		{"another version", moved(t, "nanoid", "/api/v3.1"), nil, goes("v3.1"), nil, "Composio's operation is not the one in api/openapi.yaml."},
		{"several, of which the newest counts", moved(t, "nanoid", "/api/v3.2", "/api/v3.10", "/api/v3.9"), nil, goes("v3.10"), nil, "Composio's operation is not the one in api/openapi.yaml."},
		{"several majors", moved(t, "nanoid", "/api/v10", "/api/v9.9"), nil, goes("v10"), nil, "Composio's operation is not the one in api/openapi.yaml."},
		{"the version asked for", moved(t, "nanoid", "/api/v3.1"), []string{"--version", "v3.1"}, nil, nil, "No difference: Composio's operation under /api/v3.1 is the one in api/openapi.yaml."},
		{"the version asked for among others", moved(t, "nanoid", "/api/v3", "/api/v3.1", "/api/v3.10"), []string{"--version=v3.1"}, nil, nil, "No difference: Composio's operation under /api/v3.1 is the one in api/openapi.yaml."},
		{"the version asked for differs", both, []string{"--version=v3.1"}, []string{"request body: Composio dropped the property alias"}, nil, "Composio's operation under /api/v3.1 is not the one in api/openapi.yaml."},
		{"the version asked for is not there", moved(t, "nanoid", "/api/v3"), []string{"--version=v3.1"}, nil, nil, "upstream-diff: upstream lacks the operation: no PATCH /api/v3.1/connected_accounts/{}, but /api/v3/connected_accounts/{nanoid}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr, _ := compareDocuments(t, file(t, "testdata", "september.yaml"), asJSON(t, c.document), c.flags...)
			if first, _, _ := strings.Cut(stderr+stdout, "\n"); first != c.first {
				t.Errorf("%s\nwant %s", first, c.first)
			}
			if diff := cmp.Diff([][]string{c.breaks, c.adds}, [][]string{paragraphs(stdout, titleBreaks), paragraphs(stdout, titleAdds)}); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A report sends its reader to files and names that exist.
func TestWhatAReportPointsToExists(t *testing.T) {
	t.Parallel()
	if source := string(file(t, root, "wrapper", "options.go")) + string(file(t, root, "wrapper", "client.go")); !strings.Contains(source, `"`+wrapperServer+`"`) {
		t.Errorf("the wrapper does not call %s", wrapperServer)
	}
	for _, row := range concerns {
		if !slices.Contains(sections, row[0]) {
			t.Errorf("%s is not among sections", row[0])
		}
		for _, source := range regexp.MustCompile(`(\S+\.go)(?: \(([^)]*)\))?`).FindAllStringSubmatch(row[3], -1) {
			code := string(file(t, root, filepath.FromSlash(source[1])))
			for name := range strings.SplitSeq(source[2], ", ") {
				receiver, method, isMethod := strings.Cut(name, ".")
				declaration := `(?m)^(func|type|var|const|\t)[ ]?` + receiver + `\b`
				if isMethod {
					declaration = `(?m)^func \(\w+ \*?` + receiver + `\) ` + method + `\(`
				}
				if name != "" && !regexp.MustCompile(declaration).MatchString(code) {
					t.Errorf("%s has no %s: correct files.yaml", source[1], name)
				}
			}
		}
	}
}

// Composio's document is a stranger's: a name in it must not steer the terminal, nor begin a line of its own.
func TestNamesInTheDocumentCannotForgeTheReport(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	report(&out, []change{{Section: "request body", Verb: "dropped the", Noun: "property", Name: "a\n::error::b\x1b[2J\u202e", Breaks: true}}, "")
	if want := "- request body: Composio dropped the property a\ufffd::error::b\ufffd[2J\ufffd\n"; !strings.Contains(out.String(), want) {
		t.Errorf("%q is not in\n%q", want, out.String())
	}
}

// runScript runs a script of this repository in a directory, and returns what it prints and its status.
func runScript(t *testing.T, dir string, env []string, name string, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	var out, complaint bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = dir, append(os.Environ(), env...), &out, &complaint
	if err := cmd.Run(); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			t.Fatal(err)
		}
		status = exit.ExitCode()
	}
	return out.String(), complaint.String(), status
}

// The script finds the document from any directory, and its exit status is the command's.
func TestTheScriptFromAnotherDirectory(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]int{"september.yaml": exitFits, "april.yaml": exitBreaks, "none.yaml": exitFailed, "": exitFailed} {
		stdout, stderr, status := runScript(t, "testdata", nil, "api/upstream-diff", document)
		if status != want || strings.HasPrefix(stdout, "No difference: ") != (want == exitFits) {
			t.Errorf("%s: status %d, %s%s", document, status, stdout, stderr)
		}
	}
}

// gh writes down what it is asked, and knows one issue if ISSUE has a number.
const gh = `#!/bin/sh
if [ "$2" = list ]; then echo "$ISSUE"; echo "list $TITLE" >>"$ASKED"; exit; fi
echo "$2 $3 $4" >>"$ASKED"
cat >>"$ASKED"
exit "${FAILS:-0}"
`

// timeout ends what does not end at once.
const timeout = `#!/bin/sh
shift
if [ "$2" = endless ]; then exit 124; fi
exec "$@"
`

func TestTheScheduledJobWritesOneIssue(t *testing.T) {
	t.Parallel()
	testdata, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	additions := parsed(t, file(t, root, "api", "openapi.yaml"))
	in(t, additions, body+" properties")["labels\n::error::forged"] = tree{"type": "string"}
	added := filepath.Join(t.TempDir(), "additions.json")
	if err := os.WriteFile(added, asJSON(t, additions), 0o600); err != nil {
		t.Fatal(err)
	}
	const differs, failed = "Composio's API differs from api/openapi.yaml", "Composio's API could not be compared with api/openapi.yaml"
	for _, c := range []struct{ name, document, issue, asked, says, annotation string }{
		{"no difference", filepath.Join(testdata, "september.yaml"), "", "", "", ""},
		{"additions open an issue", added, "", "list " + differs + "\ncreate --title " + differs + "\n", "There are additions, which break nothing. ", "::warning title=Composio's API has additions::"},
		{"breaks open one", filepath.Join(testdata, "april.yaml"), "", "list " + differs + "\ncreate --title " + differs + "\n", "Something breaks. ", "::error title=Composio changed its API::"},
		{"nothing compared opens another", filepath.Join(testdata, "none.yaml"), "", "list " + failed + "\ncreate --title " + failed + "\n", "The reason stands below. ", "::warning title=Nothing was compared::"},
		{"a comparison that does not end updates that", "endless", "9", "list " + failed + "\nedit 9 --body-file\n", "The reason stands below. ", "::warning title=Nothing was compared::"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			asked, summary := filepath.Join(dir, "asked"), filepath.Join(dir, "summary")
			for name, content := range map[string]string{"gh": gh, "timeout": timeout, "asked": "", "summary": ""} {
				if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			env := []string{"PATH=" + dir + string(os.PathListSeparator) + os.Getenv("PATH"), "ASKED=" + asked, "ISSUE=" + c.issue, "COMPOSIO_OPENAPI_URL=" + c.document, "GITHUB_STEP_SUMMARY=" + summary}
			stdout, stderr, status := runScript(t, dir, env, ".github/drift")
			if status != 0 || stderr != "" {
				t.Fatalf("status %d: %s", status, stderr)
			}
			got := string(file(t, asked))
			if want := c.asked + c.says; !strings.HasPrefix(got, want) || want == "" && got != "" {
				t.Errorf("gh was asked\n%s\nwant\n%s", got, want)
			}
			quoted := string(file(t, summary))
			if !strings.Contains(stdout, quoted) || c.asked != "" && !strings.Contains(got, quoted) {
				t.Errorf("the report is not everywhere:\n%s", quoted)
			}
			for line := range strings.Lines(quoted) {
				if !strings.HasPrefix(line, "    ") {
					t.Errorf("not quoted: %q", line)
				}
			}
			stop := regexp.MustCompile(`^::stop-commands::([0-9a-f]{32})\n`).FindStringSubmatch(stdout)
			if stop == nil || !strings.Contains(stdout, "\n::"+stop[1]+"::\n"+c.annotation) {
				t.Errorf("the runner is told\n%s\nwant %s after the report", stdout, c.annotation)
			}
			if c.asked != "" {
				if _, _, status := runScript(t, dir, append(env, "FAILS=1"), ".github/drift"); status == 0 {
					t.Error("an issue that cannot be written is no failure")
				}
			}
		})
	}
}

// A tag can be moved to other code; a commit cannot.
func TestActionsArePinnedByTheirCommit(t *testing.T) {
	t.Parallel()
	workflows, err := filepath.Glob(filepath.Join(root, ".github", "workflows", "*.yml"))
	if err != nil || len(workflows) < 2 {
		t.Fatalf("too few workflows: %v %v", workflows, err)
	}
	pinned := regexp.MustCompile(`uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, workflow := range workflows {
		for _, line := range regexp.MustCompile(`(?m)^.*\buses:.*$`).FindAllString(string(file(t, workflow)), -1) {
			if !pinned.MatchString(line) {
				t.Errorf("%s: %s\nwant: uses: owner/action@<40 hexadecimal digits> # v1.2.3", filepath.Base(workflow), strings.TrimSpace(line))
			}
		}
	}
}
