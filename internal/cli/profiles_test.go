package cli

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/apitypes"
)

func TestProfiles(t *testing.T) {
	t.Parallel()
	s, other := start(t), start(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "kml", "config.yaml")
	in := func(text string, args ...string) run {
		t.Helper()
		return s.kmlctl(t, outside{in: strings.NewReader(text), env: []string{"XDG_CONFIG_HOME=" + dir, "KML_SERVER=", "KML_API_KEY="}}, args...)
	}
	must := func(r run) run {
		t.Helper()
		if r.code != exitOK {
			t.Fatalf("code %d: %s", r.code, r.err)
		}
		return r
	}
	if r := in("", "me"); r.code != exitUsage || !strings.Contains(r.err, "kmlctl profile set") {
		t.Errorf("without a server: %d %s", r.code, r.err)
	}
	must(in(secret+"\n", "profile", "set", "prod", "--server", s.URL, "--key-stdin"))
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v, %v", info, err)
	}
	must(in("", "profile", "set", "test", "--server", other.URL, "--key-command", "printf kml_k2_other"))
	if got := must(in("", "profile", "list")).out; strings.Contains(got, "THE-SECRET") || !strings.Contains(got, "kml_k1…") || !strings.Contains(got, "command: printf") {
		t.Errorf("profiles:\n%s", got)
	}
	must(in("", "me"))
	must(in("", "--profile", "test", "me"))
	must(in("", "profile", "use", "test"))
	must(in("", "me"))
	if n, m := len(s.asked), len(other.asked); n != 1 || m != 2 {
		t.Errorf("%d and %d calls", n, m)
	}
	must(in("", "profile", "delete", "test"))
	if r := in("", "profile", "use", "test"); r.code != exitUsage {
		t.Errorf("a profile that is gone: %d", r.code)
	}
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	if r := must(in("", "--profile", "prod", "me")); !strings.Contains(r.err, "chmod 600") {
		t.Errorf("a file that others may read: %q", r.err)
	}
}

// keyOf gives the key that a run with these variables and flags sends.
func keyOf(t *testing.T, o outside, args ...string) (sent string, r run) {
	t.Helper()
	s := &server{mux: http.NewServeMux()}
	s.Server = newServer(t, func(w http.ResponseWriter, q *http.Request) {
		sent = strings.TrimPrefix(q.Header.Get("Authorization"), "Bearer ")
		answer(w, apitypes.Me{ID: "k"})
	})
	r = s.kmlctl(t, o, append([]string{"me"}, args...)...)
	return sent, r
}

func TestWhereTheKeyComesFrom(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	profile := func(text string) string {
		t.Helper()
		home := t.TempDir()
		if err := os.MkdirAll(filepath.Join(home, "kml"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(home, "kml", "config.yaml"), []byte("current: p\nprofiles: {p: {"+text+"}}\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return "XDG_CONFIG_HOME=" + home
	}
	for name, c := range map[string]struct {
		env  []string
		in   string
		args []string
		want string
		code int
	}{
		"environment":              {env: []string{"KML_API_KEY=from-env"}, want: "from-env"},
		"standard input":           {env: []string{"KML_API_KEY=from-env"}, in: "from-stdin\n", args: []string{"--key-stdin"}, want: "from-stdin"},
		"no key on standard input": {args: []string{"--key-stdin"}, code: exitUsage},
		"file, other server":       {env: []string{"KML_API_KEY=", profile("server: 'https://kml.example.org', key_file: " + dir + "/key")}, want: ""},
		"command that fails":       {env: []string{"KML_API_KEY=", "KML_SERVER=", profile("server: 'http://127.0.0.1:1', key_command: 'exit 3'")}, code: exitFailed},
		"environment and profile":  {env: []string{"KML_API_KEY=from-env", profile("server: 'https://kml.example.org', key: from-profile")}, want: "from-env"},
		"unknown field":            {env: []string{profile("sever: x, key: from-profile")}, code: exitFailed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, r := keyOf(t, outside{in: strings.NewReader(c.in), env: c.env}, c.args...)
			if got != c.want || r.code != c.code || strings.Contains(r.out+r.err, "from-") {
				t.Errorf("key %q, code %d, %s", got, r.code, r.err)
			}
		})
	}
}
