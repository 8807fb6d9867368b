package cli

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

var credentialColumns = []column[apitypes.Credentials]{
	col("account", func(c apitypes.Credentials) any { return c.Account }),
	col("regions", func(c apitypes.Credentials) any { return c.Regions }),
	col("access key id", func(c apitypes.Credentials) any { return c.AccessKeyID }),
	col("secret access key", func(c apitypes.Credentials) any { return c.SecretAccessKey }),
	col("console", func(c apitypes.Credentials) any { return c.ConsoleURL }),
	col("user name", func(c apitypes.Credentials) any { return c.UserName }),
	col("password", func(c apitypes.Credentials) any { return c.Password }),
	col("ends", func(c apitypes.Credentials) any { return c.EndsAt }),
	col("endpoint", func(c apitypes.Credentials) any { return c.EndpointURL }),
}

var linkColumns = []column[apitypes.SignInLink]{
	col("url", func(l apitypes.SignInLink) any { return l.URL }),
	col("good until", func(l apitypes.SignInLink) any { return l.ExpiresAt }),
}

// strays are variables that would go before a lab's credentials, or beside them.
var strays = []string{"AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ENDPOINT_URL"}

var errNoAccessKey = errors.New("this lab type hands out no access key")

// variables are what the tools of AWS read, as pairs in a fixed order.
func variables(lab string, c apitypes.Credentials) ([][2]string, error) {
	if c.AccessKeyID == "" {
		return nil, remedied(errNoAccessKey, "open the console: kmlctl labs link %s", quote(lab))
	}
	out := [][2]string{{"AWS_ACCESS_KEY_ID", c.AccessKeyID}, {"AWS_SECRET_ACCESS_KEY", c.SecretAccessKey}}
	if len(c.Regions) > 0 {
		out = append(out, [2]string{"AWS_REGION", c.Regions[0]}, [2]string{"AWS_DEFAULT_REGION", c.Regions[0]})
	}
	if c.EndpointURL != "" {
		out = append(out, [2]string{"AWS_ENDPOINT_URL", c.EndpointURL})
	}
	return append(out, [2]string{"KML_LAB_ID", lab}, [2]string{"KML_LAB_ENDS_AT", stamp(c.EndsAt)}), nil
}

// envLines are lines that a POSIX shell can source.
func envLines(lab string, c apitypes.Credentials) (string, error) {
	vars, err := variables(lab, c)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "unset %s\n", strings.Join(strays, " "))
	for _, v := range vars {
		fmt.Fprintf(&b, "export %s=%s\n", v[0], quote(v[1]))
	}
	return b.String(), nil
}

// showCredentials reveals a lab's credentials in the format asked for.
func (a *app) showCredentials(ctx context.Context, c *apiclient.Client, lab string) error {
	got, err := c.Credentials(ctx, lab)
	if err != nil {
		return err
	}
	if a.format.kind != "env" {
		return printOne(a, credentialColumns, got)
	}
	lines, err := envLines(lab, got)
	if err != nil {
		return err
	}
	return a.write(lines)
}

func (a *app) labCredentials() *cobra.Command {
	return a.command(spec{use: "credentials ID", short: "Reveal a lab's credentials; it is recorded that you did", args: cobra.ExactArgs(1),
		complete: a.completeLabs("active"), formats: []string{"env"}, example: "  eval \"$(kmlctl labs credentials ID -o env)\" && aws sts get-caller-identity",
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			return a.showCredentials(ctx, c, args[0])
		}})
}

func (a *app) labLink() *cobra.Command {
	var open bool
	return a.command(spec{use: "link ID", short: "Make a link that opens the AWS console without a password", args: cobra.ExactArgs(1), complete: a.completeLabs("active"),
		flags: func(c *cobra.Command) { c.Flags().BoolVar(&open, "open", false, "open it in the browser") },
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			link, err := c.SignInLink(ctx, args[0])
			if err != nil {
				return err
			}
			if open {
				return a.browse(ctx, link.URL)
			}
			if a.format.kind == "table" {
				a.hint("good until %s, for whoever has it", stamp(link.ExpiresAt))
				return a.write(clean(link.URL) + "\n")
			}
			return printOne(a, linkColumns, link)
		}})
}

// browse opens an address in the browser. The link is an argument of that
// program for a moment, as with every browser that is started so.
func (a *app) browse(ctx context.Context, address string) error {
	opener := "xdg-open"
	if runtime.GOOS == "darwin" {
		opener = "open"
	}
	c := exec.CommandContext(ctx, opener, address)
	c.Env, c.Stdout, c.Stderr = a.Environ, a.Err, a.Err
	if err := c.Run(); err != nil {
		return remedied(fmt.Errorf("the browser: %w", err), "leave --open out, and open the link that is printed")
	}
	return nil
}

func (a *app) labShell() *cobra.Command {
	return a.command(spec{use: "shell ID [-- COMMAND [ARG...]]", short: "Open a shell, or run a command, with a lab's credentials set",
		args: cobra.MinimumNArgs(1), complete: a.completeLabs("active"), endless: true,
		example: "  kmlctl labs shell ID\n  kmlctl labs shell ID -- aws s3 ls",
		call: func(ctx context.Context, c *apiclient.Client, args []string) error {
			return a.shell(ctx, c, args[0], args[1:])
		}})
}

// shell runs a shell, or a command, to its end; its code is that of kmlctl.
func (a *app) shell(ctx context.Context, c *apiclient.Client, lab string, command []string) error {
	got, err := c.Credentials(ctx, lab)
	if err != nil {
		return err
	}
	vars, err := variables(lab, got)
	if err != nil {
		return err
	}
	if len(command) == 0 {
		if command = []string{a.env("SHELL")}; command[0] == "" {
			command[0] = "/bin/sh"
		}
		a.hint("shell in account %s, until %s (%s); leave it with: exit", got.Account, stamp(got.EndsAt), view{now: a.Now()}.time(got.EndsAt))
	}
	// The shell answers interrupts itself, and is not killed by one of ours.
	run := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...)
	run.Stdin, run.Stdout, run.Stderr = a.In, a.Out, a.Err
	run.Env = environment(a.Environ, vars)
	err = run.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return &shellError{max(exit.ExitCode(), exitFailed)}
	}
	if err != nil {
		return remedied(fmt.Errorf("the shell: %w", err), "set SHELL to a shell that is there, or name a command after --")
	}
	return nil
}

// environment is the process's own, with the lab's credentials and without what
// would go before them, or is none of the student's business.
func environment(own []string, vars [][2]string) []string {
	drop := slices.Concat(strays, []string{"KML_API_KEY"})
	for _, v := range vars {
		drop = append(drop, v[0])
	}
	out := slices.DeleteFunc(slices.Clone(own), func(e string) bool {
		name, _, _ := strings.Cut(e, "=")
		return slices.Contains(drop, name)
	})
	for _, v := range vars {
		out = append(out, v[0]+"="+v[1])
	}
	return out
}
