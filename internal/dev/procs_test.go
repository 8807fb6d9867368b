package dev_test

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/dev"
)

const (
	// patient ends when it is asked to; it tells its pid when it is up.
	patient = `echo up $$; exec sleep 600`
	// stubborn does not.
	stubborn = `trap "" TERM; echo up $$; exec sleep 600`
)

func contextFor(t *testing.T, d time.Duration) (context.Context, context.CancelFunc) {
	t.Helper()
	return context.WithTimeout(t.Context(), d)
}

// await looks at another process until a thing is so.
func await(t *testing.T, what string, so func() bool) {
	t.Helper()
	ctx, cancel := contextFor(t, 30*time.Second)
	defer cancel()
	for !so() {
		select {
		case <-ctx.Done():
			t.Fatalf("waited too long for %s", what)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func awaitEnded(t *testing.T, p *dev.Procs, name string) {
	t.Helper()
	await(t, name+" to end", func() bool { return slices.Contains(p.Ended(), name) })
}

func output(t *testing.T, p *dev.Procs, name string) string {
	t.Helper()
	b, err := os.ReadFile(p.LogFile(name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// start starts a script and waits until it has been up so many times.
func start(t *testing.T, p *dev.Procs, name, script string, args ...string) {
	t.Helper()
	if err := p.Start(name, "sh", append([]string{"-c", script}, args...)...); err != nil {
		t.Fatal(err)
	}
	up(t, p, name, 1)
}

func up(t *testing.T, p *dev.Procs, name string, times int) (pid int) {
	t.Helper()
	await(t, name+" to be up", func() bool { return strings.Count(output(t, p, name), "\n") >= times })
	lines := strings.Split(strings.TrimSpace(output(t, p, name)), "\n")
	if _, err := fmt.Sscanf(lines[len(lines)-1], "up %d", &pid); err != nil {
		t.Fatalf("%s said %q: %v", name, lines, err)
	}
	return pid
}

func TestProcsKillAndRestart(t *testing.T) {
	t.Parallel()
	p := &dev.Procs{Dir: t.TempDir(), Env: []string{"KML_X=y"}}
	start(t, p, "b", patient)
	start(t, p, "a", patient)
	start(t, p, "env", `echo up 1 "$KML_X"`)
	awaitEnded(t, p, "env")
	if got := output(t, p, "env"); got != "up 1 y\n" {
		t.Errorf("the process said %q", got)
	}
	if err := p.Restart("a"); err == nil {
		t.Error("a process that runs was started a second time; nobody would end the first")
	}
	first := up(t, p, "a", 1)
	for _, name := range []string{"b", "a"} {
		if err := p.Kill(name); err != nil {
			t.Fatal(err)
		}
	}
	if got := p.Ended(); !slices.Equal(got, []string{"a", "b", "env"}) {
		t.Errorf("ended: %v", got)
	}
	if err := p.Restart("a"); err != nil {
		t.Fatal(err)
	}
	if second := up(t, p, "a", 2); second == first || slices.Contains(p.Ended(), "a") {
		t.Errorf("process %d came after %d; ended: %v", second, first, p.Ended())
	}
	for _, err := range []error{p.Kill("stranger"), p.Restart("stranger"), p.Signal("stranger", syscall.SIGTERM)} {
		if err == nil || !strings.Contains(err.Error(), "stranger") {
			t.Errorf("a process that is not of the set: %v", err)
		}
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(p.Ended(), "a") {
		t.Error("Close left a process")
	}
}

// A process that is stopped can end only when it is continued.
func TestCloseEndsStoppedProcess(t *testing.T) {
	t.Parallel()
	p := &dev.Procs{Dir: t.TempDir()}
	start(t, p, "p", patient)
	if err := p.Signal("p", syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if pid := up(t, p, "p", 1); runtime.GOOS == "linux" {
		await(t, "the process to be stopped", func() bool {
			b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
			return err == nil && strings.Contains(string(b), ") T ")
		})
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if got := p.Ended(); len(got) != 1 {
		t.Errorf("ended: %v", got)
	}
}

// Several that do not end are all killed, and all named.
func TestCloseKillsTheStubborn(t *testing.T) {
	t.Parallel()
	p := &dev.Procs{Dir: t.TempDir(), Grace: 100 * time.Millisecond}
	start(t, p, "mule", stubborn)
	start(t, p, "ox", stubborn)
	err := p.Close()
	if err == nil || !strings.Contains(err.Error(), "mule") || !strings.Contains(err.Error(), "ox") {
		t.Errorf("closed with: %v", err)
	}
	if got := p.Ended(); len(got) != 2 {
		t.Errorf("ended: %v", got)
	}
}

func TestAwaitListening(t *testing.T) {
	t.Parallel()
	addr, err := dev.FreeAddr()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := contextFor(t, 100*time.Millisecond)
	defer cancel()
	if err := dev.AwaitListening(ctx, addr); err == nil || !strings.Contains(err.Error(), addr) {
		t.Errorf("nobody listens, yet: %v", err)
	}
}
