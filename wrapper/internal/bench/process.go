package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
)

// process is this program started again, as the server or as a client. It ends when its standard input does, so none
// stays behind, even if this process is killed.
type process struct {
	stdin  io.Writer
	stdout *bufio.Reader
	stop   func() error // waits for the end, and returns what the process ended with; a second time too
}

// startProcess sets the variable that says what the process is to be.
func startProcess(variable, value string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), variable+"="+value)
	var problem bytes.Buffer
	command.Stderr = &problem
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	return &process{stdin, bufio.NewReader(stdout), sync.OnceValue(func() error {
		err := errors.Join(stdin.Close(), command.Wait())
		if err != nil {
			err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(problem.Bytes()))
		}
		return err
	})}, nil
}

// read decodes the next line that the process writes. If that fails, it stops the process.
func (p *process) read(into any) error {
	line, err := p.stdout.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, into)
	}
	if err == nil {
		return nil
	}
	if reason := p.stop(); reason != nil {
		return reason
	}
	return fmt.Errorf("the process wrote %q: %w", line, err)
}

// childsWork is what this process is to do if another one started it with startProcess, and otherwise nil.
func childsWork() func() error {
	switch {
	case os.Getenv(serveVariable) != "":
		return serve
	case os.Getenv(clientVariable) != "":
		return beClient
	}
	return nil
}
