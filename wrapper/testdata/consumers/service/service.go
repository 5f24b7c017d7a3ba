// Package service hands new tokens to Composio.
package service

import (
	"context"
	"errors"

	composio "example.com/composio/wrapper"
)

// ErrGone says that an account is not there any more.
var ErrGone = errors.New("the account is gone")

// Service hands new tokens to Composio.
type Service struct{ Composio *composio.Client }

// Rotate gives an account a new token.
func (s *Service) Rotate(ctx context.Context, account, token string) error {
	_, err := s.Composio.UpdateConnectedAccount(ctx, account, composio.Update{
		Credentials: composio.BearerToken{Token: composio.Set(token)},
	})
	if errors.Is(err, composio.ErrAccountNotFound) {
		return ErrGone
	}
	return err
}
