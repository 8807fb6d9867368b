package iam

import (
	"encoding/xml"
	"net/url"
	"strconv"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Paging is the input that every list takes.
type Paging struct {
	Marker   string
	MaxItems string
}

// Truncation is the output that every list gives.
type Truncation struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

const defaultPage, largestPage = 100, 1000

// cut gives one page of items sorted by a unique key.
func cut[T any](items []T, key func(T) string, p Paging) ([]T, Truncation, error) {
	limit := defaultPage
	if p.MaxItems != "" {
		n, err := strconv.Atoi(p.MaxItems)
		if err != nil || n < 1 || n > largestPage {
			return nil, Truncation{}, invalid("1 validation error detected: Value '%s' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and %d", p.MaxItems, largestPage)
		}
		limit = n
	}
	page, next, ok := core.Page(items, key, p.Marker, limit)
	if !ok {
		return nil, Truncation{}, invalid("Invalid Marker.")
	}
	return page, Truncation{next != "", next}, nil
}

// members is a list in an answer. AWS writes the element even when the list is
// empty, and boto3 relies on it.
type members[T any] []T

// MarshalXML writes <Name><member>…</member></Name>.
func (m members[T]) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	if err := e.EncodeToken(start); err != nil {
		return err
	}
	for _, v := range m {
		if err := e.EncodeElement(v, xml.StartElement{Name: xml.Name{Local: "member"}}); err != nil {
			return err
		}
	}
	return e.EncodeToken(start.End())
}

func each[A, B any](in []A, f func(A) B) members[B] {
	out := make(members[B], 0, len(in))
	for _, v := range in {
		out = append(out, f(v))
	}
	return out
}

// escaped is a policy document as IAM gives it back: percent-encoded (RFC 3986).
func escaped(doc string) string {
	return strings.ReplaceAll(url.QueryEscape(doc), "+", "%20")
}
