package core

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"
)

// Time is a timestamp on the wire: epoch seconds in JSON and CBOR (tag 1),
// ISO 8601 in XML and forms.
type Time struct{ time.Time }

// At wraps t.
func At(t time.Time) Time { return Time{t.UTC()} }

// Ptr wraps t, or gives nil for the zero time.
func Ptr(t time.Time) *Time {
	if t.IsZero() {
		return nil
	}
	v := At(t)
	return &v
}

// MarshalJSON gives epoch seconds with milliseconds.
func (t Time) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', -1, 64), nil
}

// UnmarshalJSON takes epoch seconds or ISO 8601.
func (t *Time) UnmarshalJSON(b []byte) error {
	return t.UnmarshalText([]byte(strings.Trim(string(b), `"`)))
}

// MarshalText gives ISO 8601 with milliseconds.
func (t Time) MarshalText() ([]byte, error) {
	return []byte(t.UTC().Format("2006-01-02T15:04:05.000Z")), nil
}

// UnmarshalText takes ISO 8601 or epoch seconds.
func (t *Time) UnmarshalText(b []byte) error {
	s := string(b)
	if f, err := strconv.ParseFloat(s, 64); err == nil {
		t.Time = time.UnixMilli(int64(f * 1000)).UTC()
		return nil
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02"} {
		if v, err := time.Parse(layout, s); err == nil {
			t.Time = v.UTC()
			return nil
		}
	}
	return fmt.Errorf("timestamp %q is neither ISO 8601 nor epoch seconds", s)
}

// MarshalCBOR gives tag 1 with a float, as rpcv2Cbor wants it.
func (t Time) MarshalCBOR() ([]byte, error) {
	return cbor.Marshal(cbor.Tag{Number: 1, Content: float64(t.UnixMilli()) / 1000})
}

// UnmarshalCBOR takes tag 1.
func (t *Time) UnmarshalCBOR(b []byte) error {
	var tag cbor.Tag
	if err := cbor.Unmarshal(b, &tag); err != nil {
		return fmt.Errorf("timestamp: %w", err)
	}
	return t.UnmarshalText([]byte(fmt.Sprint(tag.Content)))
}
