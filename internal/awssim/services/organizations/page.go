package organizations

import (
	"hash/fnv"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Paging is the input that every list takes.
type Paging struct {
	NextToken  string
	MaxResults *int
}

const largestPage = 20

// emptyMark in front of a token makes the page it names come after an empty one.
const emptyMark = "~"

// cut gives one page of items sorted by key. As the documentation warns, a page
// can be empty and still have a NextToken: one page in three comes after such
// an empty one, the same ones every time.
func cut[T any](items []T, key func(T) string, p Paging) ([]T, *string, error) {
	limit := largestPage
	if p.MaxResults != nil {
		if limit = *p.MaxResults; limit < 1 || limit > largestPage {
			return nil, nil, invalid("MAX_VALUE_EXCEEDED", "MaxResults must be between 1 and %d", largestPage)
		}
	}
	if rest, marked := strings.CutPrefix(p.NextToken, emptyMark); marked {
		return []T{}, &rest, nil
	}
	page, next, ok := core.Page(items, key, p.NextToken, limit)
	if !ok {
		return nil, nil, invalid("INVALID_NEXT_TOKEN", "The provided NextToken is not valid")
	}
	if next == "" {
		return page, nil, nil
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(next)) // a hash's Write never fails
	if h.Sum32()%3 == 0 {
		next = emptyMark + next
	}
	return page, &next, nil
}

func each[A, B any](in []A, f func(A) B) []B {
	out := make([]B, 0, len(in)) // an empty list, not null, is what clients expect
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}
