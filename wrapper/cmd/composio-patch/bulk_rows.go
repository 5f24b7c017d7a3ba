package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"iter"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"example.com/composio/gen"
	composio "example.com/composio/wrapper"
)

// maxRow bounds a row, in bytes: above 16 credentials of a size that anybody has, and both lists of users at their longest.
const maxRow = 8 << 20

// row is what a line of the input has: the body of the API's own request, and the account.
type row struct {
	ID string `json:"id"`
	gen.PatchConnectedAccountBody
}

// lines yields the rows of an input by their line numbers, from 1, and leaves out blank lines. A line may be as long as
// maxRow. An error of the input comes last.
func lines(in io.Reader) iter.Seq2[int, lineOrError] {
	return func(yield func(int, lineOrError) bool) {
		reader := bufio.NewReaderSize(in, 64<<10)
		var line []byte
		for number := 1; ; number++ {
			line = line[:0]
			part, err := reader.ReadSlice('\n')
			for line = append(line, part...); errors.Is(err, bufio.ErrBufferFull) && len(line) <= maxRow; line = append(line, part...) {
				part, err = reader.ReadSlice('\n')
			}
			switch {
			case errors.Is(err, bufio.ErrBufferFull):
				yield(number, lineOrError{err: fmt.Errorf("the row has more than %d MiB", maxRow>>20)})
				return
			case err != nil && err != io.EOF:
				yield(number, lineOrError{err: errors.New("the input cannot be read: " + reason(err))})
				return
			}
			if len(bytes.TrimSpace(line)) > 0 && !yield(number, lineOrError{line: line}) || err == io.EOF {
				return
			}
		}
	}
}

type lineOrError struct {
	line []byte // until the next is asked for
	err  error
}

// parseRow reads a row strictly. Its errors show nothing of what stands in the row but the names that the API has.
func parseRow(line []byte) (r row, err error) {
	var raw json.RawMessage
	if err := json.Unmarshal(line, &raw); err != nil {
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			return r, fmt.Errorf("not JSON: an error at byte %d", syntax.Offset)
		}
		return r, errors.New("not JSON")
	}
	if !utf8.Valid(line) || halfSurrogate(line) {
		return r, errors.New("not valid Unicode: reading it would change a value")
	}
	decoder := json.NewDecoder(bytes.NewReader(line))
	if err := checkValue(decoder, reflect.TypeFor[row](), ""); err != nil {
		return r, err
	}
	if err := json.Unmarshal(line, &r); err != nil {
		return r, errors.New("not a row") // cannot be: every name and type has been looked at
	}
	return r, nil
}

// checkValue refuses what encoding/json would read as something else than it is: unknown names, names in another case,
// a name twice, and null where the API has none.
func checkValue(decoder *json.Decoder, t reflect.Type, at string) error {
	token, err := decoder.Token()
	if err != nil {
		return errors.New("not JSON")
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	want, ok := "", false
	switch {
	case t == reflect.TypeFor[gen.NullableString]():
		want = "a string or null"
		_, ok = token.(string)
		ok = ok || token == nil
	case t.Kind() == reflect.Struct:
		want, ok = "an object", token == json.Delim('{')
		if ok {
			return checkObject(decoder, t, at)
		}
	case t.Kind() == reflect.Slice:
		want, ok = "an array", token == json.Delim('[')
		if ok {
			return checkArray(decoder, t, at)
		}
	case t.Kind() == reflect.Bool:
		want = "true or false"
		_, ok = token.(bool)
	case t.Kind() == reflect.String:
		want = "a string"
		_, ok = token.(string)
	}
	if !ok {
		return fmt.Errorf("%s: %s, not %s", where(at), kindOf(token), want)
	}
	return nil
}

func checkObject(decoder *json.Decoder, t reflect.Type, at string) error {
	shape := shapeOf(t)
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		name, _ := token.(string)
		member, known := shape.members[name]
		switch {
		case err != nil:
			return errors.New("not JSON")
		case !known && at == "" && len(name) <= 64 && !slices.ContainsFunc([]byte(name), func(c byte) bool { return c < ' ' || c > '~' }):
			return fmt.Errorf("unknown key %q; there are id, alias, connection and experimental", name)
		case !known:
			return fmt.Errorf("%s: unknown key (not shown, since it may be a secret)", where(at))
		case seen[name]:
			return fmt.Errorf("%s: given twice", where(at+"."+name))
		}
		seen[name] = true
		if err := checkValue(decoder, member, at+"."+name); err != nil {
			return err
		}
	}
	for _, name := range shape.required {
		if !seen[name] {
			return fmt.Errorf("%s: missing", where(at+"."+name))
		}
	}
	_, err := decoder.Token() // the }
	return err
}

