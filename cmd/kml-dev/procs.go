package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/awssim/simadmin"
	"github.com/kodekloud/kml/internal/config"
	"github.com/kodekloud/kml/internal/demo"
	"github.com/kodekloud/kml/internal/dev"
	"github.com/kodekloud/kml/internal/fleet"
)

func procsCommand(use, short string, beside func(*dev.Procs, io.Writer) *demo.Crash) *cobra.Command {
	f := demoFlags{}
	c := &cobra.Command{Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return playProcs(c.Context(), f, c.OutOrStdout(), beside) }}
	f.register(c)
	return c
}

// fleetProcs is a fleet whose every role and part is a process of its own.
type fleetProcs struct {
	*dev.Procs
	kml      string // the binary of the roles
	endpoint string
	env      []string
}

// withProcs starts the processes, opens the fleet as a backend sees it, and ends
// them all after f.
func withProcs(ctx context.Context, f demoFlags, out io.Writer, use func(context.Context, *fleetProcs, *app.App) error) (err error) {
	if err := f.options.Validate(); err != nil {
		return err
	}
	log, closeLog, err := f.openLog(out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeLog()) }()
	dir, err := os.MkdirTemp("", "kml-demo-")
	if err != nil {
		return fmt.Errorf("folder of the processes: %w", err)
	}
	_, _ = fmt.Fprintln(out, "the processes' logs are in", dir)
	p := &fleetProcs{Procs: &dev.Procs{Dir: dir}}
	defer func() { err = errors.Join(err, p.Close()) }()
	if err := p.start(ctx, f); err != nil {
		return err
	}
	cfg, err := config.Load(p.env, "")
	if err != nil {
		return err
	}
	base, err := p.base(ctx)
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, cfg, log, base)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	return use(ctx, p, a)
}

// The least that demo-crash plays: it kills when six students are served at once,
// for which a smaller class would be waited for in vain.
const (
	crashStudents = 30
	crashAccounts = 40
)

// enoughToCrash says whether a class is large enough for demo-crash.
func enoughToCrash(o demo.Options) error {
	switch {
	case o.Students < crashStudents:
		return &fleet.FieldError{Field: "--students", Value: fmt.Sprint(o.Students), Remedy: fmt.Sprintf("give %d or more: the kill waits for six hand-outs at once", crashStudents)}
	case o.Accounts < crashAccounts:
		return &fleet.FieldError{Field: "--accounts", Value: fmt.Sprint(o.Accounts), Remedy: fmt.Sprintf("give %d or more: the kill waits for six hand-outs at once", crashAccounts)}
	}
	return nil
}

// playProcs plays the class against processes.
func playProcs(ctx context.Context, f demoFlags, out io.Writer, beside func(*dev.Procs, io.Writer) *demo.Crash) error {
	if beside != nil {
		if err := enoughToCrash(f.options); err != nil {
			return err
		}
	}
	return withProcs(ctx, f, out, func(ctx context.Context, p *fleetProcs, a *app.App) error {
		if err := p.startFleet(2); err != nil {
			return err
		}
		if beside != nil {
			crash := beside(p.Procs, out)
			f.options.Beside = func(ctx context.Context, note func(func(*demo.Report))) error {
				return crash.Run(ctx, backend(a, p.endpoint), note)
			}
		}
		report, err := play(ctx, f, a, p.endpoint, out)
		if err != nil {
			return err
		}
		if ended := p.Ended(); len(ended) > 0 {
			return fmt.Errorf("processes that ended by themselves: %s; see their logs in %s", strings.Join(ended, ", "), p.Dir)
		}
		if !report.OK() {
			return errBroken
		}
		return nil
	})
}

