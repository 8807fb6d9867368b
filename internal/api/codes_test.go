package api

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// made is where a problem is made with a code of its own.
var made = regexp.MustCompile(`newProblem\(http\.Status\w+, "(\w+)"`)

// Clients match codes: every one is in the guide.
func TestEveryCodeIsDocumented(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../../docs/api.md")
	must(t, err)
	codes := map[string]bool{}
	for _, p := range problems {
		codes[p.code] = true
	}
	for _, p := range inputCodes {
		codes[p.code] = true
	}
	files, err := filepath.Glob("*.go")
	must(t, err)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		must(t, err)
		for _, m := range made.FindAllSubmatch(source, -1) {
			codes[string(m[1])] = true
		}
	}
	if len(codes) < 30 {
		t.Errorf("only %d codes were found", len(codes))
	}
	for code := range codes {
		if !strings.Contains(string(guide), "`"+code+"`") {
			t.Errorf("docs/api.md does not name the code %s", code)
		}
	}
}
