package archtest

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func pages(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, f := range files(t) {
		if path.Ext(f) == ".md" {
			out = append(out, f)
		}
	}
	return out
}

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```$")
	link     = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading  = regexp.MustCompile(`(?m)^#+ (.*)$`)
	noAnchor = regexp.MustCompile(`[^\p{L}\p{N}\- ]`)
)

// anchors are the names that the headings of a page can be linked by.
func anchors(text string) map[string]bool {
	out := map[string]bool{}
	for _, h := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		out[strings.ReplaceAll(noAnchor.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-")] = true
	}
	return out
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, page := range pages(t) {
		text := read(t, page)
		for _, l := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			target, anchor, _ := strings.Cut(l[1], "#")
			if strings.Contains(target, "://") {
				continue
			}
			to := text
			if target != "" {
				file := path.Join(path.Dir(page), target)
				info, err := os.Stat(filepath.Join(root, file))
				if err != nil {
					t.Errorf("%s links to %s, which is not there", page, l[1])
					continue
				}
				if info.IsDir() {
					continue
				}
				to = read(t, file)
			}
			if anchor != "" && !anchors(to)[anchor] {
				t.Errorf("%s links to %s, and no heading is called so", page, l[1])
			}
		}
	}
}

var shown = regexp.MustCompile("(?ms)^<!-- file: (\\S+) -->\n```\\w*\n(.*?)^```$")

// TestShownFilesAreAsTheyAre holds code blocks under a "file:" comment to the
// file that they show.
func TestShownFilesAreAsTheyAre(t *testing.T) {
	t.Parallel()
	n := 0
	for _, page := range pages(t) {
		for _, s := range shown.FindAllStringSubmatch(read(t, page), -1) {
			n++
			if read(t, s[1]) != s[2] {
				t.Errorf("%s shows %s as it was: copy it anew", page, s[1])
			}
		}
	}
	if n == 0 {
		t.Error("no page shows a file any more")
	}
}

var (
	target = regexp.MustCompile(`(?m)^([a-z-]+):`)
	called = regexp.MustCompile("(?m)(?:^|[`;&(]\\s*|^\\s+)make((?: [a-z-]+)+)")
)

// TestMakeTargetsExist looks for targets that pages and CI call.
func TestMakeTargetsExist(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, m := range target.FindAllStringSubmatch(read(t, "Makefile"), -1) {
		known[m[1]] = true
	}
	n := 0
	for _, page := range append(pages(t), ".ci/run") {
		for _, m := range called.FindAllStringSubmatch(read(t, page), -1) {
			for name := range strings.FieldsSeq(m[1]) {
				n++
				if !known[name] {
					t.Errorf("%s calls make %s, which the Makefile does not have", page, name)
				}
			}
		}
	}
	if n == 0 {
		t.Error("no page calls make any more")
	}
}

// TestMapOnThePage holds the table of folders in docs/architecture.md to the
// packages that there are.
func TestMapOnThePage(t *testing.T) {
	t.Parallel()
	text := read(t, "docs/architecture.md")
	for dir := range packages(t) {
		named := false
		for d := dir; d != "."; d = path.Dir(d) {
			named = named || strings.Contains(text, "`"+d+"`")
		}
		if !named {
			t.Errorf("docs/architecture.md does not say what %s is for", dir)
		}
	}
	for _, m := range regexp.MustCompile("`((?:cmd|internal|deploy)/[a-z/-]+)`").FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat(filepath.Join(root, m[1])); err != nil {
			t.Errorf("docs/architecture.md names %s, which is not there", m[1])
		}
	}
}
