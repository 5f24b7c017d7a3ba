package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"example.com/composio/wrapper/internal/hook"
)

// errSignal is why a context ended that a signal ended.
var errSignal = errors.New("ended by a signal")

// notifyEnd has the signals that end a command sent to a channel. A SIGHUP that was ignored when the command was started, as
// by nohup, stays ignored.
func notifyEnd(signals chan<- os.Signal) {
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(signals, syscall.SIGHUP)
	}
}

// onSignals has signals obeyed until finish: the first ends draining, the second stopped, and the third ends the process,
// whether or not anybody reads what is printed. first and second say so, unless they are empty.
func (s *stdio) onSignals(ctx context.Context, first, second string) (draining, stopped context.Context) {
	stopped, stop := context.WithCancelCause(ctx)
	draining, drain := context.WithCancelCause(stopped)
	signals := make(chan os.Signal, 3)
	notifyEnd(signals)
	released := make(chan struct{})
	var obeying sync.WaitGroup
	obeying.Go(func() {
		for got := 1; ; got++ {
			select {
			case <-signals:
			case <-released:
				return
			}
			text := first
			switch got {
			case 1:
				drain(errSignal)
			case 2:
				stop(errSignal)
				time.AfterFunc(time.Second, s.abandon)
				text = second
			default:
				os.Exit(exitUnknown)
			}
			if text != "" {
				go s.errf("%s: %s\n", name, text) // which may wait
			}
		}
	})
	s.release = append(s.release, func() {
		signal.Stop(signals)
		close(released)
		obeying.Wait()
		stop(nil)
	})
	return draining, stopped
}

// drainable returns the context of one call, which ends with stopped, or with draining while no attempt is under way.
func drainable(draining, stopped context.Context) (ctx context.Context, cancel context.CancelFunc) {
	ctx, end := context.WithCancelCause(stopped)
	var attempt sync.Mutex // held during one
	done := context.AfterFunc(draining, func() {
		attempt.Lock()
		defer attempt.Unlock()
		end(context.Cause(draining))
	})
	ctx = hook.With(ctx, hook.Attempts{
		Before: func(ctx context.Context, limiter func(context.Context) error) error {
			if err := limiter(ctx); err != nil {
				return err
			}
			attempt.Lock()
			ended := context.Cause(draining)
			if ended != nil {
				attempt.Unlock()
			}
			return ended
		},
		After: func(hook.RateLimit, error) {
			if draining.Err() != nil {
				end(context.Cause(draining)) // no retry
			}
			attempt.Unlock()
		},
	})
	return ctx, func() { done(); end(nil) }
}
