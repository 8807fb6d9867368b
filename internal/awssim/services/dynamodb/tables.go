package dynamodb

import (
	"encoding/json"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// TableInput names one table, by name or ARN.
type TableInput struct{ TableName string }

func (in *TableInput) name() string { return in.TableName }

// DescribeTableOutput is a table as it stands.
type DescribeTableOutput struct{ Table *TableDescription }

// ListTablesInput asks for one page of at most 100.
type ListTablesInput struct {
	ExclusiveStartTableName string
	Limit                   *int
}

// ListTablesOutput is one page.
type ListTablesOutput struct {
	TableNames             []string
	LastEvaluatedTableName string `json:",omitempty"`
}

// UpdateTableInput changes one thing at a time.
type UpdateTableInput struct {
	TableName                   string
	AttributeDefinitions        []Attribute
	BillingMode                 string
	ProvisionedThroughput       *Throughput
	GlobalSecondaryIndexUpdates []IndexUpdate
	StreamSpecification         *Stream
	SSESpecification            *SSE
	TableClass                  string
	DeletionProtectionEnabled   *bool
	OnDemandThroughput          *OnDemand
	ReplicaUpdates              json.RawMessage
}

// IndexUpdate has one of its fields.
type IndexUpdate struct {
	Create *Index
	Update *Index
	Delete *struct{ IndexName string }
}

const tablesPerPage = 100

func (s *Service) tableOps() []core.Op {
	return []core.Op{
		core.Handle("CreateTable", s.createTable, core.Needs(func(c *core.Call, in *CreateTableInput) []core.Permission {
			p := s.permission(c, "", in.TableName)
			p.Context = core.TagKeys(tagMap(in.Tags), nil)
			return []core.Permission{p}
		})),
		core.Handle("DescribeTable", s.describeTable, core.ReadOnly, on(s, (*TableInput).name)),
		core.Handle("ListTables", s.listTables, core.ReadOnly),
		core.Handle("UpdateTable", s.updateTable, on(s, func(in *UpdateTableInput) string { return in.TableName })),
		core.Handle("DeleteTable", s.deleteTable, on(s, (*TableInput).name)),
	}
}

func (s *Service) table(c *core.Call, nameOrARN string) (*table, error) {
	if t := s.at(c).tables[tableName(nameOrARN)]; t != nil {
		return t, nil
	}
	return nil, notFound("Requested resource not found: Table: %s not found", tableName(nameOrARN))
}

func (s *Service) describeTable(c *core.Call, in *TableInput) (*DescribeTableOutput, error) {
	t, err := s.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	return &DescribeTableOutput{t.describe(c.Now)}, nil
}

func (s *Service) listTables(c *core.Call, in *ListTablesInput) (*ListTablesOutput, error) {
	limit := tablesPerPage
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > tablesPerPage {
			return nil, validation("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and 100", limit)
		}
	}
	out := &ListTablesOutput{TableNames: []string{}}
	for _, t := range sorted(s.at(c).tables) {
		if t.name <= in.ExclusiveStartTableName {
			continue
		}
		if len(out.TableNames) == limit {
			out.LastEvaluatedTableName = out.TableNames[limit-1]
			break
		}
		out.TableNames = append(out.TableNames, t.name)
	}
	return out, nil
}

// free refuses what AWS refuses while a table changes.
func (t *table) free(c *core.Call) error {
	switch t.status(c.Now) {
	case "CREATING":
		return inUse("Attempt to change a resource which is still in use: Table is being created: %s", t.name)
	case "UPDATING":
		return inUse("Attempt to change a resource which is still in use: Table is being updated: %s", t.name)
	case "DELETING":
		return inUse("Attempt to change a resource which is still in use: Table is being deleted: %s", t.name)
	}
	return nil
}

func (s *Service) deleteTable(c *core.Call, in *TableInput) (*TableOutput, error) {
	t, err := s.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	if err := t.free(c); err != nil {
		return nil, err
	}
	if t.protected {
		return nil, validation("Resource cannot be deleted as it is currently protected against deletion. Disable deletion protection first.")
	}
	if t.pitr != nil {
		s.systemBackup(c, t)
	}
	t.gone = c.After(1)
	return &TableOutput{t.describe(c.Now)}, nil
}

func (s *Service) updateTable(c *core.Call, in *UpdateTableInput) (*TableOutput, error) {
	t, err := s.table(c, in.TableName)
	if err != nil {
		return nil, err
	}
	if len(in.ReplicaUpdates) > 0 && string(in.ReplicaUpdates) != "null" && string(in.ReplicaUpdates) != "[]" {
		return nil, validation("The simulator has no global tables: ReplicaUpdates")
	}
	if err := t.free(c); err != nil {
		return nil, err
	}
	next := *t
	if err := next.change(c, in); err != nil {
		return nil, err
	}
	if err := next.setStream(in.StreamSpecification, c.Now); err != nil {
		return nil, err
	}
	next.setSSE(in.SSESpecification, s.at(c))
	next.updated = c.After(1)
	*t = next
	return &TableOutput{t.describe(c.Now)}, nil
}

// change applies an update to a copy of the table.
func (t *table) change(c *core.Call, in *UpdateTableInput) error {
	if in.DeletionProtectionEnabled != nil {
		t.protected = *in.DeletionProtectionEnabled
	}
	if in.TableClass != "" {
		t.class = in.TableClass
	}
	if in.OnDemandThroughput != nil {
		t.onDemand = in.OnDemandThroughput
	}
	if in.BillingMode != "" {
		t.billing = in.BillingMode
	}
	switch {
	case t.billing == onDemand:
		t.throughput = Throughput{}
	case in.ProvisionedThroughput != nil:
		t.throughput = *in.ProvisionedThroughput
	case t.throughput == Throughput{}:
		return validation("One or more parameter values were invalid: ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
	}
	for _, a := range in.AttributeDefinitions {
		if t.attributeType(a.AttributeName) == "" {
			t.attributes = append(t.attributes[:len(t.attributes):len(t.attributes)], a)
		}
	}
	for _, u := range in.GlobalSecondaryIndexUpdates {
		if err := t.changeIndex(c, u); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) changeIndex(c *core.Call, u IndexUpdate) error {
	switch {
	case u.Create != nil:
		x, err := t.newIndex(*u.Create)
		if err != nil {
			return err
		}
		x.ready = c.After(2)
		t.global = append(t.global[:len(t.global):len(t.global)], x)
		return nil
	case u.Update != nil:
		x, err := t.globalIndex(u.Update.IndexName)
		if err != nil {
			return err
		}
		if u.Update.ProvisionedThroughput != nil {
			x.ProvisionedThroughput = u.Update.ProvisionedThroughput
		}
		if u.Update.OnDemandThroughput != nil {
			x.OnDemandThroughput = u.Update.OnDemandThroughput
		}
		return nil
	case u.Delete != nil:
		x, err := t.globalIndex(u.Delete.IndexName)
		if err != nil {
			return err
		}
		x.gone = c.After(1)
		return nil
	}
	return validation("GlobalSecondaryIndexUpdates: one of Create, Update and Delete must be there")
}

// globalIndex gives a copy of an index, put in the original's place.
func (t *table) globalIndex(name string) (*index, error) {
	t.global = append([]*index{}, t.global...)
	for i, x := range t.global {
		if x.IndexName == name {
			next := *x
			t.global[i] = &next
			return &next, nil
		}
	}
	return nil, notFound("Requested resource not found: Index: %s", name)
}
