package api

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/fleet"
)

// Paged is embedded by the input of every list. What is embedded so has an
// exported name: huma does not look into others.
type Paged struct {
	Cursor string `query:"cursor" maxLength:"300" doc:"next of the page before"`
	Limit  int    `query:"limit" minimum:"1" maximum:"500" default:"50" doc:"most items on a page"`
}

// cursor is the place that a page goes on from.
func (p Paged) cursor() (fleet.Cursor, error) {
	if p.Cursor == "" {
		return fleet.Cursor{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	at, id, ok := strings.Cut(string(raw), "|")
	ms, nerr := strconv.ParseInt(at, 10, 64)
	if err != nil || !ok || nerr != nil {
		return fleet.Cursor{}, &fleet.FieldError{Field: "query.cursor", Value: p.Cursor, Remedy: "give next of the page before, as it was"}
	}
	return fleet.Cursor{At: time.UnixMilli(ms).UTC(), ID: id}, nil
}

// cursorTo is the cursor of what follows an item.
func cursorTo(at time.Time, id string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d|%s", at.UnixMilli(), id))
}

// page cuts a list that was read one longer than asked for, and gives the cursor
// of the next page.
func page[T any](items []T, limit int, place func(T) (time.Time, string)) ([]T, string) {
	if len(items) <= limit {
		return items, ""
	}
	items = items[:limit]
	return items, cursorTo(place(items[limit-1]))
}
