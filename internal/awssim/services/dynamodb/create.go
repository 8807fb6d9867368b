package dynamodb

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb/expr"
)

// CreateTableInput makes a table.
type CreateTableInput struct {
	AttributeDefinitions      []Attribute
	TableName                 string
	KeySchema                 []KeyElement
	LocalSecondaryIndexes     []Index
	GlobalSecondaryIndexes    []Index
	BillingMode               string
	ProvisionedThroughput     *Throughput
	StreamSpecification       *Stream
	SSESpecification          *SSE
	Tags                      []Tag
	TableClass                string
	DeletionProtectionEnabled bool
	ResourcePolicy            string
	OnDemandThroughput        *OnDemand
	GlobalTableSourceArn      string
}

// TableOutput is the answer of operations that change a table.
type TableOutput struct{ TableDescription *TableDescription }

const (
	onDemand    = "PAY_PER_REQUEST"
	provisioned = "PROVISIONED"
	maxTables   = 2500
	maxLocal    = 5
	maxGlobal   = 20
)

var name = regexp.MustCompile(`^[a-zA-Z0-9_.-]{3,255}$`)

func checkName(field, n string) error {
	if !name.MatchString(n) {
		return validation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+ and have length between 3 and 255", n, field)
	}
	return nil
}

func (s *Service) createTable(c *core.Call, in *CreateTableInput) (*TableOutput, error) {
	st := s.at(c)
	n := tableName(in.TableName)
	if err := checkName("tableName", n); err != nil {
		return nil, err
	}
	if in.GlobalTableSourceArn != "" {
		return nil, validation("The simulator has no global tables: GlobalTableSourceArn %q", in.GlobalTableSourceArn)
	}
	if st.tables[n] != nil {
		return nil, inUse("Table already exists: %s", n)
	}
	if len(st.tables) >= maxTables {
		return nil, core.Errorf(400, "LimitExceededException", "Subscriber limit exceeded: There is a limit of %d tables per subscriber", maxTables)
	}
	t := &table{
		name: n, arn: tableARN(st.account, st.region, n), id: c.World.UUID(), created: c.Now, ready: c.After(1), counted: c.Now, swept: c.Now,
		attributes: in.AttributeDefinitions, billing: cmp.Or(in.BillingMode, provisioned), onDemand: in.OnDemandThroughput,
		class: in.TableClass, protected: in.DeletionProtectionEnabled, tags: map[string]string{}, items: map[string]expr.Item{},
	}
	if err := t.define(in); err != nil {
		return nil, err
	}
	if err := t.setStream(in.StreamSpecification, c.Now); err != nil {
		return nil, err
	}
	t.setSSE(in.SSESpecification, st)
	if err := addTags(t.tags, in.Tags); err != nil {
		return nil, err
	}
	if in.ResourcePolicy != "" {
		p, err := iameval.Parse(in.ResourcePolicy, iameval.Resource)
		if err != nil {
			return nil, validation("Invalid policy document: %v", err)
		}
		t.policy = &tablePolicy{in.ResourcePolicy, fmt.Sprint(c.Now.UnixMilli()), p}
	}
	st.tables[n] = t
	return &TableOutput{t.describe(c.Now)}, nil
}

