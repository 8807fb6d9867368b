package redisdev_test

import (
	"context"
	"errors"
	"net"
	"os/exec"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/redisdev"
)

func start(t *testing.T, ctx context.Context, cfg redisdev.Config) (*redisdev.Server, *goredis.Client) {
	t.Helper()
	s, err := redisdev.Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	client := goredis.NewClient(&goredis.Options{Addr: s.Addr(), MaxRetries: -1})
	t.Cleanup(func() {
		if err := errors.Join(client.Close(), s.Close()); err != nil {
			t.Error(err)
		}
	})
	return s, client
}

func needServer(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server on the PATH")
	}
}

func TestKeepsItsDirectory(t *testing.T) {
	t.Parallel()
	needServer(t)
	dir := t.TempDir()
	s, client := start(t, t.Context(), redisdev.Config{Dir: dir})
	if err := client.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	_, client = start(t, t.Context(), redisdev.Config{Dir: dir})
	if v, err := client.Get(t.Context(), "k").Result(); err != nil || v != "v" {
		t.Fatalf("after a restart: %q, %v", v, err)
	}
}

func TestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for _, inProcess := range []bool{false, true} {
		if !inProcess {
			needServer(t)
		}
		ctx, cancel := context.WithCancel(t.Context())
		s, client := start(t, ctx, redisdev.Config{InProcess: inProcess, Dir: ":memory:"})
		if err := client.Ping(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
		cancel()
		if err := s.Close(); err != nil { // waits for the end, whoever began it
			t.Fatal(err)
		}
		if err := client.Ping(t.Context()).Err(); err == nil {
			t.Fatalf("%s still answers", s.Kind())
		}
	}
}

func TestMiniredisExpires(t *testing.T) {
	t.Parallel()
	_, client := start(t, t.Context(), redisdev.Config{InProcess: true})
	if err := client.Set(t.Context(), "k", "v", 20*time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for client.Exists(ctx, "k").Val() == 1 {
		if ctx.Err() != nil {
			t.Fatal("the key does not expire")
		}
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, inProcess := range []bool{false, true} {
		if !inProcess {
			needServer(t)
		}
		if s, err := redisdev.Start(t.Context(), redisdev.Config{Addr: ln.Addr().String(), InProcess: inProcess}); err == nil {
			t.Errorf("%s started on a taken port: %v", s.Kind(), s.Close())
		}
	}
}

func TestBadAddress(t *testing.T) {
	t.Parallel()
	for _, addr := range []string{"6379", ":6379", "127.0.0.1:"} {
		if _, err := redisdev.Start(t.Context(), redisdev.Config{Addr: addr}); !errors.Is(err, fleet.ErrInvalid) {
			t.Errorf("%q: %v", addr, err)
		}
	}
}
