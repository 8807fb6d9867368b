package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/dev"
)

// runFlags are the flags of the all-in-one.
type runFlags struct {
	accounts int
	addr     string
	dir      string // where others find it: key, log, process id
	detach   bool
}

func runCommand() *cobra.Command {
	f := runFlags{}
	c := &cobra.Command{Use: "run", Short: "The all-in-one: every role and every part in one process, until interrupted", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if f.detach {
				return f.runDetached(c.Context(), c.OutOrStdout())
			}
			return f.run(c.Context(), c.OutOrStdout())
		}}
	c.Flags().IntVar(&f.accounts, "accounts", 20, "AWS accounts, over two organizations")
	c.Flags().StringVar(&f.addr, "addr", "127.0.0.1:8080", "address of the API; the other parts take any free port")
	c.Flags().StringVar(&f.dir, "dir", ".kml", "folder for the key (cli.env), the log and the process id")
	c.Flags().BoolVar(&f.detach, "detach", false, "go on in the background once it is ready; kml-dev stop ends it")
	return c
}

// run plays every role until ctx ends.
func (f runFlags) run(ctx context.Context, out io.Writer) (err error) {
	held, err := f.lock()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.Close()) }()
	names, err := labTypeNames()
	if err != nil {
		return err
	}
	w := dev.World{Accounts: f.accounts, Warm: max(2, f.accounts/4), Seed: 1, IAMDelay: dev.DefaultIAMDelay}
	parts, err := dev.Start(ctx, w, ":memory:", ":memory:", names)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.Close()) }()
	parts.Config.HTTP.Addr, parts.Config.Metrics.Addr = f.addr, "127.0.0.1:0"
	log := zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, NoColor: !isTerminal(os.Stderr)}).Level(zerolog.InfoLevel).With().Timestamp().Logger()
	a, err := app.Open(ctx, parts.Config, log, &parts.Base)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	server := "http://" + f.addr
	_, _ = fmt.Fprintf(out, "API            %s/v1 (reference: %s/docs)\nqueues         %s/monitor/ (any user, the key as password)\nsimulated AWS  %s\nMongoDB        %s\nRedis          %s\nkey            . %s\n",
		server, server, server, parts.Sim.URL(), parts.Mongo.URI(), parts.Redis.Addr(), f.cliEnv())
	return app.All(ctx, a.Worker, a.Scheduler, a.API, a.ServeMetrics,
		func(ctx context.Context) error { return f.tell(ctx, a, server) })
}

func (f runFlags) cliEnv() string { return filepath.Join(f.dir, "cli.env") }

// tell writes where the API is, with a key of its own, as soon as the API is
// ready, and takes it back at the end.
func (f runFlags) tell(ctx context.Context, a *app.App, server string) error {
	if err := untilReady(ctx, server+"/readyz"); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	key, _, err := (&access.Keys{Store: a.DB.Keys(), Clock: a.Clock}).New(ctx, access.KeyRequest{Name: "laptop", Role: access.Admin}, "kml-dev run")
	if err != nil {
		return fmt.Errorf("key of this run: %w", err)
	}
	lines := fmt.Sprintf("export KML_SERVER=%s\nexport KML_API_KEY=%s\n", server, key)
	// Others wait for the file: it appears whole.
	next := f.cliEnv() + ".new"
	if err := os.WriteFile(next, []byte(lines), 0o600); err != nil {
		return fmt.Errorf("where the API is: %w", err)
	}
	if err := os.Rename(next, f.cliEnv()); err != nil {
		return fmt.Errorf("where the API is: %w", err)
	}
	<-ctx.Done()
	return os.Remove(f.cliEnv())
}

// untilReady asks until the answer is 200.
func untilReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err == nil {
			_ = resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("answers %s", resp.Status)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", url, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
