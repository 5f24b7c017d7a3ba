package composio

import "example.com/composio/gen"

// Scheme is how a connected account signs in. An account keeps the scheme it was connected with.
type Scheme string

// The schemes whose credentials can be replaced. OAuth accounts cannot be updated with this call.
const (
	SchemeBearerToken          = Scheme(gen.AuthSchemeBEARERTOKEN)
	SchemeAPIKey               = Scheme(gen.AuthSchemeAPIKEY)
	SchemeBasic                = Scheme(gen.AuthSchemeBASIC)
	SchemeBasicWithJWT         = Scheme(gen.AuthSchemeBASICWITHJWT)
	SchemeGoogleServiceAccount = Scheme(gen.AuthSchemeGOOGLESERVICEACCOUNT)
	SchemeServiceAccount       = Scheme(gen.AuthSchemeSERVICEACCOUNT)
)

// Status is the state of an account's connection. The set is open: Composio may answer with others.
type Status string

// The statuses seen so far.
const (
	StatusActive       Status = "ACTIVE"
	StatusInitializing Status = "INITIALIZING"
	StatusInitiated    Status = "INITIATED"
	StatusExpired      Status = "EXPIRED"
	StatusFailed       Status = "FAILED"
	StatusInactive     Status = "INACTIVE"
	StatusRevoked      Status = "REVOKED"
)
