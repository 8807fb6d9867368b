package cli

import (
	"context"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/mattn/go-isatty"
	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
)

// IO is what is around the process.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
	// Asks says that somebody sits at In and Err: they can be asked.
	Asks bool
	// OutTerminal says that Out is read by a person.
	OutTerminal bool
	Environ     []string // as os.Environ
	Now         func() time.Time
}

// System is the IO of this process.
func System() IO {
	terminal := func(f *os.File) bool { return isatty.IsTerminal(f.Fd()) }
	return IO{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Asks: terminal(os.Stdin) && terminal(os.Stderr), OutTerminal: terminal(os.Stdout),
		Environ: os.Environ(), Now: time.Now}
}

// env gives a variable; the last of its name holds, as for processes.
func (o IO) env(name string) string {
	value := ""
	for _, e := range o.Environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// app is one run of kmlctl.
type app struct {
	IO
	flags struct {
		server, profile, output string
		yes, quiet, keyStdin    bool
		timeout                 time.Duration
	}
	format  format
	started bool // the command line was understood, and the command began
}

// Execute runs kmlctl in this process and gives its exit code. A second interrupt
// ends the process at once.
func Execute() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	go func() { <-ctx.Done(); stop() }() // ends with the deferred stop
	return Main(ctx, System(), os.Args[1:])
}

// Main runs a command line, without the program's name, and gives the exit code.
func Main(ctx context.Context, o IO, args []string) int {
	a := &app{IO: o}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(o.In)
	root.SetOut(o.Out)
	root.SetErr(o.Err)
	ran, err := root.ExecuteContextC(ctx)
	if err != nil && !a.started {
		err = misused(err, ran)
	}
	return a.report(err)
}

func (a *app) root() *cobra.Command {
	root := a.group("kmlctl", "Steer a fleet of AWS accounts for training labs",
		a.labs(), a.labTypes(), a.accounts(), a.organizations(), a.pool(), a.bookings(), a.events(), a.activity(), a.usage(),
		a.webhooks(), a.keys(), a.queues(), a.me(), a.profiles(), a.doctor(), a.version())
	root.Long = "kmlctl talks to the HTTP API of a KML server: " +
		"it requests labs, steers accounts, and shows what the fleet does.\n\n" +
		"Begin with: kmlctl profile set NAME --server https://kml.example.org --key-stdin"
	root.SilenceUsage, root.SilenceErrors = true, true
	root.AddCommand(exitCodesTopic())
	f := root.PersistentFlags()
	f.StringVar(&a.flags.server, "server", "", "address of the server (default: KML_SERVER, or the profile's)")
	f.StringVar(&a.flags.profile, "profile", "", "profile to use (default: KML_PROFILE, or the current one)")
	f.StringVarP(&a.flags.output, "output", "o", "table", "table, wide, json, yaml, or template=… (Go template over each item's JSON)")
	f.BoolVar(&a.flags.yes, "yes", false, "do not ask before what cannot be undone")
	f.BoolVarP(&a.flags.quiet, "quiet", "q", false, "no progress, hints or warnings")
	f.DurationVar(&a.flags.timeout, "timeout", 0, "end of patience (default: 30s; 10m with --wait; none for streams)")
	f.BoolVar(&a.flags.keyStdin, "key-stdin", false, "read the API key from standard input")
	mustComplete(root, "output", cobra.FixedCompletions([]string{"table", "wide", "json", "yaml", "template="}, cobra.ShellCompDirectiveNoFileComp))
	mustComplete(root, "profile", a.completeProfiles)
	return root
}

// mustComplete completes a flag that is there.
func mustComplete(c *cobra.Command, flag string, f cobra.CompletionFunc) {
	if err := c.RegisterFlagCompletionFunc(flag, f); err != nil {
		panic(err) // a flag of that name was just defined, once
	}
}

// build is the version of this program.
func build() string {
	if b, ok := debug.ReadBuildInfo(); ok && b.Main.Version != "" {
		return b.Main.Version
	}
	return "(devel)"
}

// client makes the client for the server and key that are in force.
func (a *app) client(ctx context.Context) (*apiclient.Client, error) {
	s, err := a.settings()
	if err != nil {
		return nil, err
	}
	return a.connect(ctx, s)
}

func (a *app) connect(ctx context.Context, s settings) (*apiclient.Client, error) {
	key, err := s.key(ctx)
	if err != nil {
		return nil, err
	}
	c, err := apiclient.New(s.Server, key, apiclient.Options{CAFile: s.CAFile, CertFile: s.Cert, KeyFile: s.KeyPEM, UserAgent: "kmlctl/" + build()})
	if err != nil {
		return nil, remedied(err, "look at the profile with: kmlctl profile show")
	}
	return c, nil
}
