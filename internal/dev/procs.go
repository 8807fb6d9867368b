package dev

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Procs is a set of processes that belong together: what a process manager does,
// as far as a demo needs it. Close ends them all.
type Procs struct {
	Dir string // where their logs go
	Env []string

	mu    sync.Mutex
	procs map[string]*proc
}

type proc struct {
	name string
	args []string
	cmd  *exec.Cmd
	log  *os.File
	done chan struct{} // closed when it has ended
}

// Start starts a process; its output goes to Dir/name.log.
func (p *Procs) Start(name, binary string, args ...string) error {
	log, err := os.OpenFile(p.LogFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	cmd := exec.Command(binary, args...) // #nosec: the project's own binaries
	cmd.Env = append(os.Environ(), p.Env...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	pr := &proc{name: name, args: append([]string{binary}, args...), cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		_ = cmd.Wait() // how it ended is in its log; whether it ended, in done
		_ = log.Close()
		close(pr.done)
	}()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.procs == nil {
		p.procs = map[string]*proc{}
	}
	p.procs[name] = pr
	return nil
}

// LogFile is where a process's output goes.
func (p *Procs) LogFile(name string) string { return filepath.Join(p.Dir, name+".log") }

// Signal sends a signal to a process of this set.
func (p *Procs) Signal(name string, sig syscall.Signal) error {
	pr, err := p.get(name)
	if err != nil {
		return err
	}
	if err := pr.cmd.Process.Signal(sig); err != nil {
		return fmt.Errorf("signal %v to %s: %w", sig, name, err)
	}
	return nil
}

// Kill ends a process without asking and waits until it is gone.
func (p *Procs) Kill(name string) error {
	pr, err := p.get(name)
	if err != nil {
		return err
	}
	if err := pr.cmd.Process.Kill(); err != nil {
		return fmt.Errorf("kill %s: %w", name, err)
	}
	<-pr.done
	return nil
}

// Restart starts a process again that was killed, as a process manager would.
func (p *Procs) Restart(name string) error {
	pr, err := p.get(name)
	if err != nil {
		return err
	}
	return p.Start(name, pr.args[0], pr.args[1:]...)
}

func (p *Procs) get(name string) (*proc, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pr, ok := p.procs[name]
	if !ok {
		return nil, fmt.Errorf("no process %s", name)
	}
	return pr, nil
}

// Ended gives the names of processes that are not running.
func (p *Procs) Ended() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for name, pr := range p.procs {
		select {
		case <-pr.done:
			out = append(out, name)
		default:
		}
	}
	return out
}

const grace = 12 * time.Second

// Close asks all processes to end, then ends those that do not.
func (p *Procs) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pr := range p.procs {
		_ = pr.cmd.Process.Signal(syscall.SIGCONT) // one that is stopped cannot end
		_ = pr.cmd.Process.Signal(syscall.SIGTERM) // one that ended already needs none
	}
	deadline := time.After(grace)
	var errs []error
	for _, pr := range p.procs {
		select {
		case <-pr.done:
		case <-deadline:
			errs = append(errs, fmt.Errorf("%s did not end within %v and was killed", pr.name, grace), pr.cmd.Process.Kill())
			<-pr.done
		}
	}
	return errors.Join(errs...)
}

// FreeAddr finds a free port of the loopback interface.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String(), nil
}

// AwaitListening waits until somebody listens at addr.
func AwaitListening(ctx context.Context, addr string) error {
	for {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", addr)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nobody listens at %s: %w", addr, errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
