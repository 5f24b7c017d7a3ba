package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

const (
	maxDocument  = 16 << 20 // bytes; Composio's document has less than a tenth of that
	fetchTimeout = time.Minute
)

// document is an OpenAPI document as plain maps, lists and scalars.
type document struct {
	from string // for messages
	root map[string]any
	v31  bool // OpenAPI 3.1 or later, whose schemas are JSON Schema's
}

// load reads a document from a file or, if source begins with http:// or https://, from a URL.
func load(source string) (*document, error) {
	data, err := read(source)
	if err != nil {
		return nil, err
	}
	return understand(shown(source), data)
}

// understand reads a document that came from somewhere.
func understand(from string, data []byte) (*document, error) {
	d := &document{from: from}
	tree, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s is neither JSON nor YAML: %w", d.from, err)
	}
	root, ok := tree.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("%s is not an OpenAPI document: it holds no object", d.from)
	}
	if version, ok := root["swagger"]; ok {
		return nil, fmt.Errorf("%s is a Swagger %v document, and not OpenAPI 3; convert it first", d.from, version)
	}
	version := "missing"
	if v, ok := root["openapi"]; ok {
		version = fmt.Sprint(v) // unquoted in YAML, 3.1 is a number
	}
	if version != "3" && !strings.HasPrefix(version, "3.") {
		return nil, fmt.Errorf(`%s is not an OpenAPI 3 document: its "openapi" is %s`, d.from, version)
	}
	if _, ok := root["paths"].(map[string]any); !ok {
		return nil, fmt.Errorf(`%s is not an OpenAPI document with operations: it has no "paths"`, d.from)
	}
	d.root = root
	d.v31 = !strings.HasPrefix(version+".", "3.0.") && version != "3"
	return d, nil
}

func isURL(source string) bool {
	return strings.HasPrefix(source, "http://") || strings.HasPrefix(source, "https://")
}

// shown is source without what may be secret in a URL: user, password and query.
func shown(source string) string {
	if !isURL(source) {
		return source
	}
	u, err := url.Parse(source)
	if err != nil {
		return "the URL"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

func read(source string) ([]byte, error) {
	if isURL(source) {
		return fetch(source)
	}
	data, err := os.ReadFile(filepath.Clean(source))
	if cause, ok := errors.AsType[*fs.PathError](err); ok {
		err = cause.Err
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", source, err)
	}
	return data, nil
}

func fetch(source string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, fmt.Errorf("%s is not a URL that can be fetched", shown(source))
	}
	resp, err := http.DefaultClient.Do(req)
	if cause, ok := errors.AsType[*url.Error](err); ok {
		err = cause.Err // without the URL, which it would show with its query
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be fetched: %w", shown(source), err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s cannot be fetched: the server answers %s", shown(source), resp.Status)
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxDocument+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be fetched: %w", shown(source), err)
	case len(data) > maxDocument:
		return nil, fmt.Errorf("%s has more than %d MiB", shown(source), maxDocument>>20)
	}
	return data, nil
}

// parse reads JSON or YAML.
func parse(data []byte) (any, error) {
	var tree any
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		err := json.Unmarshal(data, &tree)
		if err == nil {
			return tree, nil
		}
		if at, ok := errors.AsType[*json.SyntaxError](err); ok {
			err = fmt.Errorf("line %d: %w", 1+bytes.Count(data[:min(int(at.Offset), len(data))], []byte("\n")), err)
		}
		if yaml.Unmarshal(data, &tree) != nil { // which may begin with { as well
			return nil, err
		}
	} else if err := yaml.Unmarshal(data, &tree); err != nil {
		return nil, err
	}
	return plain(tree), nil
}

// plain brings what YAML has beyond JSON to what JSON has: keys that are numbers (a status), dates, integers.
func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			v[key] = plain(value)
		}
		return v
	case map[any]any:
		out := make(map[string]any, len(v))
		for key, value := range v {
			out[fmt.Sprint(key)] = plain(value)
		}
		return out
	case []any:
		for i, value := range v {
			v[i] = plain(value)
		}
		return v
	case time.Time:
		return strings.TrimSuffix(v.Format(time.RFC3339), "T00:00:00Z")
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	}
	return v
}