// shape is what an object of a type has: the types of its members by their names, and those that it must have.
type shape struct {
	members  map[string]reflect.Type
	required []string
}

// shapes has each type that was looked at, since that takes longer than the rest of the look at a row.
var shapes sync.Map

func shapeOf(t reflect.Type) *shape {
	if known, ok := shapes.Load(t); ok {
		return known.(*shape)
	}
	s := &shape{members: map[string]reflect.Type{}}
	for _, field := range reflect.VisibleFields(t) {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if name == "" {
			continue
		}
		s.members[name] = field.Type
		if options == "" { // the generated types mark what may be left out
			s.required = append(s.required, name)
		}
	}
	shapes.Store(t, s)
	return s
}

func checkArray(decoder *json.Decoder, t reflect.Type, at string) error {
	for i := 0; decoder.More(); i++ {
		if err := checkValue(decoder, t.Elem(), at+"["+strconv.Itoa(i)+"]"); err != nil {
			return err
		}
	}
	_, err := decoder.Token() // the ]
	return err
}

func where(at string) string {
	if at == "" {
		return "the row"
	}
	return strings.TrimPrefix(at, ".")
}

func kindOf(token json.Token) string {
	switch token {
	case nil:
		return "null"
	case json.Delim('{'):
		return "an object"
	case json.Delim('['):
		return "an array"
	}
	switch token.(type) {
	case string:
		return "a string"
	case bool:
		return "true or false"
	}
	return "a number"
}

// halfSurrogate reports whether JSON text has an escape that is half of a character: encoding/json reads another one.
func halfSurrogate(text []byte) bool {
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		i++
		if text[i] != 'u' {
			continue
		}
		switch unit := hexUnit(text, i-1); {
		case unit >= 0xdc00 && unit < 0xe000:
			return true
		case unit >= 0xd800 && unit < 0xdc00:
			if low := hexUnit(text, i+5); low < 0xdc00 || low >= 0xe000 {
				return true
			}
			i += 6
		}
	}
	return false
}

// hexUnit reads the \uXXXX at i, and returns -1 if there is none.
func hexUnit(text []byte, i int) int {
	if i+6 > len(text) || text[i] != '\\' || text[i+1] != 'u' {
		return -1
	}
	unit, err := strconv.ParseUint(string(text[i+2:i+6]), 16, 16)
	if err != nil {
		return -1
	}
	return int(unit)
}

// update converts the row for the wrapper, which refuses what must not be sent.
func (r *row) update() (u composio.Update) {
	if r.Alias != nil {
		u.Alias = composio.Set(*r.Alias)
	}
	if r.Connection != nil {
		fields := map[string]composio.Field{}
		for name, value := range r.Connection.State.Val.Nullables() {
			if text, ok := value.Get(); ok {
				fields[name] = composio.Set(text)
			} else if value.IsNull() {
				fields[name] = composio.Clear()
			}
		}
		u.Credentials = composio.CredentialFields{Scheme: composio.Scheme(r.Connection.State.AuthScheme), Fields: fields}
	}
	if r.Experimental != nil && r.Experimental.ACLConfigForShared != nil {
		acl := r.Experimental.ACLConfigForShared
		u.Sharing = &composio.Sharing{
			AllowAllUsers: acl.AllowAllUsers, AllowedUserIDs: acl.AllowedUserIds, NotAllowedUserIDs: acl.NotAllowedUserIds,
		}
	}
	return u
}

// masked returns the row with every credential hidden.
func (r row) masked() row {
	if r.Connection != nil {
		connection := *r.Connection
		for _, value := range connection.State.Val.Nullables() {
			if text, ok := value.Get(); ok && text != "" {
				*value = gen.String("[redacted]")
			}
		}
		r.Connection = &connection
	}
	return r
}

