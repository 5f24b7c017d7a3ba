package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/signal"
	"reflect"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

// maxSecret is far above any credential; a file beyond it is the wrong one.
const maxSecret = 1 << 20

// readSecret reads a credential from a file, or from in for "-". Its errors do not show the path, since whoever takes
// --set-file for --set has the secret there.
func readSecret(path string, in io.Reader) (string, error) {
	if path != "-" {
		file, err := os.Open(path) // #nosec G304 -- reading the file that the user names is what the flag is for
		if err != nil {
			return "", errors.New("the input cannot be read: " + reason(err))
		}
		defer func() { _ = file.Close() }() // it was only read
		in = file
	}
	data, err := io.ReadAll(io.LimitReader(in, maxSecret+1))
	switch {
	case err != nil:
		return "", errors.New("the input cannot be read: " + reason(err))
	case len(data) > maxSecret:
		return "", errors.New("the input has more than 1 MiB, and is no credential")
	}
	value, cut := strings.CutSuffix(string(data), "\n")
	if cut {
		value = strings.TrimSuffix(value, "\r")
	}
	if value == "" {
		return "", errors.New("the input is empty; to store an empty credential, use --set FIELD= with --allow-clear")
	}
	return value, nil
}

// maxTyped is what Linux takes of a line that is typed; it drops the rest.
const maxTyped = 4095

// askSecret has somebody type or paste a credential on the terminal, which does not show it.
func askSecret(std *stdio, terminal *os.File, field string) (string, error) {
	shown, err := term.GetState(fd(terminal))
	if err != nil {
		return "", errors.New("the terminal cannot be read")
	}
	signals, read := make(chan os.Signal, 1), make(chan struct{})
	notifyEnd(signals)
	defer signal.Stop(signals)
	var asking sync.WaitGroup
	asking.Go(func() {
		for range 50 { // a quick typist must not see what ReadPassword is about to hide
			if now, err := term.GetState(fd(terminal)); err != nil || !reflect.DeepEqual(now, shown) {
				break
			}
			time.Sleep(time.Millisecond)
		}
		std.errf("%s (is not shown): ", field)
		select {
		case <-signals: // the terminal must show again what is typed
			_ = term.Restore(fd(terminal), shown)
			os.Exit(exitFailed)
		case <-read:
		}
	})
	text, err := term.ReadPassword(fd(terminal))
	close(read)
	asking.Wait()
	std.errf("\n")
	switch value := string(text); {
	case err != nil:
		return "", errors.New("the terminal cannot be read")
	case value == "":
		return "", errors.New("nothing was typed")
	case len(value) >= maxTyped:
		return "", errors.New("a terminal takes no line that is so long; use a file")
	case strings.HasPrefix(value, "-----BEGIN "), strings.HasPrefix(value, "{") && !json.Valid(text):
		return "", errors.New("a terminal takes the first line alone; use a file")
	default:
		return value, nil
	}
}

func fd(file *os.File) int { return int(file.Fd()) } // #nosec G115 -- small

// terminalOf returns what is read or written if it is a terminal, and otherwise nil.
func terminalOf(stream any) *os.File {
	if file, ok := stream.(*os.File); ok && term.IsTerminal(fd(file)) {
		return file
	}
	return nil
}
