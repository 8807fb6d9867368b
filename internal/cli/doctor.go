package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/apiclient"
	"github.com/kodekloud/kml/internal/apitypes"
)

// finding is what one check of the doctor found.
type finding struct {
	Name   string `json:"name"`
	Result state  `json:"result"` // ok, warning, error
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

var findingColumns = []column[finding]{
	col("check", func(f finding) any { return f.Name }),
	col("result", func(f finding) any { return f.Result }),
	col("detail", func(f finding) any { return f.Detail }),
	col("what to do", func(f finding) any { return f.Remedy }),
}

func fine(name, format string, args ...any) finding {
	return finding{Name: name, Result: "ok", Detail: fmt.Sprintf(format, args...)}
}

func doubtful(name, remedy, format string, args ...any) finding {
	return finding{Name: name, Result: "warning", Remedy: remedy, Detail: fmt.Sprintf(format, args...)}
}

func wrong(name string, err error) finding {
	return finding{Name: name, Result: "error", Detail: oneLine(err.Error()), Remedy: oneLine(remedy(err))}
}

var errUnwell = errors.New("something is wrong")

func (a *app) doctor() *cobra.Command {
	return a.command(spec{use: "doctor", short: "Check configuration, server, key, clocks and AWS, and say what to do", slow: true,
		local: func(ctx context.Context, _ []string) error {
			found, first := a.examine(ctx)
			if err := printList(a, findingColumns, found); err != nil {
				return err
			}
			for _, f := range found {
				if f.Result == "error" {
					return remedied(cmpErr(first, errUnwell), "do what stands beside the errors above, and run it again")
				}
			}
			return nil
		}})
}

// cmpErr keeps the code of the first error: a server out of reach exits as such.
func cmpErr(first, general error) error {
	if first == nil {
		return general
	}
	return fmt.Errorf("%w: %w", general, first)
}

// examine makes the checks, each if those that it needs went well, and gives the
// error that kept the rest from being made.
func (a *app) examine(ctx context.Context) ([]finding, error) {
	s, err := a.settings()
	if err != nil {
		return []finding{wrong("configuration", err)}, err
	}
	out := a.examineSettings(s)
	c, err := a.connect(ctx, s)
	if err != nil {
		return append(out, wrong("key", err)), err
	}
	if err := c.Healthy(ctx); err != nil {
		return append(out, wrong("server", err)), err
	}
	out = append(out, fine("server", "%s answers", c.Server()), examineReady(ctx, c))
	out = append(out, a.examineVersion(ctx, c)...)
	me, err := c.Me(ctx)
	if err != nil {
		return append(out, wrong("key", err)), err
	}
	out = append(out, fine("key", "%s, role %s, from %s", cmp.Or(me.Name, me.ID), me.Role, s.keyFrom))
	checks, err := c.Checks(ctx)
	if apiclient.IsRefused(err) {
		return append(out, doubtful("server's own checks", "ask with an operator's key", "the role %s may not see them", me.Role)), nil
	}
	if err != nil {
		return append(out, wrong("server's own checks", err)), nil
	}
	for _, check := range checks {
		out = append(out, examined(check))
	}
	return out, nil
}

// examined is a check of the server as a finding.
func examined(c apitypes.Check) finding {
	f := finding{Name: c.Name, Result: "ok", Detail: c.Detail, Remedy: c.Remedy}
	if !c.OK {
		f.Result = "error"
	}
	return f
}

// examineSettings looks at what is on this machine.
func (a *app) examineSettings(s settings) []finding {
	var out []finding
	out = append(out, fine("configuration", "server %s, profile %s (%s)", s.Server, cmp.Or(s.name, "none"), a.profilePath()))
	if info, err := os.Stat(a.profilePath()); err == nil && info.Mode().Perm()&0o077 != 0 {
		out = append(out, doubtful("configuration", "chmod 600 "+quote(a.profilePath()), "others on this machine may read the keys in it"))
	}
	if u, err := url.Parse(s.Server); err == nil && u.Scheme == "http" && !local(u.Hostname()) {
		out = append(out, doubtful("connection", "use https://", "the key goes to %s in the clear", u.Host))
	}
	if strings.HasPrefix(s.keyFrom, "nowhere") {
		out = append(out, doubtful("key", "set KML_API_KEY, or give the profile a key: kmlctl profile set NAME --key-stdin", "it comes from %s", s.keyFrom))
	}
	return out
}

// local says whether a host is this one.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || ip != nil && ip.IsLoopback()
}

func examineReady(ctx context.Context, c *apiclient.Client) finding {
	if err := c.Ready(ctx); err != nil {
		return finding{Name: "readiness", Result: "error", Detail: oneLine(err.Error()), Remedy: "look at the server's log, and at its MongoDB and Redis"}
	}
	return fine("readiness", "the server can serve")
}

// mostSkew is how far two clocks may be apart: as much as the fleet admits
// between its hosts and AWS.
const mostSkew = 20 * time.Second

// examineVersion compares versions and clocks.
func (a *app) examineVersion(ctx context.Context, c *apiclient.Client) []finding {
	before := a.Now()
	v, err := c.Version(ctx)
	if err != nil {
		return []finding{wrong("version", err)}
	}
	took := a.Now().Sub(before)
	version := fine("version", "server %s, kmlctl %s", v.Version, build())
	if released(v.Version) && released(build()) && minor(v.Version) != minor(build()) {
		version = doubtful("version", "use the kmlctl of the server's version", "server %s, kmlctl %s", v.Version, build())
	}
	skew := v.Time.Sub(before.Add(took / 2)).Abs()
	clock := fine("clock", "%s apart from the server's", skew.Round(time.Millisecond))
	if skew > mostSkew+took/2 {
		clock = doubtful("clock", "set the clocks by NTP, here and there: signatures and the ends of labs go by them", "%s apart from the server's", skew.Round(time.Second))
	}
	return []finding{version, clock}
}

// released says whether a version names a release.
func released(v string) bool { return strings.HasPrefix(v, "v") && strings.Count(v, ".") >= 2 }

// minor is v1.2 of v1.2.3.
func minor(v string) string { return v[:strings.LastIndex(v, ".")] }

// versions are the program's and the server's.
type versions struct {
	Client string            `json:"client"`
	Server *apitypes.Version `json:"server,omitempty"`
}

var versionColumns = []column[versions]{
	col("kmlctl", func(v versions) any { return v.Client }),
	col("server", func(v versions) any {
		if v.Server == nil {
			return ""
		}
		return v.Server.Version
	}),
	col("go", func(v versions) any {
		if v.Server == nil {
			return ""
		}
		return v.Server.Go
	}),
}

func (a *app) version() *cobra.Command {
	var alone bool
	return a.command(spec{use: "version", short: "Show the versions of kmlctl and of the server",
		flags: func(c *cobra.Command) { c.Flags().BoolVar(&alone, "client", false, "of kmlctl alone") },
		local: func(ctx context.Context, _ []string) error {
			v := versions{Client: build()}
			if !alone {
				c, err := a.client(ctx)
				if err != nil {
					return err
				}
				server, err := c.Version(ctx)
				if err != nil {
					return err
				}
				v.Server = &server
			}
			return printOne(a, versionColumns, v)
		}})
}
