package s3

import (
	"iter"
	"net/url"
	"sort"
	"strings"
)

// query is what every listing of keys is asked with.
type query struct {
	prefix, delimiter string
	max               int
	encode            bool // encoding-type=url
}

// entry is one line of a listing: a version or an upload, with its key.
type entry[T any] struct {
	key  string
	item T
}

// page is one page of a listing.
type page[T any] struct {
	items     []entry[T]
	prefixes  []string // common prefixes, in order
	truncated bool
	// last is the key or common prefix that the page ends with; lastItem is
	// the item if it ends with one.
	last     string
	lastItem *T
}

// list makes a page of entries that come in order of their keys. after is where
// the page before ended: entries in seq lie behind it, but a common prefix that
// it ended with must not be told twice.
func list[T any](seq iter.Seq[entry[T]], q query, after string) page[T] {
	var p page[T]
	if q.max == 0 {
		return p
	}
	skip := ""
	if strings.HasPrefix(after, q.prefix) && q.common(after) == after {
		skip = after // "" when there is no delimiter
	}
	for e := range seq {
		if !strings.HasPrefix(e.key, q.prefix) || skip != "" && strings.HasPrefix(e.key, skip) {
			continue
		}
		common := q.common(e.key)
		if len(p.items)+len(p.prefixes) == q.max {
			p.truncated = true
			break
		}
		if common != "" {
			p.prefixes = append(p.prefixes, common)
			p.last, p.lastItem, skip = common, nil, common
			continue
		}
		p.items = append(p.items, e)
		p.last, p.lastItem = e.key, &p.items[len(p.items)-1].item
	}
	return p
}

// common is the common prefix that a key is rolled up into, or "".
func (q query) common(key string) string {
	if q.delimiter == "" {
		return ""
	}
	i := strings.Index(key[len(q.prefix):], q.delimiter)
	if i < 0 {
		return ""
	}
	return key[:len(q.prefix)+i+len(q.delimiter)]
}

// from gives the sorted keys that have the prefix and come after a key.
func from(keys []string, prefix, after string) []string {
	i := sort.SearchStrings(keys, prefix)
	if after != "" && after >= prefix {
		i = sort.Search(len(keys), func(i int) bool { return keys[i] > after })
	}
	j := i + sort.Search(len(keys)-i, func(n int) bool {
		k := keys[i+n]
		return k > prefix && !strings.HasPrefix(k, prefix)
	})
	return keys[i:j]
}

// enc encodes a key or prefix when the client asked for it: a slash stays, a
// space is a plus, as S3 does it.
func (q query) enc(s string) string {
	if !q.encode {
		return s
	}
	return strings.ReplaceAll(url.QueryEscape(s), "%2F", "/")
}

// readQuery reads the parameters that all listings have.
func readQuery(v url.Values, maxName string) (query, error) {
	n, err := queryInt(v, maxName, 1000, 1000)
	if err != nil {
		return query{}, err
	}
	if t := v.Get("encoding-type"); t != "" && t != "url" {
		return query{}, invalidArgument("encoding-type", t, "Invalid Encoding Method specified in Request")
	}
	return query{prefix: v.Get("prefix"), delimiter: v.Get("delimiter"), max: n, encode: v.Get("encoding-type") == "url"}, nil
}

type commonPrefix struct {
	Prefix string
}

func (q query) commonPrefixes(ps []string) []commonPrefix {
	out := make([]commonPrefix, len(ps))
	for i, p := range ps {
		out[i] = commonPrefix{q.enc(p)}
	}
	return out
}

func (q query) encodingType() string {
	if q.encode {
		return "url"
	}
	return ""
}
