package composio

import (
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

// schemes are all of them, for messages.
var schemes = []Scheme{SchemeBearerToken, SchemeAPIKey, SchemeBasic, SchemeBasicWithJWT, SchemeGoogleServiceAccount, SchemeServiceAccount}

// Credentials are the new credentials of an account: a value of, or a non-nil pointer to, [BearerToken], [APIKey],
// [Basic], [BasicWithJWT], [GoogleServiceAccount], [ServiceAccount] or [CredentialFields]. The scheme must be the one
// that the account was connected with. Fields left zero keep what is stored; with all of them zero the
// credentials change nothing and are not sent.
type Credentials interface {
	assign(*wireUpdate) Scheme
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

func (c BearerToken) assign(w *wireUpdate) Scheme {
	w.setCredential("token", c.Token)
	return SchemeBearerToken
}

func (c APIKey) assign(w *wireUpdate) Scheme {
	w.setCredential("generic_api_key", c.GenericAPIKey)
	w.setCredential("api_key", c.APIKey)
	w.setCredential("bearer_token", c.BearerToken)
	w.setCredential("basic_encoded", c.BasicEncoded)
	return SchemeAPIKey
}

func (c Basic) assign(w *wireUpdate) Scheme {
	w.setCredential("username", c.Username)
	w.setCredential("password", c.Password)
	return SchemeBasic
}

func (c BasicWithJWT) assign(w *wireUpdate) Scheme {
	Basic(c).assign(w)
	return SchemeBasicWithJWT
}

func (c GoogleServiceAccount) assign(w *wireUpdate) Scheme {
	w.setCredential("credentials_json", c.CredentialsJSON)
	return SchemeGoogleServiceAccount
}

func (c ServiceAccount) assign(w *wireUpdate) Scheme {
	w.setCredential("application_id", c.ApplicationID)
	w.setCredential("installation_id", c.InstallationID)
	w.setCredential("private_key", c.PrivateKey)
	return SchemeServiceAccount
}

func (c CredentialFields) assign(w *wireUpdate) Scheme {
	for _, name := range slices.Sorted(maps.Keys(c.Fields)) {
		w.setCredential(name, c.Fields[name])
	}
	return c.Scheme
}
