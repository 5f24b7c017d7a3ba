package main

import (
	"bytes"
	"cmp"
	"context"
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

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v4"
)

const (
	maxDocument  = 64 << 20 // bytes; Composio's document has less than a tenth of that
	fetchTimeout = time.Minute
)

// document is an OpenAPI document as plain maps, lists and scalars.
type document struct {
	from string   // for messages
	url  *url.URL // that it came from, if it is no file
	root map[string]any
	place
	fault  error           // a reference that leads nowhere
	cyclic map[string]bool // the references that lead to themselves
	values int             // that were written out
}

// open reads a document from a file or, if source is one, from a URL, and finds the operation.
func open(source, wanted string) (*document, error) {
	d := &document{from: source, cyclic: map[string]bool{}}
	var data []byte
	var err error
	if strings.Contains(source, "://") {
		data, err = d.fetch(source)
	} else {
		data, err = os.ReadFile(filepath.Clean(source))
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = fmt.Errorf("%s cannot be read: %w", source, cause.Err)
		}
	}
	if err != nil {
		return nil, err
	}
	tree, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s is neither JSON nor YAML: %w", d.from, err)
	}
	d.root = object(tree)
	switch version := text(d.root["openapi"]); { // unquoted in YAML, 3.1 is a number
	case d.root == nil:
		return nil, fmt.Errorf("%s is not an OpenAPI document: it holds no object", d.from)
	case d.root["swagger"] != nil:
		return nil, fmt.Errorf("%s is a Swagger %v document, and not OpenAPI 3; convert it first", d.from, d.root["swagger"])
	case version != "3" && !strings.HasPrefix(version, "3."):
		return nil, fmt.Errorf(`%s is not an OpenAPI 3 document: its "openapi" is %s`, d.from, version)
	case object(d.root["paths"]) == nil:
		return nil, fmt.Errorf(`%s is not an OpenAPI document with operations: it has no "paths"`, d.from)
	}
	return d, d.find(wanted)
}

// fetch shows nothing of a URL that may be secret: user, password and query.
func (d *document) fetch(source string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, errors.New("the URL is not a URL that can be fetched")
	}
	d.url = &url.URL{Scheme: req.URL.Scheme, Host: req.URL.Host, Path: req.URL.Path}
	d.from = d.url.String()
	resp, err := http.DefaultClient.Do(req)
	var data []byte
	if err == nil {
		defer func() { _ = resp.Body.Close() }()
		if data, err = io.ReadAll(io.LimitReader(resp.Body, maxDocument+1)); resp.StatusCode != http.StatusOK {
			err = fmt.Errorf("the server answers %s", resp.Status)
		} else if len(data) > maxDocument {
			err = fmt.Errorf("it has more than %d MiB", maxDocument>>20)
		}
	}
	if cause, ok := errors.AsType[*url.Error](err); ok {
		err = cause.Err // without the URL, which it would show with its query
	}
	if err != nil {
		return nil, fmt.Errorf("%s cannot be fetched: %w", d.from, err)
	}
	return data, nil
}

// parse reads one JSON or YAML document, strictly: nothing after it, and no key twice. What YAML has beyond JSON, such as a
// status that is a number, becomes what JSON has.
func parse(data []byte) (tree any, err error) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) { // with which YAML may begin as well
		err = json.Unmarshal(data, &tree, jsontext.AllowInvalidUTF8(true))
		if err == nil {
			return tree, nil
		}
		if at, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
			err = fmt.Errorf("line %d: %w", 1+bytes.Count(data[:min(int(at.ByteOffset), len(data))], []byte("\n")), err)
		}
	}
	if failed := yaml.Load(data, &tree); failed != nil {
		return nil, cmp.Or(err, failed)
	}
	if data, err = json.Marshal(tree); err != nil {
		return nil, errors.New("it holds a number or a key that JSON does not have")
	}
	tree = nil
	err = json.Unmarshal(data, &tree)
	return tree, err
}
