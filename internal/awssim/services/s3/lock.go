package s3

import (
	"encoding/xml"
	"net/http"
	"strconv"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const (
	modeGovernance = "GOVERNANCE"
	modeCompliance = "COMPLIANCE"
)

// lockDefaults are what new versions of a bucket with object lock get.
type lockDefaults struct {
	mode        string
	days, years int
}

func applyLock(_ *core.Call, b *bucket, body []byte) error {
	var v struct {
		ObjectLockEnabled string
		Rule              *struct {
			DefaultRetention struct {
				Mode        string
				Days, Years int
			}
		}
	}
	if err := parse(body, &v); err != nil {
		return err
	}
	if v.ObjectLockEnabled != "Enabled" {
		return malformedXML()
	}
	if b.versioning != versioningEnabled {
		return core.Errorf(409, "InvalidBucketState", "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
	}
	lock := &lockDefaults{}
	if v.Rule != nil {
		r := v.Rule.DefaultRetention
		if r.Mode != modeGovernance && r.Mode != modeCompliance || (r.Days > 0) == (r.Years > 0) || r.Days < 0 || r.Years < 0 {
			return malformedXML()
		}
		lock.mode, lock.days, lock.years = r.Mode, r.Days, r.Years
	}
	b.lock = lock
	return nil
}

// lockNew gives a new version the retention that the request or the bucket asks for.
func lockNew(c *core.Call, b *bucket, v *version) error {
	h := c.Request.Header
	mode, until, hold := h.Get("x-amz-object-lock-mode"), h.Get("x-amz-object-lock-retain-until-date"), h.Get("x-amz-object-lock-legal-hold")
	if mode+until+hold != "" && b.lock == nil {
		return invalidRequest("Bucket is missing Object Lock Configuration")
	}
	v.hold = hold == "ON"
	switch {
	case (mode == "") != (until == ""):
		return invalidArgument("x-amz-object-lock-mode", mode, "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied")
	case mode != "":
		return v.retain(c.Now, mode, until)
	case b.lock != nil && b.lock.mode != "":
		v.mode, v.retained = b.lock.mode, c.Now.AddDate(b.lock.years, 0, b.lock.days)
	}
	return nil
}

func (v *version) retain(now time.Time, mode, until string) error {
	t, err := time.Parse(time.RFC3339Nano, until)
	switch {
	case err != nil || mode != modeGovernance && mode != modeCompliance:
		return malformedXML()
	case !t.After(now):
		return invalidArgument("RetainUntilDate", until, "The retain until date must be in the future!")
	}
	v.mode, v.retained = mode, t.UTC()
	return nil
}

// locked reports whether a version may not be deleted at now; bypass is the
// caller's wish (and right) to pass by governance mode.
func (v *version) locked(now time.Time, bypass bool) bool {
	if v.hold {
		return true
	}
	if v.mode == "" || !now.Before(v.retained) {
		return false
	}
	return v.mode == modeCompliance || !bypass
}

// bypass reports whether the caller asks to pass by governance mode and may.
func bypass(c *core.Call, b *bucket, v *version) bool {
	if v.mode != modeGovernance || c.Request.Header.Get("x-amz-bypass-governance-retention") != "true" {
		return false
	}
	return c.Authorize(core.Permission{Action: "s3:BypassGovernanceRetention", Resource: objectARN(b.name, v.key)}) == nil
}

func protected() *core.Error {
	return denied("Access Denied because object protected by object lock.")
}

type retentionDoc struct {
	XMLName         xml.Name `xml:"Retention"`
	Mode            string
	RetainUntilDate string
}

func (s *Service) getRetention(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	v, err := lockable(c, b, key)
	if err != nil {
		return nil, err
	}
	if v.mode == "" {
		return nil, noLock()
	}
	return document(retentionDoc{Mode: v.mode, RetainUntilDate: stamp(v.retained)})
}

func (s *Service) putRetention(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	v, err := lockable(c, b, key)
	if err != nil {
		return nil, err
	}
	var in struct{ Mode, RetainUntilDate string }
	if err := parse(c.Body, &in); err != nil {
		return nil, err
	}
	next := *v
	if in.Mode == "" && in.RetainUntilDate == "" {
		next.mode, next.retained = "", time.Time{}
	} else if err := next.retain(c.Now, in.Mode, in.RetainUntilDate); err != nil {
		return nil, err
	}
	// Lengthening is always allowed; shortening or weakening counts as deleting.
	weaker := next.retained.Before(v.retained) || v.mode == modeCompliance && next.mode != modeCompliance
	if weaker && v.mode != "" && c.Now.Before(v.retained) && (v.mode == modeCompliance || !bypass(c, b, v)) {
		return nil, protected()
	}
	v.mode, v.retained = next.mode, next.retained
	return empty(http.StatusOK), nil
}

type legalHoldDoc struct {
	XMLName xml.Name `xml:"LegalHold"`
	Status  string
}

func (s *Service) getLegalHold(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	v, err := lockable(c, b, key)
	if err != nil {
		return nil, err
	}
	if v.hold {
		return document(legalHoldDoc{Status: "ON"})
	}
	return document(legalHoldDoc{Status: "OFF"})
}

func (s *Service) putLegalHold(c *core.Call, b *bucket, key string) (*core.Raw, error) {
	v, err := lockable(c, b, key)
	if err != nil {
		return nil, err
	}
	var in legalHoldDoc
	if err := parse(c.Body, &in); err != nil {
		return nil, err
	}
	if in.Status != "ON" && in.Status != "OFF" {
		return nil, malformedXML()
	}
	v.hold = in.Status == "ON"
	return empty(http.StatusOK), nil
}

// lockable is the version that a request names in a bucket with object lock.
func lockable(c *core.Call, b *bucket, key string) (*version, error) {
	if b.lock == nil {
		return nil, invalidRequest("Bucket is missing Object Lock Configuration")
	}
	return b.named(c, key)
}

func noLock() *core.Error {
	return core.Errorf(404, "NoSuchObjectLockConfiguration", "The specified object does not have a ObjectLock configuration")
}

// lockHeaders tells a version's protection.
func (v *version) lockHeaders(h http.Header) {
	if v.mode != "" {
		h.Set("x-amz-object-lock-mode", v.mode)
		h.Set("x-amz-object-lock-retain-until-date", stamp(v.retained))
	}
	if v.hold {
		h.Set("x-amz-object-lock-legal-hold", "ON")
	}
}

func atoi(s string) (int, bool) {
	n, err := strconv.Atoi(s)
	return n, err == nil
}
