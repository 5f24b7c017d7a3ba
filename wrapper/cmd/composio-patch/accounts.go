package main

import (
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"strings"

	"example.com/composio/wrapper/sandbox"
)

// fill puts accounts into a sandbox.
func fill(box *sandbox.Server, accounts []sandbox.Account) *sandbox.Server {
	for _, account := range accounts {
		box.Put(account)
	}
	return box
}

// seedLines are accounts of each scheme. The first two are of one user and toolkit, so that their aliases can clash.
//
//go:embed accounts.jsonl
var seedLines string

func seeds() []sandbox.Account {
	accounts, err := sandbox.ReadAccounts(strings.NewReader(seedLines))
	if err != nil {
		panic(err) // a test reads them
	}
	return accounts
}

// describe returns an account for a person, part by part. Of a credential it says what it is since before, and never its value.
func describe(before, a sandbox.Account) []string {
	credentials := map[string]string{}
	for name := range before.Credentials {
		credentials[name] = name + ": removed"
	}
	for name, value := range a.Credentials {
		switch old, had := before.Credentials[name]; {
		case value == "":
			credentials[name] = name + ": empty"
		case had && value == old:
			credentials[name] = name + ": set"
		default:
			credentials[name] = name + ": new"
		}
	}
	parts := []string{
		a.ID, string(a.Scheme), string(a.Status), fmt.Sprintf("%s of %s", a.Toolkit, a.UserID), fmt.Sprintf("alias %q", a.Alias),
		strings.Join(slices.Sorted(maps.Values(credentials)), ", "),
	}
	if a.AllowAllUsers {
		parts = append(parts, "every user may use it")
	}
	if len(a.AllowedUserIDs) > 0 {
		parts = append(parts, fmt.Sprintf("allowed %q", a.AllowedUserIDs))
	}
	if len(a.NotAllowedUserIDs) > 0 {
		parts = append(parts, fmt.Sprintf("denied %q", a.NotAllowedUserIDs))
	}
	for i, part := range parts {
		parts[i] = printable(part)
	}
	return parts
}
