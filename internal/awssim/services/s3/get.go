package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// named is the version that a request names: by versionId, else the current one.
func (b *bucket) named(c *core.Call, key string) (*version, error) {
	q := c.Request.URL.Query()
	if q.Has("versionId") {
		id := q.Get("versionId")
		v := b.find(key, id)
		switch {
		case v == nil:
			e := core.Errorf(404, "NoSuchVersion", "The specified version does not exist.")
			e.Extra = map[string]any{"Key": key, "VersionId": id}
			return nil, e
		case v.marker:
			e := core.Errorf(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")
			e.Extra = map[string]any{"Method": c.Request.Method, "ResourceType": "DeleteMarker"}
			e.Header = http.Header{"X-Amz-Delete-Marker": {"true"}, "X-Amz-Version-Id": {v.id}, "Allow": {"DELETE"},
				"Last-Modified": {v.modified.Format(http.TimeFormat)}}
			return nil, e
		}
		return v, nil
	}
	if v := b.current(key); v != nil {
		return v, nil
	}
	// Who may not list must not learn what is not there.
	if c.Authorize(core.Permission{Action: "s3:ListBucket", Resource: bucketARN(b.name)}) != nil {
		return nil, denied("User: %s is not authorized to perform: s3:ListBucket on resource: %q because no identity-based policy allows the s3:ListBucket action", callerARN(c), bucketARN(b.name))
	}
	e := noSuchKey(key)
	if vs := b.versions[key]; len(vs) > 0 { // the newest is a delete marker
		e.Header = http.Header{"X-Amz-Delete-Marker": {"true"}, "X-Amz-Version-Id": {vs[0].id}}
	}
	return nil, e
}

func (s *Service) getObject(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	v, err := b.named(c, key)
	if err != nil {
		return nil, err
	}
	if err := conditional(c.Request.Header, v); err != nil {
		return nil, err
	}
	raw := empty(http.StatusOK)
	v.describeTo(raw.Header)
	b.versionHeader(raw.Header, v)
	from, to, partial, err := s.window(c, v, raw.Header)
	if err != nil {
		return nil, err
	}
	if partial {
		raw.Status = http.StatusPartialContent
		raw.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", from, to-1, len(v.body)))
	} else if strings.EqualFold(c.Request.Header.Get("x-amz-checksum-mode"), "ENABLED") {
		v.sum.header(raw.Header)
	}
	override(c, raw.Header)
	raw.Body = v.body[from:to]
	raw.Header.Set("Content-Length", strconv.Itoa(to-from)) // for HEAD too
	return raw, nil
}

// describeTo tells a version's properties.
func (v *version) describeTo(h http.Header) {
	for name, x := range v.headers {
		h.Set(name, x)
	}
	h.Set("ETag", quoted(v.etag))
	h.Set("Last-Modified", v.modified.Format(http.TimeFormat))
	h.Set("Accept-Ranges", "bytes")
	v.sse.headers(h)
	if v.class != "STANDARD" {
		h.Set("x-amz-storage-class", v.class)
	}
	if len(v.tags) > 0 {
		h.Set("x-amz-tagging-count", strconv.Itoa(len(v.tags)))
	}
	v.lockHeaders(h)
}

// override applies the response-… parameters, which only signed requests may use.
func override(c *core.Call, h http.Header) {
	if c.Principal == nil {
		return
	}
	q := c.Request.URL.Query()
	for _, name := range kept {
		if x := q.Get("response-" + strings.ToLower(name)); x != "" {
			h.Set(name, x)
		}
	}
}

// conditional answers If-… headers. Source: GetObject: If-Match wins over
// If-Unmodified-Since, If-None-Match over If-Modified-Since.
func conditional(h http.Header, v *version) error {
	modified := v.modified.Truncate(time.Second)
	if m := h.Get("If-Match"); m != "" {
		if !etagMatches(m, v.etag) {
			return failed("If-Match")
		}
	} else if t, err := http.ParseTime(h.Get("If-Unmodified-Since")); err == nil && modified.After(t) {
		return failed("If-Unmodified-Since")
	}
	unchanged := false
	if m := h.Get("If-None-Match"); m != "" {
		unchanged = etagMatches(m, v.etag)
	} else if t, err := http.ParseTime(h.Get("If-Modified-Since")); err == nil {
		unchanged = !modified.After(t)
	}
	if unchanged {
		e := core.Errorf(http.StatusNotModified, "NotModified", "Not Modified")
		e.Header = http.Header{"Etag": {quoted(v.etag)}, "Last-Modified": {v.modified.Format(http.TimeFormat)}}
		return e
	}
	return nil
}

func etagMatches(list, etag string) bool {
	for _, m := range strings.Split(list, ",") {
		m = strings.Trim(strings.TrimSpace(m), `"`)
		if m == "*" || m == etag {
			return true
		}
	}
	return false
}

// window is the part of the body that is asked for: bytes [from, to).
func (s *Service) window(c *core.Call, v *version, h http.Header) (from, to int, partial bool, err error) {
	if p := c.Request.URL.Query().Get("partNumber"); p != "" {
		return partWindow(v, p, h)
	}
	size := len(v.body)
	spec, ok := strings.CutPrefix(c.Request.Header.Get("Range"), "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash || strings.Contains(spec, ",") {
		return 0, size, false, nil // no range, or one that S3 takes no notice of
	}
	from, ok = atoi(first)
	to, ok2 := atoi(last)
	switch {
	case first == "" && ok2:
		from, to = max(0, size-to), size
	case ok && last == "":
		to = size
	case ok && ok2 && from <= to:
		to = min(to+1, size)
	default:
		return 0, size, false, nil
	}
	if from >= size || from == to {
		e := core.Errorf(416, "InvalidRange", "The requested range is not satisfiable")
		e.Extra = map[string]any{"RangeRequested": "bytes=" + spec, "ActualObjectSize": size}
		return 0, 0, false, e
	}
	return from, to, true, nil
}

func partWindow(v *version, number string, h http.Header) (from, to int, partial bool, err error) {
	n, ok := atoi(number)
	if !ok || n < 1 || n > max(1, len(v.parts)) {
		return 0, 0, false, core.Errorf(416, "InvalidPartNumber", "The requested partnumber is not satisfiable")
	}
	if len(v.parts) == 0 {
		return 0, len(v.body), len(v.body) > 0, nil
	}
	for _, p := range v.parts[:n-1] {
		from += p.size
	}
	h.Set("x-amz-mp-parts-count", strconv.Itoa(len(v.parts)))
	return from, from + v.parts[n-1].size, true, nil
}

type attributesDoc struct {
	XMLName      xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ GetObjectAttributesResponse"`
	ETag         string   `xml:",omitempty"`
	Checksum     *sums
	ObjectParts  *attributeParts
	StorageClass string `xml:",omitempty"`
	ObjectSize   *int
}

type attributeParts struct {
	PartsCount int
}

func (s *Service) getAttributes(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	v, err := b.named(c, key)
	if err != nil {
		return nil, err
	}
	want := strings.Join(c.Request.Header.Values("x-amz-object-attributes"), ",")
	if want == "" {
		return nil, invalidArgument("x-amz-object-attributes", "", "The object attributes must be specified")
	}
	var d attributesDoc
	for _, a := range strings.Split(want, ",") {
		switch strings.TrimSpace(a) {
		case "ETag":
			d.ETag = v.etag
		case "Checksum":
			e := v.sum.element()
			d.Checksum = &e
		case "ObjectParts":
			if len(v.parts) > 0 {
				d.ObjectParts = &attributeParts{len(v.parts)}
			}
		case "StorageClass":
			d.StorageClass = v.class
		case "ObjectSize":
			n := len(v.body)
			d.ObjectSize = &n
		default:
			return nil, invalidArgument("x-amz-object-attributes", a, "Invalid attribute name specified.")
		}
	}
	raw, err := document(d)
	if err == nil {
		b.versionHeader(raw.Header, v)
		raw.Header.Set("Last-Modified", v.modified.Format(http.TimeFormat))
	}
	return raw, err
}