// define checks and takes over keys, indexes and throughput.
func (t *table) define(in *CreateTableInput) error {
	var err error
	if t.keys, err = t.schema(in.KeySchema); err != nil {
		return err
	}
	switch t.billing {
	case onDemand:
		if in.ProvisionedThroughput != nil && *in.ProvisionedThroughput != (Throughput{}) {
			return validation("One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
	case provisioned:
		p := in.ProvisionedThroughput
		if p == nil || p.ReadCapacityUnits < 1 || p.WriteCapacityUnits < 1 {
			return validation("One or more parameter values were invalid: ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
		}
		t.throughput = *p
	default:
		return validation("1 validation error detected: Value '%s' at 'billingMode' failed to satisfy constraint: Member must satisfy enum value set: [PROVISIONED, PAY_PER_REQUEST]", t.billing)
	}
	if len(in.LocalSecondaryIndexes) > maxLocal || len(in.GlobalSecondaryIndexes) > maxGlobal {
		return validation("One or more parameter values were invalid: Number of indexes exceeds the per-table limit of %d local and %d global", maxLocal, maxGlobal)
	}
	used := map[string]bool{t.keys.hash: true, t.keys.rng: true}
	for _, def := range in.LocalSecondaryIndexes {
		x, err := t.newIndex(def)
		if err != nil {
			return err
		}
		if x.keys.hash != t.keys.hash || x.keys.rng == "" || t.keys.rng == "" {
			return validation("One or more parameter values were invalid: Table KeySchema does not have a range key, or index %s does not have the table's hash key and a range key of its own", def.IndexName)
		}
		t.local = append(t.local, x)
		used[x.keys.rng] = true
	}
	for _, def := range in.GlobalSecondaryIndexes {
		x, err := t.newIndex(def)
		if err != nil {
			return err
		}
		x.ready = t.ready
		t.global = append(t.global, x)
		used[x.keys.hash], used[x.keys.rng] = true, true
	}
	for _, a := range t.attributes {
		if !used[a.AttributeName] {
			return validation("One or more parameter values were invalid: Number of attributes in KeySchema does not exactly match number of attributes defined in AttributeDefinitions: %s is not a key", a.AttributeName)
		}
	}
	return nil
}

func (t *table) schema(elements []KeyElement) (keySchema, error) {
	var k keySchema
	for i, e := range elements {
		switch {
		case i == 0 && e.KeyType == "HASH":
			k.hash = e.AttributeName
		case i == 1 && e.KeyType == "RANGE":
			k.rng = e.AttributeName
		default:
			return k, validation("Invalid KeySchema: The first KeySchemaElement must be a HASH key type, the second a RANGE key type")
		}
		if !slices.Contains([]string{"S", "N", "B"}, t.attributeType(e.AttributeName)) {
			return k, validation("One or more parameter values were invalid: Some index key attributes are not defined in AttributeDefinitions. Keys: [%s]", e.AttributeName)
		}
	}
	if k.hash == "" {
		return k, validation("1 validation error detected: Value null at 'keySchema' failed to satisfy constraint: Member must not be null")
	}
	return k, nil
}

func (t *table) newIndex(def Index) (*index, error) {
	if err := checkName("indexName", def.IndexName); err != nil {
		return nil, err
	}
	if t.index(def.IndexName) != nil {
		return nil, validation("One or more parameter values were invalid: Duplicate index name: %s", def.IndexName)
	}
	k, err := t.schema(def.KeySchema)
	if err != nil {
		return nil, err
	}
	if !slices.Contains([]string{"ALL", "KEYS_ONLY", "INCLUDE"}, def.Projection.ProjectionType) {
		return nil, validation("One or more parameter values were invalid: Unknown ProjectionType: %s", cmp.Or(def.Projection.ProjectionType, "null"))
	}
	return &index{Index: def, keys: k}, nil
}

// index finds a local or global index by name.
func (t *table) index(name string) *index {
	for _, list := range [][]*index{t.local, t.global} {
		for _, x := range list {
			if x.IndexName == name {
				return x
			}
		}
	}
	return nil
}

func (t *table) setStream(spec *Stream, now time.Time) error {
	switch {
	case spec == nil:
	case !spec.StreamEnabled:
		t.stream = nil
	case t.stream != nil:
		return validation("Table already has an enabled stream: TableName: %s", t.name)
	default:
		t.stream, t.streamLabel = spec, now.UTC().Format("2006-01-02T15:04:05.000")
	}
	return nil
}

func (t *table) setSSE(spec *SSE, st *state) {
	if spec == nil {
		return
	}
	t.sse = nil
	if spec.Enabled {
		key := cmp.Or(spec.KMSMasterKeyId, "alias/aws/dynamodb")
		if !strings.HasPrefix(key, "arn:") {
			key = fmt.Sprintf("arn:aws:kms:%s:%s:key/%s", st.region, st.account, strings.TrimPrefix(key, "alias/"))
		}
		t.sse = &SSE{true, "KMS", key}
	}
}
