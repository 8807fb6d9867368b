// Command kml runs the fleet's roles: api, worker, scheduler, monitor. It also
// checks the configuration, makes the first API key, and lets an operator look at
// accounts and steer them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/mattn/go-isatty"
	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/config"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := rootCommand().ExecuteContext(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "kml:", err)
		stop()
		os.Exit(1)
	}
}

// configFile is the value of --config.
var configFile string

func rootCommand() *cobra.Command {
	root := &cobra.Command{Use: "kml", Short: "Managed labs: a fleet of AWS accounts ready for students", SilenceUsage: true, SilenceErrors: true}
	root.PersistentFlags().StringVar(&configFile, "config", "", "configuration file (default: $KML_CONFIG, or none)")
	root.AddCommand(
		role("worker", "Process tasks", func(a *app.App) []func(context.Context) error {
			return []func(context.Context) error{a.Worker, a.ServeMetrics}
		}),
		role("scheduler", "Enqueue periodic work; several may run", func(a *app.App) []func(context.Context) error {
			return []func(context.Context) error{a.Scheduler, a.ServeMetrics}
		}),
		role("api", "Serve the API, its reference at /docs and the queue dashboard at /monitor/", func(a *app.App) []func(context.Context) error {
			return []func(context.Context) error{a.API}
		}),
		role("monitor", "Serve the queue dashboard alone, behind the same keys", func(a *app.App) []func(context.Context) error {
			return []func(context.Context) error{a.Monitor}
		}),
		configCommand(), keysCommand(), labCommand(), accountCommand(), labTypeCommand(),
	)
	return root
}

// role makes the command of a role: it runs until it is told to stop.
func role(name, short string, parts func(*app.App) []func(context.Context) error) *cobra.Command {
	return &cobra.Command{Use: name, Short: short, Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		return withApp(c.Context(), name, func(ctx context.Context, a *app.App) error { return app.All(ctx, parts(a)...) })
	}}
}

// withApp opens the fleet from the configuration and closes it after f.
func withApp(ctx context.Context, name string, f func(context.Context, *app.App) error) (err error) {
	c, err := load()
	if err != nil {
		return err
	}
	a, err := app.Open(ctx, c, newLogger(c.Log, name), nil)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := a.Close(); err == nil {
			err = cerr
		}
	}()
	return f(ctx, a)
}

func load() (config.Config, error) { return config.Load(os.Environ(), configFile) }

// newLogger logs JSON lines, or pretty ones on a terminal.
func newLogger(c config.Log, role string) zerolog.Logger {
	level, err := zerolog.ParseLevel(c.Level)
	if err != nil { // validated before; a wrong level must not hide lines
		level = zerolog.DebugLevel
	}
	log, terminal := zerolog.New(os.Stderr), isatty.IsTerminal(os.Stderr.Fd())
	if c.Format == "console" || c.Format == "auto" && terminal {
		log = zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, NoColor: !terminal})
	}
	return log.Level(level).With().Timestamp().Str("role", role).Logger()
}
