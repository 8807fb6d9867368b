package awssim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// TestCommandLine plays testdata/commands.txt with every aws command line of
// the machine: they read answers by other rules than the Go SDK, and differ in
// their protocols.
func TestCommandLine(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("a command takes half a second")
	}
	found := commandLines(t)
	if len(found) == 0 {
		t.Skip("no aws command line on the PATH or in /usr/bin")
	}
	for _, c := range found {
		t.Run(c.version, func(t *testing.T) {
			t.Parallel()
			newScript(t, c).play("testdata/commands.txt")
		})
	}
}

// commandLine is an installed aws.
type commandLine struct {
	path, version string
	major, minor  int
}

// takesEnvironment tells whether a command gets its endpoint from
// AWS_ENDPOINT_URL: not before 1.29 and 2.13, and in 1.x never for SQS, whose
// endpoint it replaces by a legacy one unless there is an option.
func (c commandLine) takesEnvironment(command string) bool {
	return c.major == 1 && c.minor >= 29 && !strings.HasPrefix(command, "sqs ") || c.major == 2 && c.minor >= 13
}

var cliVersion = regexp.MustCompile(`aws-cli/((\d+)\.(\d+)\.\S+)`)

// commandLines finds the aws of the PATH and that of the distribution.
func commandLines(t *testing.T) []commandLine {
	t.Helper()
	var out []commandLine
	seen := map[string]bool{}
	for _, name := range []string{"aws", "/usr/bin/aws"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		said, err := exec.CommandContext(t.Context(), path, "--version").CombinedOutput()
		m := cliVersion.FindStringSubmatch(string(said))
		if err != nil || m == nil {
			t.Fatalf("%s --version: %v: %s", path, err, said)
		}
		if seen[m[1]] {
			continue
		}
		seen[m[1]] = true
		major, _ := strconv.Atoi(m[2]) // digits by the expression
		minor, _ := strconv.Atoi(m[3])
		out = append(out, commandLine{path, m[1], major, minor})
	}
	return out
}

// script plays commands and holds their output against what is written below.
type script struct {
	*testing.T
	cli        commandLine
	member     *member
	env        []string
	management []string
	vars       map[string]string

	command string
	output  string
	failed  bool
}

func newScript(t *testing.T, c commandLine) *script {
	t.Helper()
	b := newMember(t, core.Options{Seed: 7})
	dir := t.TempDir()
	for name, content := range map[string][]byte{
		"big":             bytes.Repeat([]byte("0123456789abcdef"), 9<<16), // above 8 MB: multipart
		"site/index.html": []byte("<h1>lab</h1>"), "site/a b/ö.txt": []byte("x"), "site/empty": nil,
		"event.json": []byte(`{"a":1}`), "f.zip": functionZip(t),
		// 1.x presigns by version 2 where nothing is said, which S3 refuses.
		"config": []byte("[default]\ns3 =\n  signature_version = s3v4\n"),
	} {
		ok(t, os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700))
		ok(t, os.WriteFile(filepath.Join(dir, name), content, 0o600))
	}
	return &script{T: t, cli: c, member: b, env: b.env(t), management: b.management(t), vars: map[string]string{
		"account": b.account, "management": b.Seeded.Organizations[0].ManagementAccount, "dir": dir,
		"yesterday": time.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339), "tomorrow": time.Now().Add(24 * time.Hour).UTC().Format(time.RFC3339),
	}}
}

func (s *script) play(file string) {
	s.Helper()
	text, err := os.ReadFile(file)
	ok(s.T, err)
	lines := strings.Split(string(text), "\n")
	for i, line := range lines {
		check, isCheck := strings.CutPrefix(line, "  ")
		switch {
		case strings.TrimSpace(line) == "" || line[0] == '#':
		case isCheck:
			s.check(fmt.Sprintf("%s:%d", file, i+1), check)
		default:
			s.run(line)
			if refused := i+1 < len(lines) && strings.HasPrefix(lines[i+1], "  !"); s.failed != refused {
				s.Errorf("%s:%d: aws %s: failed is %v\n%s", file, i+1, s.command, s.failed, s.output)
			}
		}
	}
}

var variable = regexp.MustCompile(`\{[a-z]+\}`)

// fill puts in what {names} stand for.
func (s *script) fill(text string) string {
	return variable.ReplaceAllStringFunc(text, func(name string) string {
		v, known := s.vars[strings.Trim(name, "{}")]
		if !known {
			s.Fatalf("%s is not known yet", name)
		}
		return v
	})
}

func (s *script) run(line string) {
	s.Helper()
	env := s.env
	if rest, ok := strings.CutPrefix(line, "as management "); ok {
		line, env = rest, s.management
	}
	s.command = s.fill(line)
	if url, ok := strings.CutPrefix(s.command, "get "); ok {
		s.output, s.failed = s.get(url)
		return
	}
	ctx, cancel := context.WithTimeout(s.Context(), time.Minute)
	defer cancel()
	args := append(words(s.command), "--output", "json")
	if !s.cli.takesEnvironment(s.command) {
		args = append(args, "--endpoint-url", s.member.URL())
	}
	cmd := exec.CommandContext(ctx, s.cli.path, args...)
	cmd.Env = append(env, "PYTHONUTF8=1", "AWS_CONFIG_FILE="+filepath.Join(s.vars["dir"], "config"))
	out, err := cmd.CombinedOutput()
	s.output, s.failed = string(out), err != nil
}

func (s *script) get(url string) (body string, failed bool) {
	req, err := http.NewRequestWithContext(s.Context(), http.MethodGet, url, nil)
	ok(s.T, err)
	res, err := http.DefaultClient.Do(req)
	ok(s.T, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	ok(s.T, err)
	return string(b), res.StatusCode >= 300
}

var word = regexp.MustCompile(`'([^']*)'|\S+`)

// words splits as a shell does, with single quotes only around whole words.
func words(line string) []string {
	var out []string
	for _, m := range word.FindAllStringSubmatch(line, -1) {
		if strings.HasPrefix(m[0], "'") {
			m[0] = m[1]
		}
		out = append(out, m[0])
	}
	return out
}

func (s *script) check(where, check string) {
	s.Helper()
	complain := func(got string) {
		s.Helper()
		s.Errorf("%s: aws %s: want %s, got %s\n%s", where, s.command, check, got, s.output)
	}
	if kind, text, _ := strings.Cut(check, " "); kind == "~" || kind == "!" {
		if !strings.Contains(s.output, s.fill(text)) {
			complain("none")
		}
		return
	}
	if name, path, ok := strings.Cut(check, " := "); ok {
		s.vars[name] = s.at(path)
		if s.vars[name] == "" {
			complain("nothing")
		}
		return
	}
	path, want, _ := strings.Cut(check, " =")
	if got := s.at(path); got != s.fill(strings.TrimSpace(want)) {
		complain(got)
	}
}

// at finds a path in the output, "" if it is not there.
func (s *script) at(path string) string {
	if path == "." {
		return strings.TrimSpace(s.output)
	}
	d := json.NewDecoder(strings.NewReader(s.output))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return "no JSON"
	}
	for _, key := range strings.Split(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[key]
		case []any:
			i, err := strconv.Atoi(key)
			switch {
			case key == "#":
				v = len(x)
			case err != nil || i >= len(x):
				return ""
			default:
				v = x[i]
			}
		default:
			return ""
		}
	}
	if f, err := strconv.ParseFloat(fmt.Sprint(v), 64); err == nil && strings.HasSuffix(fmt.Sprint(v), ".0") {
		return fmt.Sprint(f) // one command line writes 60.0 where the other writes 60
	}
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
