package cli

import (
	"regexp"
	"strings"
)

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// quote makes one word of a POSIX shell of any string without a NUL byte.
func quote(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// publicPart is what a key shows to everybody: kml_<id>, of kml_<id>_<secret>.
func publicPart(key string) string {
	if rest, ok := strings.CutPrefix(key, "kml_"); ok {
		if id, _, ok := strings.Cut(rest, "_"); ok {
			return "kml_" + id
		}
	}
	return "token "
}
