package ec2

import (
	"fmt"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Base is the part that almost every request has.
type Base struct{ DryRun bool }

func (b Base) dry() bool { return b.DryRun }

// Search is the part that describing requests have.
type Search struct {
	Base
	Filters    []Filter `q:"Filter"`
	MaxResults *int
	NextToken  string
}

// describe finds the objects of a kind by ids, filters and page. An unknown id
// is an error, also among known ones.
func describe[T any, P pointer[T]](c *call, q *Search, ids []string) ([]P, string, error) {
	found := all[T, P](c.state)
	if len(ids) > 0 {
		found = found[:0:0]
		for _, id := range ids {
			o, err := get[T, P](c.state, id)
			if err != nil {
				return nil, "", err
			}
			found = append(found, o)
		}
	}
	return choose(q, found)
}

// choose applies filters and page to objects in order of creation.
func choose[T any, P pointer[T]](q *Search, found []P) ([]P, string, error) {
	k := P(nil).kind()
	var kept []P
	for _, o := range found {
		ok, err := k.filters.matches(o, q.Filters)
		if err != nil {
			return nil, "", err
		}
		if ok {
			kept = append(kept, o)
		}
	}
	if len(found) == 0 { // nothing to try the filters on: a wrong one is an error all the same
		if _, err := k.filters.matches(P(new(T)), q.Filters); err != nil {
			return nil, "", err
		}
	}
	return page(q, kept, func(o P) string { return fmt.Sprintf("%016x", o.meta().seq) }, k.minPage)
}

// page cuts a page out of items sorted by key. least is the least MaxResults
// that the operation takes; 0 means 5, as most do.
func page[T any](q *Search, items []T, key func(T) string, least int) ([]T, string, error) {
	if least == 0 {
		least = 5
	}
	limit := 1000
	if q.MaxResults != nil {
		limit = *q.MaxResults
		if limit < least {
			return nil, "", invalidValue("maxResults", fmt.Sprint(limit), fmt.Sprintf("Expecting a value greater than or equal to %d.", least))
		}
		limit = min(limit, 1000)
	}
	out, next, ok := core.Page(items, key, q.NextToken, limit)
	if !ok {
		return nil, "", core.Errorf(400, "InvalidNextToken", "The specified NextToken '%s' is not valid.", q.NextToken)
	}
	return out, next, nil
}
