package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
)

// How long a detached run may take to be ready, and to end.
const (
	detachWait = time.Minute
	stopWait   = 30 * time.Second
)

func (f runFlags) pidFile() string { return filepath.Join(f.dir, "run.pid") }

// lock makes this process the run of the folder. The lock, not the number in the
// file, says that the run is alive: the system gives it back when it dies.
func (f runFlags) lock() (*os.File, error) {
	if err := os.MkdirAll(f.dir, 0o750); err != nil {
		return nil, fmt.Errorf("folder of the run: %w", err)
	}
	file, err := os.OpenFile(f.pidFile(), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("process id of the run: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("a run with --dir %s is going on: end it with kml-dev stop, or choose another --dir and --addr: %w", f.dir, err), file.Close())
	}
	if err := file.Truncate(0); err != nil {
		return nil, errors.Join(fmt.Errorf("process id of the run: %w", err), file.Close())
	}
	if _, err := fmt.Fprint(file, os.Getpid()); err != nil {
		return nil, errors.Join(fmt.Errorf("process id of the run: %w", err), file.Close())
	}
	return file, nil
}

// running gives the process id of the folder's run, 0 if there is none.
func (f runFlags) running() (int, error) {
	file, err := os.Open(f.pidFile())
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("process id of the run: %w", err)
	}
	defer func() { _ = file.Close() }() // only read
	if syscall.Flock(int(file.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil {
		return 0, nil // nobody holds it; closing gives it back
	}
	raw, err := io.ReadAll(file)
	if err != nil {
		return 0, fmt.Errorf("process id of the run: %w", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(raw)))
	if err != nil {
		return 0, fmt.Errorf("process id of the run in %s: %w", f.pidFile(), err)
	}
	return pid, nil
}

// runDetached starts the run in the background and returns when it is ready.
func (f runFlags) runDetached(ctx context.Context, out io.Writer) error {
	if pid, err := f.running(); err != nil || pid != 0 {
		return errors.Join(err, fmt.Errorf("a run with --dir %s is going on (process %d): end it with kml-dev stop", f.dir, pid))
	}
	if err := os.MkdirAll(f.dir, 0o750); err != nil {
		return fmt.Errorf("folder of the run: %w", err)
	}
	if err := os.Remove(f.cliEnv()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("key of an earlier run: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("this program: %w", err)
	}
	log, err := os.OpenFile(filepath.Join(f.dir, "run.log"), os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("log of the run: %w", err)
	}
	defer func() { _ = log.Close() }()                                                                           // the child has its own
	child := exec.Command(self, "run", "--accounts", strconv.Itoa(f.accounts), "--addr", f.addr, "--dir", f.dir) // outlives ctx
	child.Stdout, child.Stderr, child.SysProcAttr = log, log, &syscall.SysProcAttr{Setsid: true}
	if err := child.Start(); err != nil {
		return fmt.Errorf("start the run: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }() // ends with the child, or with this process
	deadline := time.After(detachWait)
	for {
		if _, err := os.Stat(f.cliEnv()); err == nil {
			_, err = fmt.Fprintf(out, "the fleet is ready (process %d, log in %s); for kmlctl: . %s\n", child.Process.Pid, log.Name(), f.cliEnv())
			return err
		}
		select {
		case err := <-ended:
			return fmt.Errorf("the run ended before it was ready: see %s: %w", log.Name(), err)
		case <-deadline:
			return errors.Join(fmt.Errorf("the run was not ready in %v: see %s", detachWait, log.Name()), child.Process.Signal(syscall.SIGTERM))
		case <-ctx.Done():
			return errors.Join(ctx.Err(), child.Process.Signal(syscall.SIGTERM))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func stopCommand() *cobra.Command {
	f := runFlags{}
	c := &cobra.Command{Use: "stop", Short: "End a run that was started with --detach", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return f.stop(c.Context(), c.OutOrStdout())
	}}
	c.Flags().StringVar(&f.dir, "dir", ".kml", "folder of the run")
	return c
}

// stop ends the folder's run and waits until it is gone.
func (f runFlags) stop(ctx context.Context, out io.Writer) error {
	pid, err := f.running()
	if err != nil {
		return err
	}
	if pid == 0 {
		_, err = fmt.Fprintf(out, "no run is going on with --dir %s\n", f.dir)
		return err
	}
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return fmt.Errorf("end process %d: %w", pid, err)
	}
	ctx, cancel := context.WithTimeout(ctx, stopWait)
	defer cancel()
	for {
		if now, err := f.running(); err != nil || now != pid {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("process %d has not ended: %w", pid, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}
