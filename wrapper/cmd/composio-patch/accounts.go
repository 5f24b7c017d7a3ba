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

// describe returns an account for a person, part by part. Of a credential it says whether there is one, and what
// became of it since before.
func describe(before, a sandbox.Account) []string {
	parts := []string{
		a.ID, string(a.Scheme), string(a.Status), fmt.Sprintf("%s of %s", a.Toolkit, a.UserID), fmt.Sprintf("alias %q", a.Alias),
	}
	var credentials []string
	names := map[string]string{}
	maps.Copy(names, before.Credentials)
	maps.Copy(names, a.Credentials)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		credentials = append(credentials, name+": "+became(before.Credentials, a.Credentials, name))
	}
	parts = append(parts, strings.Join(credentials, ", "))
	if a.AllowAllUsers {
		parts = append(parts, "every user may use it")
	}
	if len(a.AllowedUserIDs) > 0 {
		parts = append(parts, fmt.Sprintf("allowed %q", a.AllowedUserIDs))
	}
	if len(a.NotAllowedUserIDs) > 0 {
		parts = append(parts, fmt.Sprintf("denied %q", a.NotAllowedUserIDs))
	}
	return parts
}

func became(before, after map[string]string, name string) string {
	old, had := before[name]
	value, has := after[name]
	state := "set"
	if value == "" {
		state = "empty"
	}
	switch {
	case !has:
		return "absent (removed)"
	case !had:
		return state + " (added)"
	case old != value:
		return state + " (replaced)"
	}
	return state
}
