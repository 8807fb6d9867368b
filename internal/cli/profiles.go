package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/adrg/xdg"
	"github.com/goccy/go-yaml"
	"golang.org/x/term"
)

// profile is how to reach one server. One of the keys is set, or none.
type profile struct {
	Server     string `yaml:"server"`
	Key        string `yaml:"key,omitempty"`
	KeyFile    string `yaml:"key_file,omitempty"`    // holds the key
	KeyCommand string `yaml:"key_command,omitempty"` // prints it, run by sh
	CAFile     string `yaml:"ca_file,omitempty"`
	Cert       string `yaml:"cert,omitempty"`
	KeyPEM     string `yaml:"key_pem,omitempty"` // of cert
}

// String hides the key.
func (p profile) String() string { return "profile of " + p.Server }

// GoString hides the key.
func (p profile) GoString() string { return p.String() }

// profileFile is config.yaml.
type profileFile struct {
	Current  string             `yaml:"current"`
	Profiles map[string]profile `yaml:"profiles"`
}

// profilePath is where the profiles are.
func (a *app) profilePath() string {
	dir := a.env("XDG_CONFIG_HOME")
	if !filepath.IsAbs(dir) { // as the XDG specification says
		dir = xdg.ConfigHome
	}
	return filepath.Join(dir, "kml", "config.yaml")
}

// load reads the profiles; there may be none yet. exposed says that others than
// the owner may read the file.
func (a *app) load() (f profileFile, exposed bool, err error) {
	path := a.profilePath()
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return profileFile{}, false, nil
	}
	if err != nil {
		return f, false, fmt.Errorf("profiles: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return f, false, fmt.Errorf("profiles: %w", err)
	}
	if err := yaml.NewDecoder(bytes.NewReader(raw), yaml.Strict()).Decode(&f); err != nil && !errors.Is(err, io.EOF) {
		// The library's own text would quote the lines around, and they hold keys.
		var y yaml.Error
		if errors.As(err, &y) && y.GetToken() != nil {
			err = fmt.Errorf("line %d: %s", y.GetToken().Position.Line, y.GetMessage())
		}
		return f, false, remedied(fmt.Errorf("profiles: %s: %w", path, err), "mend the file, or make it anew with: kmlctl profile set")
	}
	return f, info.Mode().Perm()&0o077 != 0, nil
}

// save replaces the file as a whole, readable by its owner alone.
func (a *app) save(f profileFile) (err error) {
	path := a.profilePath()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	raw, err := yaml.Marshal(f)
	if err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	next, err := os.CreateTemp(filepath.Dir(path), "config-*.yaml") // mode 0600
	if err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("profiles: %w", errors.Join(err, os.Remove(next.Name())))
		}
	}()
	if _, err := next.Write(raw); err != nil {
		return errors.Join(err, next.Close())
	}
	if err := next.Close(); err != nil {
		return err
	}
	return os.Rename(next.Name(), path)
}

// settings are what is in force: flags before the environment before the profile.
type settings struct {
	profile
	name    string // of the profile, "" if none
	keyFrom string // for people: where the key comes from
	key     func(context.Context) (string, error)
}

func (a *app) settings() (settings, error) {
	f, exposed, err := a.load()
	if err != nil {
		return settings{}, err
	}
	if exposed {
		a.hint("kmlctl: warning: others may read %s and the keys in it; run: chmod 600 %s", a.profilePath(), quote(a.profilePath()))
	}
	name := cmp.Or(a.flags.profile, a.env("KML_PROFILE"), f.Current)
	p, known := f.Profiles[name]
	if name != "" && !known {
		return settings{}, remedied(usagef("there is no profile %q", name), "see what there is with: kmlctl profile list")
	}
	server := cmp.Or(a.flags.server, a.env("KML_SERVER"), p.Server)
	if server == "" {
		return settings{}, remedied(usagef("no server is named"), "give --server or KML_SERVER, or make a profile: kmlctl profile set NAME --server https://… --key-stdin")
	}
	s := settings{profile: p, name: name}
	s.key, s.keyFrom = a.keySource(p, !sameServer(server, p.Server))
	s.Server = server
	return s, nil
}

// sameServer says whether two addresses are of one server.
func sameServer(a, b string) bool {
	x, err1 := url.Parse(a)
	y, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}

// keySource says where the key comes from. A profile's key is not shown to
// another server.
func (a *app) keySource(p profile, other bool) (func(context.Context) (string, error), string) {
	fixed := func(key string) func(context.Context) (string, error) {
		return func(context.Context) (string, error) { return key, nil }
	}
	switch {
	case a.flags.keyStdin:
		return a.readKey, "standard input"
	case a.env("KML_API_KEY") != "":
		return fixed(a.env("KML_API_KEY")), "KML_API_KEY"
	case p.Key == "" && p.KeyFile == "" && p.KeyCommand == "":
		return fixed(""), "nowhere"
	case other:
		return fixed(""), "nowhere: the profile's key is for " + p.Server + " alone"
	case p.KeyCommand != "":
		return func(ctx context.Context) (string, error) { return a.runKeyCommand(ctx, p.KeyCommand) }, "the profile's command"
	case p.KeyFile != "":
		return func(context.Context) (string, error) {
			raw, err := os.ReadFile(p.KeyFile)
			if err != nil {
				return "", remedied(fmt.Errorf("the profile's key: %w", err), "mend it with: kmlctl profile set")
			}
			return strings.TrimSpace(string(raw)), nil
		}, "file " + p.KeyFile
	}
	return fixed(p.Key), "the profile"
}

// longestKey bounds what is read as a key: a bearer token may be long.
const longestKey = 64 << 10

// readKey reads a key from standard input; typed on a terminal it is not shown.
func (a *app) readKey(context.Context) (string, error) {
	var raw []byte
	var err error
	if file, ok := a.In.(*os.File); ok && a.Asks {
		a.tell("API key (not shown): ")
		raw, err = term.ReadPassword(int(file.Fd()))
	} else {
		raw, err = io.ReadAll(io.LimitReader(a.In, longestKey))
	}
	if err != nil {
		return "", fmt.Errorf("the key on standard input: %w", err)
	}
	key := strings.TrimSpace(string(raw))
	if key == "" {
		return "", usagef("standard input holds no key")
	}
	return key, nil
}

// runKeyCommand asks a password manager or the like.
func (a *app) runKeyCommand(ctx context.Context, command string) (string, error) {
	c := exec.CommandContext(ctx, "sh", "-c", command)
	c.Env, c.Stderr = a.Environ, a.Err
	out, err := c.Output()
	if err != nil {
		return "", remedied(fmt.Errorf("the profile's key command: %w", err), "run it by hand, or change it with: kmlctl profile set --key-command")
	}
	key := strings.TrimSpace(string(out))
	if key == "" {
		return "", remedied(errors.New("the profile's key command printed nothing"), "run it by hand, or change it with: kmlctl profile set --key-command")
	}
	return key, nil
}
