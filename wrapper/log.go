package composio

import (
	"context"
	"log/slog"
	"time"
)

func logAttempt(ctx context.Context, logger *slog.Logger, call *call, status int, start time.Time) {
	if logger == nil || !logger.Enabled(ctx, slog.LevelDebug) {
		return
	}
	logger.LogAttrs(ctx, slog.LevelDebug, "composio: attempt",
		slog.String("account_id", call.shownID()), slog.Int("attempt", call.attempts), slog.Int("status", status),
		slog.Duration("duration", time.Since(start)), slog.String("request_id", call.requestID))
}

func logRetry(ctx context.Context, logger *slog.Logger, call *call, wait time.Duration) {
	if logger == nil {
		return
	}
	logger.LogAttrs(ctx, slog.LevelWarn, "composio: trying again",
		slog.String("account_id", call.last.AccountID), slog.Int("attempt", call.attempts), slog.Int("status", call.last.StatusCode),
		slog.Duration("wait", wait), slog.String("request_id", call.requestID), slog.String("error", call.last.Error()))
}
