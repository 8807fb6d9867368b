package apiclient

import (
	"context"
	"errors"
	"iter"
	"maps"
	"net/url"
	"strconv"

	"github.com/kodekloud/kml/internal/apitypes"
)

// pageSize is how many items are asked for at once.
const pageSize = 200

var errSamePage = errors.New("the server's cursor leads nowhere: the list would never end")

// pages gives a list item by item, and reads a page when it is needed. limit is
// the most items in all, 0: every one. An error ends it.
func pages[T any](ctx context.Context, c *Client, limit int, k call) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		cursor, left := "", limit
		for {
			size := pageSize
			if limit > 0 {
				size = min(size, left)
			}
			k := k
			k.query = maps.Clone(k.query)
			if k.query == nil {
				k.query = url.Values{}
			}
			k.query.Set("limit", strconv.Itoa(size))
			if cursor != "" {
				k.query.Set("cursor", cursor)
			}
			page, err := do[apitypes.Page[T]](ctx, c, k)
			if err == nil && page.Next != "" && page.Next == cursor {
				err = errSamePage
			}
			if err != nil {
				yield(zero, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
				if left--; left == 0 {
					return
				}
			}
			if cursor = page.Next; cursor == "" {
				return
			}
		}
	}
}

// whole gives a list that comes on one page.
func whole[T any](ctx context.Context, c *Client, k call) ([]T, error) {
	page, err := do[apitypes.Page[T]](ctx, c, k)
	return page.Items, err
}

// Collect gathers a list.
func Collect[T any](list iter.Seq2[T, error]) ([]T, error) {
	out := []T{}
	for item, err := range list {
		if err != nil {
			return nil, err
		}
		out = append(out, item)
	}
	return out, nil
}
