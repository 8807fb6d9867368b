package dynamodb

import (
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb/expr"
)

// backup is a copy of a table. It outlives the table.
type backup struct {
	ARN, Name, Type string // USER or SYSTEM
	created, ready  time.Time
	size            int64
	table           table // definition and items as they were
}

// Details are a backup's own.
type Details struct {
	BackupArn              string
	BackupName             string
	BackupSizeBytes        int64
	BackupStatus           string
	BackupType             string
	BackupCreationDateTime *core.Time
	BackupExpiryDateTime   *core.Time `json:",omitempty"`
}

// SourceDetails are those of the table that was copied.
type SourceDetails struct {
	TableName             string
	TableId               string
	TableArn              string
	TableSizeBytes        int64
	KeySchema             []KeyElement
	TableCreationDateTime *core.Time
	ProvisionedThroughput Throughput
	ItemCount             int64
	BillingMode           string
}

// Description is both.
type Description struct {
	BackupDetails      Details
	SourceTableDetails SourceDetails
}

// CreateBackupInput copies a table.
type CreateBackupInput struct{ TableName, BackupName string }

// CreateBackupOutput is the new backup.
type CreateBackupOutput struct{ BackupDetails Details }

// BackupInput names a backup.
type BackupInput struct{ BackupArn string }

// BackupOutput is one.
type BackupOutput struct{ BackupDescription Description }

// ListBackupsInput selects; BackupType is USER (default), SYSTEM or ALL.
type ListBackupsInput struct {
	TableName               string
	Limit                   *int
	TimeRangeLowerBound     *core.Time
	TimeRangeUpperBound     *core.Time
	ExclusiveStartBackupArn string
	BackupType              string
}

// Summary is a backup in a list.
type Summary struct {
	TableName, TableId, TableArn string
	Details
}

// ListBackupsOutput is one page.
type ListBackupsOutput struct {
	BackupSummaries        []Summary
	LastEvaluatedBackupArn string `json:",omitempty"`
}

// RestoreInput makes a new table of a backup.
type RestoreInput struct{ TargetTableName, BackupArn string }

const systemBackupDays = 35

func (s *Service) backupOps() []core.Op {
	byARN := core.On(func(_ *core.Call, in *BackupInput) string { return in.BackupArn })
	return []core.Op{
		core.Handle("CreateBackup", s.createBackup, on(s, func(in *CreateBackupInput) string { return in.TableName })),
		core.Handle("DescribeBackup", s.describeBackup, core.ReadOnly, byARN),
		core.Handle("DeleteBackup", s.deleteBackup, byARN),
		core.Handle("ListBackups", s.listBackups, core.ReadOnly),
		core.Handle("RestoreTableFromBackup", s.restore, core.Needs(func(c *core.Call, in *RestoreInput) []core.Permission {
			return []core.Permission{{Resource: in.BackupArn}, s.permission(c, "", in.TargetTableName)}
		})),
		core.Handle("DescribeContinuousBackups", s.describePITR, core.ReadOnly, on(s, (*TableInput).name)),
		core.Handle("UpdateContinuousBackups", s.updatePITR, on(s, func(in *UpdatePITRInput) string { return in.TableName })),
	}
}

func (b *backup) status(now time.Time) string {
	if now.Before(b.ready) {
		return "CREATING"
	}
	return "AVAILABLE"
}

func (b *backup) expired(now time.Time) bool {
	return b.Type == "SYSTEM" && now.After(b.created.AddDate(0, 0, systemBackupDays))
}

func (b *backup) details(now time.Time) Details {
	d := Details{BackupArn: b.ARN, BackupName: b.Name, BackupSizeBytes: b.size, BackupStatus: b.status(now), BackupType: b.Type, BackupCreationDateTime: core.Ptr(b.created)}
	if b.Type == "SYSTEM" {
		d.BackupExpiryDateTime = core.Ptr(b.created.AddDate(0, 0, systemBackupDays))
	}
	return d
}

func (b *backup) describe(now time.Time) Description {
	t := &b.table
	return Description{b.details(now), SourceDetails{
		TableName: t.name, TableId: t.id, TableArn: t.arn, TableSizeBytes: b.size, KeySchema: t.keys.elements(), TableCreationDateTime: core.Ptr(t.created),
		ProvisionedThroughput: t.throughput, ItemCount: int64(len(t.items)), BillingMode: t.billing,
	}}
}

func (s *Service) backup(c *core.Call, t *table, name, kind string) *backup {
	b := &backup{
		ARN:  fmt.Sprintf("%s/backup/%014d-%s", t.arn, c.Now.UnixMilli(), c.World.Hex(8)),
		Name: name, Type: kind, created: c.Now, ready: c.After(1), table: *t,
	}
	b.table.items = make(map[string]expr.Item, len(t.items))
	for k, it := range t.items { // items are never changed in place
		b.table.items[k] = it
		b.size += int64(it.Size())
	}
	s.at(c).backups[b.ARN] = b
	return b
}

