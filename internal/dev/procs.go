package dev

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Procs is a set of processes that belong together: what a process manager does,
// as far as a demo needs it. Close ends them all.
type Procs struct {
	Dir string // where their logs go
	Env []string
	// Grace is how long Close waits before it kills; default 12 s, more than a
	// worker takes to end.
	Grace time.Duration

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

// Start starts a process; its output goes to Dir/name.log. The name must be free
// or that of a process that has ended.
func (p *Procs) Start(name, binary string, args ...string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if pr, known := p.procs[name]; known && !pr.ended() {
		return fmt.Errorf("start %s: a process of that name is running; end it first", name)
	}
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

func (pr *proc) ended() bool {
	select {
	case <-pr.done:
		return true
	default:
		return false
	}
}

// Ended gives the names of processes that are not running, sorted.
func (p *Procs) Ended() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for name, pr := range p.procs {
		if pr.ended() {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

const defaultGrace = 12 * time.Second

// Close asks all processes to end, then ends those that do not.
func (p *Procs) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, pr := range p.procs {
		_ = pr.cmd.Process.Signal(syscall.SIGCONT) // one that is stopped cannot end
		_ = pr.cmd.Process.Signal(syscall.SIGTERM) // one that ended already needs none
	}
	grace := cmp.Or(p.Grace, defaultGrace)
	patience, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	var errs []error
	for _, pr := range p.procs {
		select {
		case <-pr.done:
		case <-patience.Done():
			if err := pr.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
				errs = append(errs, fmt.Errorf("%s did not end within %v and was killed", pr.name, grace), err)
			}
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
