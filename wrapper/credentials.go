package composio

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"unicode/utf8"

	"example.com/composio/gen"
)

// Credentials are the new credentials of an account: a value of, or a non-nil pointer to, [BearerToken], [APIKey],
// [Basic], [BasicWithJWT], [GoogleServiceAccount], [ServiceAccount] or [CredentialFields]. The scheme must be the one
// that the account was connected with. Fields left zero keep what is stored; with all of them zero the
// credentials change nothing and are not sent.
type Credentials interface {
	scheme() Scheme
	assign(*credentialPatch)
}

// BearerToken are the credentials of a BEARER_TOKEN account. Composio does not refresh them: whoever owns the token
// sends each new one.
type BearerToken struct {
	Token Field // keeps what is stored when zero
}

// APIKey are the credentials of an API_KEY account. Which of the fields is used depends on the toolkit.
type APIKey struct {
	GenericAPIKey Field // keeps what is stored when zero
	APIKey        Field // keeps what is stored when zero
	BearerToken   Field // keeps what is stored when zero
	BasicEncoded  Field // keeps what is stored when zero
}

// Basic are the credentials of a BASIC account.
type Basic struct {
	Username Field // keeps what is stored when zero
	Password Field // keeps what is stored when zero
}

// BasicWithJWT are the credentials of a BASIC_WITH_JWT account.
type BasicWithJWT struct {
	Username Field // keeps what is stored when zero
	Password Field // keeps what is stored when zero
}

// GoogleServiceAccount are the credentials of a GOOGLE_SERVICE_ACCOUNT account.
type GoogleServiceAccount struct {
	CredentialsJSON Field // the key file, a JSON document as one string; keeps what is stored when zero
}

// ServiceAccount are the credentials of a SERVICE_ACCOUNT account.
type ServiceAccount struct {
	ApplicationID  Field // keeps what is stored when zero
	InstallationID Field // keeps what is stored when zero
	PrivateKey     Field // keeps what is stored when zero
}

// CredentialFields are credentials by their names on the wire, such as "generic_token": any scheme with any of the
// fields that the document has. An unknown name or scheme is [ErrInvalid].
type CredentialFields struct {
	Scheme Scheme
	Fields map[string]Field // by wire name; a name that is missing keeps what is stored
}

func (BearerToken) scheme() Scheme          { return SchemeBearerToken }
func (APIKey) scheme() Scheme               { return SchemeAPIKey }
func (Basic) scheme() Scheme                { return SchemeBasic }
func (BasicWithJWT) scheme() Scheme         { return SchemeBasicWithJWT }
func (GoogleServiceAccount) scheme() Scheme { return SchemeGoogleServiceAccount }
func (ServiceAccount) scheme() Scheme       { return SchemeServiceAccount }
func (c CredentialFields) scheme() Scheme   { return c.Scheme }

func (c BearerToken) assign(p *credentialPatch) {
	p.set(&p.Token, c.Token)
}

func (c APIKey) assign(p *credentialPatch) {
	p.set(&p.GenericAPIKey, c.GenericAPIKey)
	p.set(&p.APIKey, c.APIKey)
	p.set(&p.BearerToken, c.BearerToken)
	p.set(&p.BasicEncoded, c.BasicEncoded)
}

func (c Basic) assign(p *credentialPatch) {
	p.set(&p.Username, c.Username)
	p.set(&p.Password, c.Password)
}

func (c BasicWithJWT) assign(p *credentialPatch) {
	p.set(&p.Username, c.Username)
	p.set(&p.Password, c.Password)
}

func (c GoogleServiceAccount) assign(p *credentialPatch) {
	p.set(&p.CredentialsJSON, c.CredentialsJSON)
}

func (c ServiceAccount) assign(p *credentialPatch) {
	p.set(&p.ApplicationID, c.ApplicationID)
	p.set(&p.InstallationID, c.InstallationID)
	p.set(&p.PrivateKey, c.PrivateKey)
}

func (c CredentialFields) assign(p *credentialPatch) {
	known := 0
	for name, property := range p.Nullables() {
		if field, ok := c.Fields[name]; ok {
			p.set(property, field)
			known++
		}
	}
	if known < len(c.Fields) {
		p.refuse(unknownName(c.Fields, p))
	}
}

// unknownName names the first field that the document does not have, and those that it has.
func unknownName(fields map[string]Field, p *credentialPatch) error {
	var have []string
	for name := range p.Nullables() {
		have = append(have, name)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(have, name) {
			return fmt.Errorf("unknown credential field %.64q; there are %v", name, have)
		}
	}
	return nil
}

// credentialPatch collects the credentials of one update on their way to the wire.
type credentialPatch struct {
	*gen.CredentialPatch
	changed bool
	err     error // the first field that was refused
}

// set stores what field says in one of the patch's own properties.
func (p *credentialPatch) set(property *gen.NullableString, field Field) {
	switch field.action {
	case keep:
		return
	case clearValue:
		*property = gen.Null()
	default:
		switch {
		case !utf8.ValidString(*field.value):
			p.refuse(fmt.Errorf("credential %s: the value is not valid UTF-8, which JSON cannot carry", p.nameOf(property)))
		case field.action == set && looksMasked(*field.value):
			p.refuse(fmt.Errorf("credential %s: the value looks masked, as Composio shows it when read; set the real one, or use SetVerbatim", p.nameOf(property)))
		}
		*property = gen.String(*field.value)
	}
	p.changed = true
}

func (p *credentialPatch) refuse(err error) {
	if p.err == nil {
		p.err = err
	}
}

// nameOf returns the wire name of one of the patch's own properties.
func (p *credentialPatch) nameOf(property *gen.NullableString) string {
	for name, candidate := range p.Nullables() {
		if candidate == property {
			return name
		}
	}
	return ""
}

// isNil reports whether v is nil or holds a nil pointer or function, on which any method would panic.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return (r.Kind() == reflect.Pointer || r.Kind() == reflect.Func) && r.IsNil()
}
