package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/hibiken/asynqmon"

	"github.com/kodekloud/kml/internal/api"
	"github.com/kodekloud/kml/internal/events"
	"github.com/kodekloud/kml/internal/redis"
)

// Timeouts of connections. A call's own limit is shorter; streams lift theirs.
const (
	headerTimeout = 5 * time.Second
	readTimeout   = 30 * time.Second
	writeTimeout  = 150 * time.Second
	idleTimeout   = 2 * time.Minute
	headerBytes   = 64 << 10
)

// API serves the API, and the queue dashboard beside it, until ctx ends.
func (a *App) API(ctx context.Context) error {
	monitor := a.asynqmon()
	defer func() { _ = monitor.Close() }()
	hub := events.NewHub(redis.NewEventStream(a.Redis), a.Clock, func(err error) { a.Log.Warn().Err(err).Msg("the event stream cannot be read at present") })
	// It outlives ctx: calls that are still worked on while the role ends wait on it.
	hctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var running sync.WaitGroup
	running.Go(func() { hub.Run(hctx) })
	defer running.Wait()
	defer cancel()
	return a.serveDoors(ctx, "api", a.Config.HTTP.Addr, api.New(a.doors(monitor, hub)))
}

// Monitor serves the queue dashboard alone until ctx ends, behind the same keys.
func (a *App) Monitor(ctx context.Context) error {
	monitor := a.asynqmon()
	defer func() { _ = monitor.Close() }()
	return a.serveDoors(ctx, "monitor", a.Config.Monitor.Addr, api.NewMonitor(a.doors(monitor, nil)))
}

func (a *App) asynqmon() *asynqmon.HTTPHandler {
	return asynqmon.New(asynqmon.Options{RootPath: "/monitor", RedisConnOpt: a.redisOptions()})
}

// ServeMetrics serves the metrics of a role that has no other address.
func (a *App) ServeMetrics(ctx context.Context) error {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.Metrics.Handler())
	mux.HandleFunc("GET /readyz", a.ready)
	return a.serve(ctx, "metrics", a.Config.Metrics.Addr, &http.Server{Handler: mux}, func() {})
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

// serveDoors serves what asks for keys, with TLS if it is configured.
func (a *App) serveDoors(ctx context.Context, role, addr string, h *api.Server) error {
	srv := &http.Server{Handler: h}
	if files := (tlsFiles{a.Config.HTTP.TLSCert, a.Config.HTTP.TLSKey, a.Config.HTTP.ClientCA}); files.cert != "" {
		keeper := &tlsKeeper{files: files, clock: a.Clock, log: a.Log}
		config, err := keeper.config()
		if err != nil {
			return fmt.Errorf("%s: %w; check http.tls_cert, http.tls_key and http.client_ca", role, err)
		}
		srv.TLSConfig = config
	}
	return a.serve(ctx, role, addr, srv, func() {
		h.Drain()
		// Calls are still taken until whoever spreads them has seen that.
		<-a.Clock.After(a.Config.HTTP.DrainWait)
	})
}

// serve serves until ctx ends; then it drains, and answers what it has taken.
func (a *App) serve(ctx context.Context, role, addr string, srv *http.Server, drain func()) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("%s: %w", role, err)
	}
	srv.ReadHeaderTimeout, srv.ReadTimeout, srv.WriteTimeout, srv.IdleTimeout, srv.MaxHeaderBytes = headerTimeout, readTimeout, writeTimeout, idleTimeout, headerBytes
	srv.BaseContext = func(net.Listener) context.Context { return context.WithoutCancel(ctx) }
	srv.ErrorLog = log.New(a.Log, "", 0)
	a.Log.Info().Str("addr", l.Addr().String()).Bool("tls", srv.TLSConfig != nil).Msg(role + " is listening")
	done := make(chan error, 1)
	go func() {
		if srv.TLSConfig != nil {
			done <- srv.ServeTLS(l, "", "")
			return
		}
		done <- srv.Serve(l)
	}()
	select {
	case err := <-done:
		return fmt.Errorf("%s: %w", role, err)
	case <-ctx.Done():
	}
	a.Log.Info().Msg(role + " is stopping: it answers what it has taken")
	drain()
	sctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(a.Config.HTTP.ShutdownWait, 5*time.Second))
	defer cancel()
	if err = srv.Shutdown(sctx); err != nil {
		err = errors.Join(fmt.Errorf("%s: calls were cut off: %w", role, err), srv.Close())
	}
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
