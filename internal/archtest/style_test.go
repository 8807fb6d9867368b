package archtest

import (
	"path"
	"regexp"
	"strings"
	"testing"
)

// maxLines is how long a Go file may be; longer ones hold more than one idea.
const maxLines = 450

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, files := range packages(t) {
		for _, f := range files {
			if !f.test && f.lines > maxLines {
				t.Errorf("%s has %d lines, more than %d: split it by ideas", f.path, f.lines, maxLines)
			}
		}
	}
}

func TestEveryPackageSaysItsJob(t *testing.T) {
	t.Parallel()
	for dir, files := range packages(t) {
		want, said := "", false
		for _, f := range files {
			if f.test {
				continue
			}
			want = "Package " + f.pkg + " "
			if f.pkg == "main" {
				want = "Command " + path.Base(dir) + " "
			}
			said = said || strings.HasPrefix(f.doc, want)
		}
		if want != "" && !said {
			t.Errorf("%s has no doc comment that begins with %q", dir, want)
		}
	}
}

// ofOneMachine is what no file should name: folders of the machine that it was
// written on, and hosts that packages are fetched from (what is configured by
// the one who builds). The words are put together here so that this file may
// stand beside the others.
var ofOneMachine = regexp.MustCompile(`(?i)(^|[\s"'(=:` + "`" + `])/(work|root|home|Users)` + `/\w|` + strings.Join([]string{
	`proxy\.golang` + `\.org`, `goproxy` + `\.\w`, `registry\.npmjs` + `\.org`, `pypi` + `\.org`, `pythonhosted` + `\.org`,
	`registry-1\.docker` + `\.io`, `gcr` + `\.io`, `ghcr` + `\.io`, `quay` + `\.io`, `deb\.debian` + `\.org`,
}, `|`))

func TestNoFileNamesOneMachine(t *testing.T) {
	t.Parallel()
	for _, f := range files(t) {
		for n, line := range strings.Split(read(t, f), "\n") {
			if m := ofOneMachine.FindString(line); m != "" {
				t.Errorf("%s:%d names %q: a path of one machine or a package host belongs in no file", f, n+1, strings.TrimSpace(m))
			}
		}
	}
}

func TestWordsOfOneMachine(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]bool{
		"see " + "/work" + "/shared/notes": true,
		`dir := "` + "/root" + `/go"`:      true,
		"https://proxy" + ".golang.org":    true,
		"arn:aws:iam::1:user/work/ana":     false,
		"docs/work/in-progress":            false,
		"the root / of an organization":    false,
	} {
		if got := ofOneMachine.MatchString(line); got != want {
			t.Errorf("%q: %v, want %v", line, got, want)
		}
	}
}
