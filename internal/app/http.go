package app

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hibiken/asynqmon"
)

// API serves health and readiness (and, in a later issue, the API) until ctx ends.
func (a *App) API(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
	})
	mux.HandleFunc("GET /readyz", a.ready)
	mux.Handle("GET /metrics", a.Metrics.Handler())
	return a.serve(ctx, "api", a.Config.HTTP.Addr, mux)
}

// ServeMetrics serves the metrics of a role that has no other address.
func (a *App) ServeMetrics(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.Metrics.Handler())
	mux.HandleFunc("GET /readyz", a.ready)
	return a.serve(ctx, "metrics", a.Config.Metrics.Addr, mux)
}

// ready tells what this process can reach.
func (a *App) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	var mongodb, redis error
	var wg sync.WaitGroup // both at once: one that hangs would use up the other's time
	wg.Go(func() { mongodb = a.DB.Ping(ctx) })
	wg.Go(func() { redis = a.Redis.Ping(ctx).Err() })
	wg.Wait()
	checks, status := map[string]string{"mongodb": "ok", "redis": "ok"}, http.StatusOK
	for name, err := range map[string]error{"mongodb": mongodb, "redis": redis} {
		if err != nil {
			checks[name], status = "not reachable", http.StatusServiceUnavailable
			a.Log.Warn().Err(err).Str("check", name).Msg("not ready")
		}
	}
	writeJSON(w, status, checks)
}

// Monitor serves Asynqmon until ctx ends: on the loopback interface and read-only
// unless a password is configured.
func (a *App) Monitor(ctx context.Context) error {
	password := a.Config.Monitor.Password.Reveal()
	h := asynqmon.New(asynqmon.Options{RootPath: "/", RedisConnOpt: a.redisOptions(), ReadOnly: password == ""})
	defer func() { _ = h.Close() }()
	return a.serve(ctx, "monitor", a.Config.Monitor.Addr, guard(h, password))
}

// guard asks for the password, if there is one, and refuses what another site's
// page sends: Asynqmon does neither.
func guard(next http.Handler, password string) http.Handler {
	cross := http.NewCrossOriginProtection()
	return cross.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, got, ok := r.BasicAuth()
		if password != "" && (!ok || subtle.ConstantTimeCompare([]byte(got), []byte(password)) != 1) {
			w.Header().Set("WWW-Authenticate", `Basic realm="kml monitor"`)
			http.Error(w, "give any user name and the monitor's password", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	}))
}

func (a *App) serve(ctx context.Context, role, addr string, h http.Handler) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%s: %w", role, err)
	}
	a.Log.Info().Str("addr", l.Addr().String()).Msg(role + " is listening")
	srv := &http.Server{Handler: h, ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) }}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return fmt.Errorf("%s: %w", role, err)
	case <-ctx.Done():
	}
	sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err = srv.Shutdown(sctx)
	if serr := <-done; !errors.Is(serr, http.ErrServerClosed) {
		err = errors.Join(err, serr)
	}
	return err
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a client that went away is its own affair
}
