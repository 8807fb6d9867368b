package s3

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const namespace = "http://s3.amazonaws.com/doc/2006-03-01/"

// document answers with v as XML; its root is v's XMLName.
func document(v any) (*core.Raw, error) {
	body, err := xml.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode %T: %w", v, err)
	}
	return xmlBytes(append([]byte(xml.Header), body...)), nil
}

func xmlBytes(body []byte) *core.Raw {
	return &core.Raw{Header: http.Header{"Content-Type": {"application/xml"}}, Body: body}
}

// empty answers with a status and no body.
func empty(status int) *core.Raw { return &core.Raw{Status: status, Header: http.Header{}} }

// parse reads a request's XML document.
func parse(body []byte, into any) error {
	if err := xml.Unmarshal(body, into); err != nil {
		return malformedXML()
	}
	return nil
}

func malformedXML() *core.Error {
	return core.Errorf(400, "MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")
}

func invalidArgument(name, value, format string, args ...any) *core.Error {
	e := core.Errorf(400, "InvalidArgument", format, args...)
	e.Extra = map[string]any{"ArgumentName": name, "ArgumentValue": value}
	return e
}

func invalidRequest(format string, args ...any) *core.Error {
	return core.Errorf(400, "InvalidRequest", format, args...)
}

func denied(format string, args ...any) *core.Error {
	return core.Errorf(403, "AccessDenied", format, args...)
}

func noSuchBucket(name string) *core.Error {
	e := core.Errorf(404, "NoSuchBucket", "The specified bucket does not exist")
	e.Extra = map[string]any{"BucketName": name}
	return e
}

func noSuchKey(key string) *core.Error {
	e := core.Errorf(404, "NoSuchKey", "The specified key does not exist.")
	e.Extra = map[string]any{"Key": key}
	return e
}

// stamp is S3's form of a time in XML.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

func quoted(etag string) string { return `"` + etag + `"` }
