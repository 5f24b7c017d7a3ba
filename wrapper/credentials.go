package composio

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"example.com/composio/gen"
)

// Scheme is how a connected account signs in. An account keeps the scheme that it was connected with. There is no
// default: "" is [ErrInvalid].
type Scheme string

// The schemes whose credentials can be replaced. OAuth accounts are not among them.
const (
	SchemeBearerToken          = Scheme(gen.AuthSchemeBEARERTOKEN)
	SchemeAPIKey               = Scheme(gen.AuthSchemeAPIKEY)
	SchemeBasic                = Scheme(gen.AuthSchemeBASIC)
	SchemeBasicWithJWT         = Scheme(gen.AuthSchemeBASICWITHJWT)
	SchemeGoogleServiceAccount = Scheme(gen.AuthSchemeGOOGLESERVICEACCOUNT)
	SchemeServiceAccount       = Scheme(gen.AuthSchemeSERVICEACCOUNT)
)

// Credentials are the new credentials of an account: a value of, or a non-nil pointer to, [BearerToken], [APIKey],
// [Basic], [BasicWithJWT], [GoogleServiceAccount], [ServiceAccount] or [CredentialFields]. The scheme must be the one
// that the account was connected with. Fields left zero keep what is stored; with all of them zero the
// credentials change nothing and are not sent.
type Credentials interface {
	assign(*credentialPatch) Scheme
}

// BearerToken are the credentials of a BEARER_TOKEN account. Composio does not refresh them: whoever owns the token
// sends each new one.
type BearerToken struct{ Token Field }

// APIKey are the credentials of an API_KEY account. Which of the fields is used depends on the toolkit.
type APIKey struct{ GenericAPIKey, APIKey, BearerToken, BasicEncoded Field }

// Basic are the credentials of a BASIC account.
type Basic struct{ Username, Password Field }

// BasicWithJWT are the credentials of a BASIC_WITH_JWT account.
type BasicWithJWT struct{ Username, Password Field }

// GoogleServiceAccount are the credentials of a GOOGLE_SERVICE_ACCOUNT account: the key file, a JSON document as one string.
type GoogleServiceAccount struct{ CredentialsJSON Field }

// ServiceAccount are the credentials of a SERVICE_ACCOUNT account.
type ServiceAccount struct{ ApplicationID, InstallationID, PrivateKey Field }

// CredentialFields are credentials by their names on the wire, such as "generic_token": any scheme with any of the
// fields that the document has. An unknown name or scheme is [ErrInvalid].
type CredentialFields struct {
	Scheme Scheme
	Fields map[string]Field // by wire name; a name that is missing keeps what is stored
}

func (c BearerToken) assign(p *credentialPatch) Scheme {
	p.set("token", c.Token)
	return SchemeBearerToken
}

func (c APIKey) assign(p *credentialPatch) Scheme {
	p.set("generic_api_key", c.GenericAPIKey)
	p.set("api_key", c.APIKey)
	p.set("bearer_token", c.BearerToken)
	p.set("basic_encoded", c.BasicEncoded)
	return SchemeAPIKey
}

func (c Basic) assign(p *credentialPatch) Scheme {
	p.set("username", c.Username)
	p.set("password", c.Password)
	return SchemeBasic
}

func (c BasicWithJWT) assign(p *credentialPatch) Scheme {
	Basic(c).assign(p)
	return SchemeBasicWithJWT
}

func (c GoogleServiceAccount) assign(p *credentialPatch) Scheme {
	p.set("credentials_json", c.CredentialsJSON)
	return SchemeGoogleServiceAccount
}

func (c ServiceAccount) assign(p *credentialPatch) Scheme {
	p.set("application_id", c.ApplicationID)
	p.set("installation_id", c.InstallationID)
	p.set("private_key", c.PrivateKey)
	return SchemeServiceAccount
}

func (c CredentialFields) assign(p *credentialPatch) Scheme {
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		p.set(name, c.Fields[name])
	}
	return c.Scheme
}

// credentialPatch collects the credentials of one update on their way to the wire.
type credentialPatch struct {
	*gen.CredentialPatch
	changed bool
	err     error // the first field that was refused
}

// set stores what field says under the credential's name on the wire.
func (p *credentialPatch) set(name string, field Field) {
	for known, property := range p.Nullables() {
		if known == name {
			p.setProperty(name, property, field)
			return
		}
	}
	var names []string
	for known := range p.Nullables() {
		names = append(names, known)
	}
	p.err = cmp.Or(p.err, fmt.Errorf("unknown credential field %.64q; there are %v", name, names))
}

func (p *credentialPatch) setProperty(name string, property *gen.NullableString, field Field) {
	p.changed = p.changed || field.action != keep
	switch {
	case field.action == clearValue:
		*property = gen.Null()
	case field.action != keep:
		*property = gen.String(*field.value)
	}
	if err := field.refuse(name); err != nil {
		p.err = cmp.Or(p.err, fmt.Errorf("credential %s: %w", name, err))
	}
}
