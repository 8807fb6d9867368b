// Package examples_test plays the examples against a whole fleet on embedded
// parts, as a backend's engineer would.
package examples_test

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/dev"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/labtype"
)

// patience is the end of all patience.
const patience = 3 * time.Minute

// platform is a fleet that runs, and a backend's key to it.
type platform struct {
	server, key, redis string
	sessions           fleet.Sessions // what became of requests by the queue, which have no owner
}

// env is what the examples read.
func (p platform) env() []string {
	return append(os.Environ(), "KML_SERVER="+p.server, "KML_API_KEY="+p.key, "KML_REDIS_ADDR="+p.redis)
}

// start runs every role until the test ends.
func start(t *testing.T) platform {
	t.Helper()
	types, err := labtype.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for n := range types {
		names = append(names, n)
	}
	parts, err := dev.Start(t.Context(), dev.World{Accounts: 16, Warm: 4, Seed: 1, IAMDelay: dev.DefaultIAMDelay}, ":memory:", ":memory:", names)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, parts.Close()) })
	addr, err := dev.FreeAddr()
	check(t, err)
	parts.Config.HTTP.Addr, parts.Config.Metrics.Addr = addr, "127.0.0.1:0"
	a, err := app.Open(t.Context(), parts.Config, zerolog.Nop(), &parts.Base)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- app.All(ctx, a.Worker, a.Scheduler, a.API) }()
	t.Cleanup(func() {
		cancel()
		check(t, <-done)
		check(t, a.Close())
	})
	untilReady(t, "http://"+addr+"/readyz")
	key, _, err := (&access.Keys{Store: a.DB.Keys(), Clock: a.Clock}).New(t.Context(), access.KeyRequest{Name: "academy", Role: access.Backend, Owner: "academy"}, "test")
	check(t, err)
	return platform{server: "http://" + addr, key: key, redis: parts.Config.Redis.Addr, sessions: a.Sessions}
}

func untilReady(t *testing.T, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		check(t, err)
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			check(t, resp.Body.Close())
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s is not ready: %v", url, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a command and gives what it prints.
func run(t *testing.T, p platform, dir, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c := exec.CommandContext(ctx, name, args...)
	c.Dir, c.Env = dir, p.env()
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	if strings.Contains(string(out), p.key) {
		t.Fatalf("%s prints the key", name)
	}
	return string(out)
}

func TestExamples(t *testing.T) {
	t.Parallel()
	p := start(t)
	t.Run("Go/API", func(t *testing.T) {
		out := run(t, p, ".", "go", "run", "./backend-api")
		if n := strings.Count(out, "active"); n == 0 {
			t.Errorf("no lab is active:\n%s", out)
		}
	})
	t.Run("Go/Queue", func(t *testing.T) {
		run(t, p, ".", "go", "run", "./backend-queue")
		for _, student := range []string{"ada", "grace", "edsger"} {
			untilServed(t, p, "ec2-tuesday/"+student)
		}
	})
	t.Run("TypeScript", func(t *testing.T) {
		dir := typescript(t)
		run(t, p, dir, "npm", "run", "--silent", "generate")
		run(t, p, dir, "npm", "run", "--silent", "build")
		out := run(t, p, dir, "npm", "run", "--silent", "start")
		for _, want := range []string{"ada: active", "grace: active", "edsger: active", "ada has credentials for account", "refused: invalid"} {
			if !strings.Contains(out, want) {
				t.Errorf("the example does not print %q:\n%s", want, out)
			}
		}
	})
}

// untilServed waits until a request has its lab.
func untilServed(t *testing.T, p platform, request string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		s, err := p.sessions.ByRequest(ctx, request)
		switch {
		case err == nil && s.State == fleet.SessionActive:
			return
		case err == nil && s.State.Final():
			t.Fatalf("request %s is %s: %s", request, s.State, s.Reason)
		case err != nil && !errors.Is(err, fleet.ErrNotFound):
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
			t.Fatalf("request %s has no lab", request)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// typescript copies the TypeScript example with its modules, which make setup
// fetches where there is npm.
func typescript(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		t.Skip("no npm on the PATH")
	}
	modules, err := filepath.Abs("typescript/node_modules")
	check(t, err)
	if _, err := os.Stat(modules); err != nil {
		t.Fatalf("npm is here and its modules are not: make setup (%v)", err)
	}
	dir := t.TempDir()
	source := os.DirFS("typescript")
	check(t, fs.WalkDir(source, ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || d.Name() == "dist"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, name), 0o750)
		}
		data, err := fs.ReadFile(source, name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, name), data, 0o600)
	}))
	check(t, os.Symlink(modules, filepath.Join(dir, "node_modules")))
	return dir
}
