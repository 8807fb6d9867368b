package dynamodb

import (
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// UpdatePITRInput turns point-in-time recovery on or off.
type UpdatePITRInput struct {
	TableName                        string
	PointInTimeRecoverySpecification struct {
		PointInTimeRecoveryEnabled bool
		RecoveryPeriodInDays       *int
	}
}

// PITROutput tells it.
type PITROutput struct {
	ContinuousBackupsDescription struct {
		ContinuousBackupsStatus        string
		PointInTimeRecoveryDescription PITRDescription
	}
}

// PITRDescription is ENABLED or DISABLED.
type PITRDescription struct {
	PointInTimeRecoveryStatus  string
	RecoveryPeriodInDays       int        `json:",omitempty"`
	EarliestRestorableDateTime *core.Time `json:",omitempty"`
	LatestRestorableDateTime   *core.Time `json:",omitempty"`
}

// recoveryDays is the default and the most.
const recoveryDays = 35

// recoveryLag is how far the last restorable moment lies back.
const recoveryLag = 5 * time.Minute

func (t *table) recovery(now time.Time) *PITROutput {
	out := &PITROutput{}
	d := &out.ContinuousBackupsDescription
	d.ContinuousBackupsStatus = "ENABLED" // on every table since 2017
	d.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus = "DISABLED"
	if t.pitr == nil {
		return out
	}
	earliest, latest := now.AddDate(0, 0, -t.pitr.days), now.Add(-recoveryLag)
	if earliest.Before(t.pitr.since) {
		earliest = t.pitr.since
	}
	if latest.Before(earliest) {
		latest = earliest
	}
	d.PointInTimeRecoveryDescription = PITRDescription{"ENABLED", t.pitr.days, core.Ptr(earliest), core.Ptr(latest)}
	return out
}

func (s *Service) describePITR(c *core.Call, in *TableInput) (*PITROutput, error) {
	t, err := s.table(c, in.TableName)
	if err != nil {
		return nil, tableNotFound(in.TableName)
	}
	return t.recovery(c.Now), nil
}

func (s *Service) updatePITR(c *core.Call, in *UpdatePITRInput) (*PITROutput, error) {
	t, err := s.table(c, in.TableName)
	if err != nil {
		return nil, tableNotFound(in.TableName)
	}
	if t.status(c.Now) == "CREATING" {
		return nil, core.Errorf(400, "ContinuousBackupsUnavailableException", "Backups are being enabled for the table: %s. Please retry later", t.name)
	}
	spec := in.PointInTimeRecoverySpecification
	if !spec.PointInTimeRecoveryEnabled {
		t.pitr = nil
		return t.recovery(c.Now), nil
	}
	if t.pitr == nil {
		t.pitr = &pitr{since: c.Now, days: recoveryDays}
	}
	if n := spec.RecoveryPeriodInDays; n != nil {
		if *n < 1 || *n > recoveryDays {
			return nil, validation("1 validation error detected: Value '%d' at 'recoveryPeriodInDays' failed to satisfy constraint: Member must have value between 1 and 35", *n)
		}
		t.pitr.days = *n
	}
	return t.recovery(c.Now), nil
}