// start starts the parts: redis-server, kml-dev mongo, kml-dev aws.
func (p *fleetProcs) start(ctx context.Context, f demoFlags) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find kml-dev: %w", err)
	}
	kml := filepath.Join(filepath.Dir(self), "kml")
	if _, err := os.Stat(kml); err != nil {
		return fmt.Errorf("kml is not beside kml-dev: %w; run make build", err)
	}
	redisServer, err := exec.LookPath("redis-server")
	if err != nil {
		return fmt.Errorf("a Redis of its own process needs redis-server on the PATH: %w; install it (apt-get install redis-server)", err)
	}
	var addr [4]string
	for i := range addr {
		if addr[i], err = dev.FreeAddr(); err != nil {
			return err
		}
	}
	redis, mongo, cloud, api := addr[0], addr[1], addr[2], addr[3]
	envFile, w := filepath.Join(p.Dir, "env"), f.world()
	p.endpoint = "http://" + cloud
	if err := errors.Join(
		p.Start("redis", redisServer, "--bind", "127.0.0.1", "--port", redis[strings.LastIndex(redis, ":")+1:], "--dir", p.Dir, "--appendonly", "yes", "--save", ""),
		p.Start("mongo", self, "mongo", "--addr", mongo, "--path", filepath.Join(p.Dir, "mongo.db")),
		p.Start("aws", self, "aws", "--addr", cloud, "--accounts", fmt.Sprint(w.Accounts), "--warm", fmt.Sprint(w.Warm), "--seed", fmt.Sprint(w.Seed),
			"--iam-delay", w.IAMDelay.String(), "--env", envFile, "--redis", redis, "--mongo", "mongodb://"+mongo+"/?directConnection=true"),
	); err != nil {
		return err
	}
	wctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for _, a := range []string{redis, mongo, cloud} {
		if err := dev.AwaitListening(wctx, a); err != nil {
			return fmt.Errorf("%w; see the logs in %s", err, p.Dir)
		}
	}
	if p.env, err = dev.ReadEnvironment(wctx, envFile); err != nil {
		return err
	}
	p.env = append(p.env, "KML_HTTP_ADDR="+api)
	p.Env = append(slices.Clone(p.env), "KML_LOG_LEVEL=debug", "KML_LOG_FORMAT=json")
	p.kml = kml
	return nil
}

// startFleet starts so many workers, two schedulers and the API.
func (p *fleetProcs) startFleet(workers int) error {
	errs := []error{p.Start("scheduler-1", p.kml, "scheduler"), p.Start("scheduler-2", p.kml, "scheduler"), p.Start("api", p.kml, "api")}
	for i := range workers {
		errs = append(errs, p.Start(fmt.Sprintf("worker-%d", i+1), p.kml, "worker"))
	}
	return errors.Join(errs...)
}

func pauseCommand() *cobra.Command {
	f := demoFlags{}
	c := &cobra.Command{Use: "demo-pause", Short: "A worker stopped in the middle of a cleaning, and woken when its account serves the next student", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			f.options.Accounts, f.options.Students = 1, 2
			return playPause(c.Context(), f, c.OutOrStdout())
		}}
	f.register(c)
	return c
}

func playPause(ctx context.Context, f demoFlags, out io.Writer) error {
	ctx, cancel := context.WithTimeout(ctx, f.options.Timeout)
	defer cancel()
	return withProcs(ctx, f, out, func(ctx context.Context, p *fleetProcs, a *app.App) error {
		if err := p.startFleet(1); err != nil {
			return err
		}
		pause := demo.Pause{Fleet: backend(a, p.endpoint), Out: out,
			Stop:   func() error { return p.Signal("worker-1", syscall.SIGSTOP) },
			Second: func() error { return p.Start("worker-2", p.kml, "worker") },
			Wake:   func() error { return p.Signal("worker-1", syscall.SIGCONT) }}
		report, err := pause.Play(ctx)
		if err != nil {
			return err
		}
		if err := report.Print(out); err != nil {
			return err
		}
		if !report.OK() {
			return errBroken
		}
		return nil
	})
}

// base is the fleet's own identity, for the class's view into the fleet.
func (p *fleetProcs) base(ctx context.Context) (*aws.Config, error) {
	seeded, err := simadmin.New(p.endpoint).Seeded(ctx)
	if err != nil {
		return nil, err
	}
	cfg := dev.Base(seeded)
	return &cfg, nil
}

// crash kills what it is told to.
func crash(p *dev.Procs, out io.Writer) *demo.Crash {
	return &demo.Crash{Workers: [2]string{"worker-1", "worker-2"}, API: "api", Kill: p.Kill, Restart: p.Restart, Out: out,
		Leading: func() (string, error) { return leading(p) }}
}

// leading is the scheduler that was the first to enqueue most of the ticks.
func leading(p *dev.Procs) (string, error) {
	best, most := "", -1
	for _, name := range []string{"scheduler-1", "scheduler-2"} {
		b, err := os.ReadFile(p.LogFile(name))
		if err != nil {
			return "", fmt.Errorf("log of %s: %w", name, err)
		}
		if n := strings.Count(string(b), `"tick enqueued"`); n > most {
			best, most = name, n
		}
	}
	return best, nil
}
