package cli

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/spf13/cobra"
)

// shownProfile is a profile as it is shown: without its key.
type shownProfile struct {
	Name    string `json:"name"`
	Current bool   `json:"current"`
	Server  string `json:"server"`
	Key     string `json:"key"` // where it comes from
	CAFile  string `json:"ca_file,omitempty"`
	Cert    string `json:"cert,omitempty"`
	KeyPEM  string `json:"key_pem,omitempty"`
}

var profileColumns = []column[shownProfile]{
	col("name", func(p shownProfile) any { return p.Name }),
	col("current", func(p shownProfile) any { return p.Current }),
	col("server", func(p shownProfile) any { return p.Server }),
	col("key", func(p shownProfile) any { return p.Key }),
	wide("ca file", func(p shownProfile) any { return p.CAFile }),
	wide("certificate", func(p shownProfile) any { return p.Cert }),
	wide("its key", func(p shownProfile) any { return p.KeyPEM }),
}

// masked is where a profile's key comes from, and no more of it than a key shows
// to everybody: kml_<id>.
func (p profile) masked() string {
	switch {
	case p.KeyCommand != "":
		return "command: " + p.KeyCommand
	case p.KeyFile != "":
		return "file: " + p.KeyFile
	case p.Key != "":
		return publicPart(p.Key) + "…"
	}
	return "none"
}

func (f profileFile) shown(name string) shownProfile {
	p := f.Profiles[name]
	return shownProfile{Name: name, Current: name == f.Current, Server: p.Server, Key: p.masked(), CAFile: p.CAFile, Cert: p.Cert, KeyPEM: p.KeyPEM}
}

func (a *app) profiles() *cobra.Command {
	g := a.group("profile", "Servers and keys that kmlctl knows", a.profileSet(), a.profileUse(), a.profileList(), a.profileShow(), a.profileDelete())
	g.Aliases = []string{"profiles"}
	return g
}

func (a *app) profileSet() *cobra.Command {
	var p profile
	return a.command(spec{use: "set NAME", short: "Make a profile, or change what is given of it", args: cobra.ExactArgs(1), complete: a.completeProfiles,
		example: "  kmlctl profile set prod --server https://kml.example.org --key-stdin < key\n  kmlctl profile set prod --key-command 'pass show kml/prod'",
		flags: func(c *cobra.Command) {
			f := c.Flags()
			f.StringVar(&p.KeyFile, "key-file", "", "file that holds the key")
			f.StringVar(&p.KeyCommand, "key-command", "", "command that prints the key")
			f.StringVar(&p.CAFile, "ca-file", "", "authorities of the server's certificate, PEM")
			f.StringVar(&p.Cert, "cert", "", "the client's own certificate, PEM")
			f.StringVar(&p.KeyPEM, "key-pem", "", "its key, PEM")
			c.MarkFlagsMutuallyExclusive("key-file", "key-command")
		},
		local: func(ctx context.Context, args []string) error { return a.setProfile(ctx, args[0], p) }})
}

func (a *app) setProfile(ctx context.Context, name string, given profile) error {
	f, _, err := a.load()
	if err != nil {
		return err
	}
	p := f.Profiles[name]
	p.Server = cmp.Or(a.flags.server, p.Server)
	if p.Server == "" {
		return need("server")
	}
	if a.flags.keyStdin {
		if given.KeyFile != "" || given.KeyCommand != "" {
			return usagef("--key-stdin, --key-file and --key-command exclude each other")
		}
		if given.Key, err = a.readKey(ctx); err != nil {
			return err
		}
	}
	if given.Key != "" || given.KeyFile != "" || given.KeyCommand != "" {
		p.Key, p.KeyFile, p.KeyCommand = given.Key, given.KeyFile, given.KeyCommand
	}
	p.CAFile, p.Cert, p.KeyPEM = cmp.Or(given.CAFile, p.CAFile), cmp.Or(given.Cert, p.Cert), cmp.Or(given.KeyPEM, p.KeyPEM)
	if f.Profiles == nil {
		f.Profiles = map[string]profile{}
	}
	f.Profiles[name] = p
	f.Current = cmp.Or(f.Current, name)
	if err := a.save(f); err != nil {
		return err
	}
	a.hint("profile %s is in %s; try it with: kmlctl --profile %s doctor", name, a.profilePath(), quote(name))
	return nil
}

// edit changes the profiles after a look at one that must be there.
func (a *app) edit(name string, change func(*profileFile)) error {
	f, _, err := a.load()
	if err != nil {
		return err
	}
	if _, known := f.Profiles[name]; !known {
		return remedied(usagef("there is no profile %q", name), "see what there is with: kmlctl profile list")
	}
	change(&f)
	return a.save(f)
}

func (a *app) profileUse() *cobra.Command {
	return a.command(spec{use: "use NAME", short: "Use a profile from now on", args: cobra.ExactArgs(1), complete: a.completeProfiles,
		local: func(_ context.Context, args []string) error {
			return a.edit(args[0], func(f *profileFile) { f.Current = args[0] })
		}})
}

func (a *app) profileDelete() *cobra.Command {
	return a.command(spec{use: "delete NAME", short: "Forget a profile; its key stays good", args: cobra.ExactArgs(1), complete: a.completeProfiles,
		local: func(_ context.Context, args []string) error {
			return a.edit(args[0], func(f *profileFile) {
				delete(f.Profiles, args[0])
				if f.Current == args[0] {
					f.Current = ""
				}
			})
		}})
}

func (a *app) profileList() *cobra.Command {
	return a.command(spec{use: "list", short: "List the profiles", local: func(context.Context, []string) error {
		f, _, err := a.load()
		if err != nil {
			return err
		}
		var all []shownProfile
		for _, name := range slices.Sorted(maps.Keys(f.Profiles)) {
			all = append(all, f.shown(name))
		}
		return printList(a, profileColumns, all)
	}})
}

func (a *app) profileShow() *cobra.Command {
	return a.command(spec{use: "show [NAME]", short: "Show a profile, without its key", args: cobra.MaximumNArgs(1), complete: a.completeProfiles,
		local: func(_ context.Context, args []string) error {
			f, _, err := a.load()
			if err != nil {
				return err
			}
			name := cmp.Or(append(args, a.flags.profile, a.env("KML_PROFILE"), f.Current)...)
			if _, known := f.Profiles[name]; !known {
				return remedied(usagef("there is no profile %q", name), "see what there is with: kmlctl profile list")
			}
			return printOne(a, profileColumns, f.shown(name))
		}})
}