// systemBackup: deleting a table with point-in-time recovery leaves a backup for
// 35 days ("Point-in-time recovery: how it works").
func (s *Service) systemBackup(c *core.Call, t *table) {
	s.backup(c, t, t.name+"$DeletedTableBackup", "SYSTEM")
}

func tableNotFound(name string) error {
	return core.Errorf(400, "TableNotFoundException", "Table not found: %s", tableName(name))
}

func (s *Service) createBackup(c *core.Call, in *CreateBackupInput) (*CreateBackupOutput, error) {
	t, err := s.table(c, in.TableName)
	if err != nil {
		return nil, tableNotFound(in.TableName)
	}
	if err := checkName("backupName", in.BackupName); err != nil {
		return nil, err
	}
	if st := t.status(c.Now); st != "ACTIVE" {
		return nil, core.Errorf(400, "TableInUseException", "Table is being %s: %s", st, t.name)
	}
	return &CreateBackupOutput{s.backup(c, t, in.BackupName, "USER").details(c.Now)}, nil
}

func (s *Service) findBackup(c *core.Call, arn string) (*backup, error) {
	if b := s.at(c).backups[arn]; b != nil {
		return b, nil
	}
	return nil, core.Errorf(400, "BackupNotFoundException", "Backup not found: %s", arn)
}

func (s *Service) describeBackup(c *core.Call, in *BackupInput) (*BackupOutput, error) {
	b, err := s.findBackup(c, in.BackupArn)
	if err != nil {
		return nil, err
	}
	return &BackupOutput{b.describe(c.Now)}, nil
}

func (s *Service) deleteBackup(c *core.Call, in *BackupInput) (*BackupOutput, error) {
	b, err := s.findBackup(c, in.BackupArn)
	if err != nil {
		return nil, err
	}
	if b.status(c.Now) == "CREATING" {
		return nil, core.Errorf(400, "BackupInUseException", "Backup is being created: %s", b.ARN)
	}
	delete(s.at(c).backups, b.ARN)
	d := b.describe(c.Now)
	d.BackupDetails.BackupStatus = "DELETED"
	return &BackupOutput{d}, nil
}

func (s *Service) listBackups(c *core.Call, in *ListBackupsInput) (*ListBackupsOutput, error) {
	limit := tablesPerPage
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > tablesPerPage {
			return nil, validation("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and 100", limit)
		}
	}
	kind := in.BackupType
	if kind == "" {
		kind = "USER"
	}
	out := &ListBackupsOutput{BackupSummaries: []Summary{}}
	for _, b := range sorted(s.at(c).backups) {
		switch {
		case b.ARN <= in.ExclusiveStartBackupArn,
			in.TableName != "" && b.table.name != tableName(in.TableName),
			kind != "ALL" && b.Type != kind,
			in.TimeRangeLowerBound != nil && b.created.Before(in.TimeRangeLowerBound.Time),
			in.TimeRangeUpperBound != nil && !b.created.Before(in.TimeRangeUpperBound.Time):
			continue
		}
		if n := len(out.BackupSummaries); n == limit {
			out.LastEvaluatedBackupArn = out.BackupSummaries[n-1].BackupArn
			break
		}
		out.BackupSummaries = append(out.BackupSummaries, Summary{b.table.name, b.table.id, b.table.arn, b.details(c.Now)})
	}
	return out, nil
}

func (s *Service) restore(c *core.Call, in *RestoreInput) (*TableOutput, error) {
	b, err := s.findBackup(c, in.BackupArn)
	if err != nil {
		return nil, err
	}
	st, n := s.at(c), tableName(in.TargetTableName)
	if err := checkName("targetTableName", n); err != nil {
		return nil, err
	}
	if st.tables[n] != nil {
		return nil, core.Errorf(400, "TableAlreadyExistsException", "Table already exists: %s", n)
	}
	if b.status(c.Now) != "AVAILABLE" {
		return nil, core.Errorf(400, "BackupInUseException", "Backup is being created: %s", b.ARN)
	}
	src := b.table
	// Tags, policies, streams, time to live and recovery settings are not
	// restored ("Restoring a table from a backup").
	t := &table{
		name: n, arn: tableARN(st.account, st.region, n), id: c.World.UUID(), created: c.Now, ready: c.After(2), counted: c.Now, swept: c.Now,
		attributes: src.attributes, keys: src.keys, local: src.local, billing: src.billing, throughput: src.throughput, onDemand: src.onDemand,
		sse: src.sse, class: src.class, tags: map[string]string{}, items: map[string]expr.Item{},
		restored: &RestoreSummary{SourceBackupArn: b.ARN, SourceTableArn: src.arn, RestoreDateTime: core.Ptr(b.created)},
	}
	for _, x := range src.global {
		t.global = append(t.global, &index{Index: x.Index, keys: x.keys, ready: t.ready})
	}
	for k, it := range src.items {
		t.items[k] = it
	}
	st.tables[n] = t
	return &TableOutput{t.describe(c.Now)}, nil
}
