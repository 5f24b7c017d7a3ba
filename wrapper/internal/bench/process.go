package main

import (
	"fmt"
	"io"
	"net/rpc"
	"os"
	"os/exec"
)

// childVariable, when set, makes this program a process of another one of its kind, which calls the methods of Child.
const childVariable = "COMPOSIO_BENCH_CHILD"

// Child is one variant in one case. It has a process to itself, because what else lives on a heap puts the next garbage
// collection off: with all of them in one process, there was hardly any.
type Child struct{ client *client }

// process is a child. It ends when its standard input does, so none stays behind, even if this process is killed.
type process struct {
	*rpc.Client
	command *exec.Cmd
	variant string
}

// startProcess returns a client that is warm.
func startProcess(j *Job) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	command := exec.Command(self)
	command.Env = append(os.Environ(), childVariable+"=1")
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{rpc.NewClient(pipes{out, in}), command, j.Variant}
	if err := p.Call("Child.Prepare", j, new(bool)); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: %w", j.Variant, err)
	}
	return p, nil
}

// stop returns when the process has ended.
func (p *process) stop() { _, _ = p.Close(), p.command.Wait() }

// beChild returns when the other process is done with this one.
func beChild() error {
	if err := rpc.Register(&Child{}); err != nil {
		return err
	}
	rpc.ServeConn(pipes{os.Stdin, os.Stdout})
	return nil
}

type pipes struct {
	io.Reader
	io.WriteCloser
}
