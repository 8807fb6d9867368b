package redisdev

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	portTries    = 5 // a free port may be taken before the server binds it
	startTimeout = 10 * time.Second
	stopTimeout  = 10 * time.Second // a large append-only file takes a while to write
	probeTimeout = 200 * time.Millisecond
	pollEvery    = 5 * time.Millisecond
)

// startProcess runs the redis-server binary.
func startProcess(ctx context.Context, cfg Config, binary string) (*Server, error) {
	host, port, _ := net.SplitHostPort(cfg.Addr)
	if port != "0" {
		return runProcess(ctx, cfg, binary, host, port)
	}
	var errs []error
	for range portTries {
		free, err := freePort(host)
		if err != nil {
			return nil, err
		}
		s, err := runProcess(ctx, cfg, binary, host, free)
		if err == nil || ctx.Err() != nil {
			return s, err
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func freePort(host string) (string, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return "", fmt.Errorf("free port for redis-server: %w", err)
	}
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	return port, ln.Close()
}

func runProcess(ctx context.Context, cfg Config, binary, host, port string) (*Server, error) {
	args := []string{"--bind", host, "--port", port, "--save", "", "--daemonize", "no", "--logfile", ""}
	if cfg.Dir == "" {
		args = append(args, "--appendonly", "no", "--dir", os.TempDir())
	} else {
		if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
			return nil, fmt.Errorf("redis directory: %w", err)
		}
		args = append(args, "--appendonly", "yes", "--appendfsync", "everysec", "--dir", cfg.Dir)
	}
	p := &process{cmd: exec.Command(binary, args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = endWithParent()
	if err := p.start(); err != nil {
		return nil, fmt.Errorf("start redis-server: %w", err)
	}
	addr := net.JoinHostPort(host, port)
	if err := p.ready(ctx, addr); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return &Server{addr: addr, kind: "redis-server", stop: p.stop}, nil
}

// process is a child process. exited is closed after its end; only then are
// output and err read.
type process struct {
	cmd    *exec.Cmd
	output bytes.Buffer
	exited chan struct{}
	err    error
}

// start runs the child from a goroutine that keeps its thread: Linux tells a
// child of its parent's death when the parent thread ends.
func (p *process) start() error {
	started := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := p.cmd.Start()
		started <- err
		if err == nil {
			p.err = p.cmd.Wait()
			close(p.exited)
		}
	}()
	return <-started
}

// ready waits until the child itself answers, and not somebody else on its port.
func (p *process) ready(ctx context.Context, addr string) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	client := goredis.NewClient(&goredis.Options{Addr: addr, MaxRetries: -1, DialTimeout: probeTimeout, ReadTimeout: probeTimeout})
	defer func() { _ = client.Close() }() // nothing was written
	for {
		info, err := client.Info(ctx, "server").Result()
		if err == nil && strings.Contains(info, fmt.Sprintf("process_id:%d\r", p.cmd.Process.Pid)) {
			return nil
		}
		select {
		case <-p.exited:
			return fmt.Errorf("redis-server on %s ended at once: %v\n%s", addr, p.err, p.output.String())
		case <-ctx.Done():
			return fmt.Errorf("redis-server on %s does not answer: %w", addr, errors.Join(ctx.Err(), err))
		case <-time.After(pollEvery):
		}
	}
}

// stop asks the child to end, and ends it if it takes too long.
func (p *process) stop() error {
	select {
	case <-p.exited:
		return nil
	default:
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop redis-server: %w", err)
	}
	select {
	case <-p.exited:
		return nil
	case <-time.After(stopTimeout):
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill redis-server: %w", err)
	}
	<-p.exited
	return nil
}
