package dynamodb

import (
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/dynamodb/expr"
)

// table is one table with its items.
type table struct {
	name, arn, id string
	created       time.Time
	attributes    []Attribute
	keys          keySchema
	local, global []*index
	billing       string
	throughput    Throughput
	onDemand      *OnDemand
	stream        *Stream
	streamLabel   string
	sse           *SSE
	class         string
	protected     bool
	tags          map[string]string
	policy        *tablePolicy
	restored      *RestoreSummary

	ready   time.Time // end of CREATING
	updated time.Time // end of the last UPDATING
	gone    time.Time // end of DELETING; zero: not being deleted

	ttl        string    // attribute, "" when off
	ttlChanged time.Time // beginning of the last change
	swept      time.Time // last time expired items were removed
	pitr       *pitr

	items map[string]expr.Item // by encoded key
	// What DescribeTable tells of the items is brought up to date every six hours.
	counted   time.Time
	count     int64
	sizeBytes int64
}

type keySchema struct{ hash, rng string } // rng is "" for simple keys

type index struct {
	Index
	keys  keySchema
	ready time.Time // end of CREATING
	gone  time.Time // end of DELETING; zero: not being deleted
}

type pitr struct {
	since time.Time
	days  int
}

const (
	countEvery = 6 * time.Hour
	sweepEvery = time.Minute
)

// status is the table's at now.
func (t *table) status(now time.Time) string {
	switch {
	case !t.gone.IsZero():
		return "DELETING"
	case now.Before(t.ready):
		return "CREATING"
	case now.Before(t.updated):
		return "UPDATING"
	}
	return "ACTIVE"
}

// settle brings the table up to now; true means that it is gone.
func (t *table) settle(now time.Time) bool {
	if !t.gone.IsZero() && !now.Before(t.gone) {
		return true
	}
	for i := 0; i < len(t.global); i++ {
		if x := t.global[i]; !x.gone.IsZero() && !now.Before(x.gone) {
			t.global = append(t.global[:i:i], t.global[i+1:]...)
			i--
		}
	}
	if now.Sub(t.counted) >= countEvery {
		t.counted, t.count, t.sizeBytes = now, int64(len(t.items)), 0
		for _, it := range t.items {
			t.sizeBytes += int64(it.Size())
		}
	}
	if t.ttl != "" && now.Sub(t.swept) >= sweepEvery {
		t.swept = now
		t.sweep(now)
	}
	return false
}

// sweep removes expired items. AWS takes up to a few days over it.
func (t *table) sweep(now time.Time) {
	limit := expr.Int(now.Unix())
	for k, it := range t.items {
		if v, ok := it[t.ttl]; ok {
			if order, comparable := expr.Compare(v, limit); comparable && order < 0 {
				delete(t.items, k)
			}
		}
	}
}

// describe is the table's description at now.
func (t *table) describe(now time.Time) *TableDescription {
	d := &TableDescription{
		AttributeDefinitions: t.attributes, TableName: t.name, KeySchema: t.keys.elements(), TableStatus: t.status(now),
		CreationDateTime: core.Ptr(t.created), ProvisionedThroughput: &ThroughputDescription{ReadCapacityUnits: t.throughput.ReadCapacityUnits, WriteCapacityUnits: t.throughput.WriteCapacityUnits},
		TableSizeBytes: t.sizeBytes, ItemCount: t.count, TableArn: t.arn, TableId: t.id, DeletionProtectionEnabled: t.protected,
		OnDemandThroughput: t.onDemand, WarmThroughput: t.warm(now), RestoreSummary: t.restored, StreamSpecification: t.stream,
	}
	if t.restored != nil {
		r := *t.restored
		r.RestoreInProgress = now.Before(t.ready)
		d.RestoreSummary = &r
	}
	if t.billing == onDemand {
		d.BillingModeSummary = &BillingSummary{onDemand, core.Ptr(t.created)}
	}
	if t.streamLabel != "" {
		d.LatestStreamLabel, d.LatestStreamArn = t.streamLabel, t.arn+"/stream/"+t.streamLabel
	}
	if t.sse != nil {
		d.SSEDescription = &SSEDescription{"ENABLED", "KMS", t.sse.KMSMasterKeyId}
	}
	if t.class != "" {
		d.TableClassSummary = &TableClassSummary{t.class}
	}
	for _, x := range t.local {
		d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, x.describe(t))
	}
	for _, x := range t.global {
		g := x.describe(t)
		g.IndexStatus = x.status(now)
		g.ProvisionedThroughput = &ThroughputDescription{}
		if x.ProvisionedThroughput != nil {
			g.ProvisionedThroughput.ReadCapacityUnits, g.ProvisionedThroughput.WriteCapacityUnits = x.ProvisionedThroughput.ReadCapacityUnits, x.ProvisionedThroughput.WriteCapacityUnits
		}
		g.OnDemandThroughput, g.WarmThroughput = x.OnDemandThroughput, t.warm(now)
		if g.IndexStatus == "CREATING" {
			backfilling := t.status(now) != "CREATING"
			g.Backfilling = &backfilling
		}
		d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, g)
	}
	return d
}

// warm is what a new table can take: on-demand tables begin at 12,000 reads and
// 4,000 writes a second ("Understanding DynamoDB warm throughput").
func (t *table) warm(now time.Time) *Warm {
	w := &Warm{12000, 4000, "ACTIVE"}
	if t.billing != onDemand {
		w.ReadUnitsPerSecond, w.WriteUnitsPerSecond = t.throughput.ReadCapacityUnits, t.throughput.WriteCapacityUnits
	}
	if t.status(now) == "CREATING" {
		w.Status = "UPDATING"
	}
	return w
}

func (x *index) status(now time.Time) string {
	switch {
	case !x.gone.IsZero():
		return "DELETING"
	case now.Before(x.ready):
		return "CREATING"
	}
	return "ACTIVE"
}

func (x *index) describe(t *table) IndexDescription {
	return IndexDescription{IndexName: x.IndexName, KeySchema: x.keys.elements(), Projection: x.Projection, IndexArn: t.arn + "/index/" + x.IndexName,
		ItemCount: t.count, IndexSizeBytes: t.sizeBytes}
}

func (k keySchema) elements() []KeyElement {
	out := []KeyElement{{k.hash, "HASH"}}
	if k.rng != "" {
		out = append(out, KeyElement{k.rng, "RANGE"})
	}
	return out
}

// attributeType is the declared type of a key attribute, "" if it is none.
func (t *table) attributeType(name string) string {
	for _, a := range t.attributes {
		if a.AttributeName == name {
			return a.AttributeType
		}
	}
	return ""
}
