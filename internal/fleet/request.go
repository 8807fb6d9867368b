package fleet

import (
	"fmt"
	"net/url"
	"strconv"
	"time"
)

// Limits of a request for a lab.
const (
	MaxField    = 256                 // bytes of a name or an id
	MaxCallback = 2000                // bytes of a URL
	MaxAhead    = 90 * 24 * time.Hour // from the request to its start
)

// RequestForm is what can be checked of a request for a lab without knowing the
// fleet: both doors refuse the same ones.
type RequestForm struct {
	RequestID, LabType, Student, Booking, Callback string
	Duration, Patience                             time.Duration
	Priority                                       int
}

// Check gives a *FieldError for the first field that cannot be right.
func (f RequestForm) Check() error {
	for _, n := range []struct{ name, value string }{{"request_id", f.RequestID}, {"lab_type", f.LabType}, {"student", f.Student}} {
		if n.value == "" || len(n.value) > MaxField {
			return &FieldError{n.name, clip(n.value), fmt.Sprintf("give 1 to %d characters", MaxField)}
		}
	}
	switch {
	case f.Duration <= 0:
		return &FieldError{"duration", f.Duration.String(), "give a positive duration, such as 1h"}
	case f.Patience < 0:
		return &FieldError{"patience", f.Patience.String(), "give how long the request may wait, or nothing"}
	case f.Priority < 0 || f.Priority > MaxPriority:
		return &FieldError{"priority", strconv.Itoa(f.Priority), fmt.Sprintf("give 0 to %d; 0 is usual", MaxPriority)}
	case len(f.Booking) > MaxField:
		return &FieldError{"booking", clip(f.Booking), "give the id of a booking, or nothing"}
	case f.Callback != "" && !webURL(f.Callback):
		return &FieldError{"callback", clip(f.Callback), fmt.Sprintf("give an http or https URL of at most %d characters, without user and password, or nothing", MaxCallback)}
	}
	return nil
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && len(s) <= MaxCallback && (u.Scheme == "https" || u.Scheme == "http") && u.Hostname() != "" && u.User == nil
}

// clip shortens a bad value to what a message should repeat.
func clip(s string) string {
	if len(s) <= 100 {
		return s
	}
	return s[:100] + "…"
}