// describe says for a person what the row changes.
func (r row) describe() string {
	var parts []string
	switch {
	case r.Alias != nil && *r.Alias == "":
		parts = append(parts, "alias cleared")
	case r.Alias != nil:
		parts = append(parts, fmt.Sprintf("alias %q", *r.Alias))
	}
	if r.Connection != nil {
		for name, value := range r.Connection.State.Val.Nullables() {
			text, ok := value.Get()
			switch {
			case ok && text == "":
				parts = append(parts, fmt.Sprintf("%s %s emptied", r.Connection.State.AuthScheme, name))
			case ok:
				parts = append(parts, fmt.Sprintf("%s %s replaced", r.Connection.State.AuthScheme, name))
			case value.IsNull():
				parts = append(parts, fmt.Sprintf("%s %s removed", r.Connection.State.AuthScheme, name))
			}
		}
	}
	if r.Experimental != nil && r.Experimental.ACLConfigForShared != nil {
		acl := r.Experimental.ACLConfigForShared
		if acl.AllowAllUsers != nil {
			parts = append(parts, fmt.Sprintf("every user may use it: %t", *acl.AllowAllUsers))
		}
		if acl.AllowedUserIds != nil {
			parts = append(parts, fmt.Sprintf("allowed users %q", acl.AllowedUserIds))
		}
		if acl.NotAllowedUserIds != nil {
			parts = append(parts, fmt.Sprintf("denied users %q", acl.NotAllowedUserIds))
		}
	}
	return printable(r.ID + ": " + strings.Join(parts, ", "))
}

// checker refuses rows as the wrapper does, and sends nothing.
type checker struct {
	client *composio.Client
	done   context.Context
}

func newChecker() (*checker, error) {
	client, err := composio.New("for-checking-only")
	done, cancel := context.WithCancel(context.Background())
	cancel()
	return &checker{client, done}, err
}

// check reads a row and refuses it if it cannot be sent: the wrapper looks at an update before it looks at the context,
// and with one that is done it goes no further.
func (c *checker) check(line []byte) (row, error) {
	r, err := parseRow(line)
	if err != nil {
		return r, err
	}
	_, err = c.client.UpdateConnectedAccount(c.done, r.ID, r.update())
	if e, ok := errors.AsType[*composio.Error](err); ok && errors.Is(e, composio.ErrInvalid) {
		text := strings.ReplaceAll(rowNames.Replace(e.Err.Error()), strconv.Quote(e.AccountID), "[not shown]")
		return r, errors.New(printable(text))
	}
	return r, nil
}

// rowNames leaves out advice that is for Go programs.
var rowNames = strings.NewReplacer(", or use SetVerbatim", "")

// idSet finds ids that are repeated, in four bytes an id: it keeps 40 bits of a hash of each, eight of them by where it
// keeps the others. Ids that have these in common are looked at again.
type idSet struct {
	seed   maphash.Seed
	hashes [256][][]uint32 // in pieces, because a slice that grows leaves its former selves behind
}

func newIDSet() *idSet { return &idSet{seed: maphash.MakeSeed()} }

func (s *idSet) hash(id string) uint64 { return maphash.String(s.seed, id) & (1<<40 - 1) }

func (s *idSet) add(id string) {
	h := s.hash(id)
	pieces := &s.hashes[h>>32]
	last := len(*pieces) - 1
	if last < 0 || len((*pieces)[last]) == cap((*pieces)[last]) {
		*pieces = append(*pieces, make([]uint32, 0, 256))
		last++
	}
	(*pieces)[last] = append((*pieces)[last], uint32(h)) // #nosec G115 -- the rest of h is in the index
}

// repeated returns the hashes that were added more than once.
func (s *idSet) repeated() map[uint64]bool {
	twice := map[uint64]bool{}
	for high, pieces := range s.hashes {
		hashes := slices.Concat(pieces...)
		slices.Sort(hashes)
		for i := 1; i < len(hashes); i++ {
			if hashes[i] == hashes[i-1] {
				twice[uint64(high)<<32|uint64(hashes[i])] = true // #nosec G115 -- an index of 256
			}
		}
	}
	return twice
}
