package api

import (
	"net/http"
	"strconv"
	"strings"
)

// Versioned is embedded by the input of every edit.
type Versioned struct {
	IfMatch string `header:"If-Match" doc:"ETag that the edit is for; the edit is refused if it has changed since"`
}

// etag is the ETag of a version.
func etag(version int64) string { return `"` + strconv.FormatInt(version, 10) + `"` }

// match refuses an edit of a version that is not the one meant: 428 without
// If-Match, 412 with another.
func (v Versioned) match(version int64) error {
	switch {
	case v.IfMatch == "":
		return newProblem(http.StatusPreconditionRequired, "if_match_required", "an edit must say which version it is for", "read it, and give its ETag as If-Match; * edits whatever stands")
	case strings.TrimSpace(v.IfMatch) == "*":
		return nil
	}
	for tag := range strings.SplitSeq(v.IfMatch, ",") {
		if strings.TrimSpace(tag) == etag(version) {
			return nil
		}
	}
	return newProblem(http.StatusPreconditionFailed, "changed", "it was changed meanwhile; its ETag is "+etag(version), "read it again and repeat the edit")
}
