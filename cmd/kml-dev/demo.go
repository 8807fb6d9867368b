package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/access"
	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/awssim/simadmin"
	"github.com/kodekloud/kml/internal/demo"
	"github.com/kodekloud/kml/internal/dev"
	"github.com/kodekloud/kml/internal/labtype"
)

// errBroken says that the class was played and a promise was broken.
var errBroken = errors.New("a promise was broken")

// demoFlags are the flags of the demo.
type demoFlags struct {
	options demo.Options
	stay    bool
	log     string
}

func demoCommand() *cobra.Command {
	f := demoFlags{}
	c := &cobra.Command{Use: "demo", Short: "Play a class against the all-in-one and report", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return playDemo(c.Context(), f, c.OutOrStdout()) }}
	f.register(c)
	return c
}

func (f *demoFlags) register(c *cobra.Command) {
	c.Flags().IntVar(&f.options.Students, "students", 60, "students of the class")
	c.Flags().IntVar(&f.options.Accounts, "accounts", 80, "AWS accounts, over two organizations")
	c.Flags().Uint64Var(&f.options.Seed, "seed", 1, "the same seed gives the same class")
	c.Flags().BoolVar(&f.options.Faults, "faults", false, "AWS throttles and fails now and then")
	c.Flags().DurationVar(&f.options.Lab, "lab", 45*time.Second, "how long a lab lasts")
	c.Flags().DurationVar(&f.options.IAMDelay, "iam-delay", dev.DefaultIAMDelay, "how long IAM takes to tell everybody")
	c.Flags().DurationVar(&f.options.Timeout, "timeout", 10*time.Minute, "end of all patience")
	c.Flags().BoolVar(&f.stay, "stay", false, "stay up after the class, until interrupted")
	c.Flags().StringVar(&f.log, "log", "", "file for the fleet's log (default: a file in the temporary folder)")
}

// playDemo runs everything in this process.
func playDemo(ctx context.Context, f demoFlags, out io.Writer) (err error) {
	if err := f.options.Validate(); err != nil {
		return err
	}
	log, closeLog, err := f.openLog(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	names, err := labTypeNames()
	if err != nil {
		return err
	}
	parts, err := dev.Start(ctx, f.world(), ":memory:", ":memory:", names)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.Close()) }()
	_, _ = fmt.Fprintf(out, "simulated AWS %s, MongoDB %s, Redis %s\n", parts.Sim.URL(), parts.Mongo.URI(), parts.Redis.Addr())
	if parts.Config.HTTP.Addr, err = dev.FreeAddr(); err != nil {
		return err
	}
	a, err := app.Open(ctx, parts.Config, log, &parts.Base)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	var report *demo.Report
	err = app.All(ctx, a.Worker, a.Scheduler, a.API, func(ctx context.Context) (err error) {
		report, err = play(ctx, f, a, parts.Sim.URL(), out)
		if err == nil && f.stay {
			_, _ = fmt.Fprintln(out, "staying up; interrupt to end")
			<-ctx.Done()
		}
		return err
	})
	if err == nil && report != nil && !report.OK() {
		return errBroken
	}
	return err
}

// play plays the class against an open fleet and prints the report.
func play(ctx context.Context, f demoFlags, a *app.App, endpoint string, out io.Writer) (*demo.Report, error) {
	o := f.options
	o.Warm = 2 * f.world().Warm
	by, err := doors(ctx, a, endpoint)
	if err != nil {
		return nil, err
	}
	report, err := demo.Play(ctx, o, by, demo.Show(out, isTerminal(out)))
	if err != nil {
		return nil, err
	}
	return report, report.Print(out)
}

// backend is the fleet as a backend sees it, and the simulated AWS's admin door.
func backend(a *app.App, endpoint string) demo.Fleet {
	return demo.Fleet{Queue: a.Queue, Sessions: a.DB.Sessions(), Accounts: a.DB.Accounts(), Runs: a.DB.Cleanings(),
		Activity: a.DB.Activity(), Assign: a.Assign, Sim: simadmin.New(endpoint), Endpoint: endpoint}
}

// doors is the same with the API, which must be up or on its way, and a key of a
// backend's.
func doors(ctx context.Context, a *app.App, endpoint string) (demo.Fleet, error) {
	f, server := backend(a, endpoint), "http://"+a.Config.HTTP.Addr
	if err := untilReady(ctx, server+"/readyz"); err != nil {
		return f, err
	}
	key, _, err := (&access.Keys{Store: a.DB.Keys(), Clock: a.Clock}).New(ctx, access.KeyRequest{Name: "the demo's backend", Role: access.Backend}, "kml-dev demo")
	if err != nil {
		return f, fmt.Errorf("key of the demo: %w", err)
	}
	f.API, err = apiclient.New(server, key, apiclient.Options{})
	return f, err
}

func (f demoFlags) world() dev.World {
	return dev.World{Accounts: f.options.Accounts, Warm: max(1, f.options.Accounts/4), Seed: f.options.Seed, IAMDelay: f.options.IAMDelay}
}

func (f demoFlags) openLog(out io.Writer) (zerolog.Logger, func() error, error) {
	name := f.log
	if name == "" {
		name = filepath.Join(os.TempDir(), fmt.Sprintf("kml-demo-%d.log", os.Getpid()))
	}
	file, err := os.Create(name) // #nosec: the user's own choice
	if err != nil {
		return zerolog.Nop(), nil, fmt.Errorf("--log %q: %w", name, err)
	}
	_, _ = fmt.Fprintln(out, "the fleet's log is in", name)
	return zerolog.New(file).Level(zerolog.InfoLevel).With().Timestamp().Logger(), file.Close, nil
}

func labTypeNames() ([]string, error) {
	all, err := labtype.Builtin()
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(all))
	for n := range all {
		names = append(names, n)
	}
	slices.Sort(names)
	return names, nil
}

func isTerminal(out io.Writer) bool {
	f, ok := out.(*os.File)
	return ok && isatty.IsTerminal(f.Fd())
}
