package core

import (
	"encoding/base64"
	"sort"
)

// Page cuts one page out of items that are sorted by a unique key: at most
// limit of them, those after the page that gave token. next is "" on the last
// page. A page is found again by key, so deleting between two pages skips
// nothing. ok is false for a token that no page gave.
func Page[T any](items []T, key func(T) string, token string, limit int) (page []T, next string, ok bool) {
	if token != "" {
		last, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", false
		}
		items = items[sort.Search(len(items), func(i int) bool { return key(items[i]) > string(last) }):]
	}
	if limit <= 0 || limit >= len(items) {
		return items, "", true
	}
	page = items[:limit]
	return page, base64.RawURLEncoding.EncodeToString([]byte(key(page[limit-1]))), true
}
