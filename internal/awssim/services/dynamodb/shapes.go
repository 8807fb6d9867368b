package dynamodb

import "github.com/kodekloud/kml/internal/awssim/core"

// The shapes of the table API.
type (
	// Attribute has type S, N or B.
	Attribute struct{ AttributeName, AttributeType string }
	// KeyElement is HASH or RANGE.
	KeyElement struct{ AttributeName, KeyType string }
	// Projection is ALL, KEYS_ONLY or INCLUDE.
	Projection struct {
		ProjectionType   string   `json:",omitempty"`
		NonKeyAttributes []string `json:",omitempty"`
	}
	// Throughput is in units per second.
	Throughput struct {
		ReadCapacityUnits  int64
		WriteCapacityUnits int64
	}
	// OnDemand bounds on-demand tables.
	OnDemand struct {
		MaxReadRequestUnits  *int64 `json:",omitempty"`
		MaxWriteRequestUnits *int64 `json:",omitempty"`
	}
	// Warm is what a table can take at once.
	Warm struct {
		ReadUnitsPerSecond  int64
		WriteUnitsPerSecond int64
		Status              string `json:",omitempty"`
	}
	// Stream says what a table's stream shows.
	Stream struct {
		StreamEnabled  bool
		StreamViewType string `json:",omitempty"`
	}
	// SSE is encryption at rest; off means with DynamoDB's own key.
	SSE struct {
		Enabled        bool
		SSEType        string `json:",omitempty"`
		KMSMasterKeyId string `json:",omitempty"`
	}
	// Tag is one tag.
	Tag struct{ Key, Value string }
	// Index is a secondary index; Throughput and the like are for global ones.
	Index struct {
		IndexName             string
		KeySchema             []KeyElement
		Projection            Projection
		ProvisionedThroughput *Throughput
		OnDemandThroughput    *OnDemand
	}
)

// The shapes of TableDescription.
type (
	// ThroughputDescription adds when it changed.
	ThroughputDescription struct {
		LastIncreaseDateTime   *core.Time `json:",omitempty"`
		LastDecreaseDateTime   *core.Time `json:",omitempty"`
		NumberOfDecreasesToday int64
		ReadCapacityUnits      int64
		WriteCapacityUnits     int64
	}
	// IndexDescription is an index as it stands.
	IndexDescription struct {
		IndexName             string
		KeySchema             []KeyElement
		Projection            Projection
		IndexStatus           string                 `json:",omitempty"`
		Backfilling           *bool                  `json:",omitempty"`
		ProvisionedThroughput *ThroughputDescription `json:",omitempty"`
		OnDemandThroughput    *OnDemand              `json:",omitempty"`
		WarmThroughput        *Warm                  `json:",omitempty"`
		IndexSizeBytes        int64
		ItemCount             int64
		IndexArn              string
	}
	// BillingSummary is there for on-demand tables.
	BillingSummary struct {
		BillingMode                       string
		LastUpdateToPayPerRequestDateTime *core.Time `json:",omitempty"`
	}
	// SSEDescription is there for KMS keys.
	SSEDescription struct {
		Status          string
		SSEType         string
		KMSMasterKeyArn string
	}
	// TableClassSummary is there for tables that named a class.
	TableClassSummary struct{ TableClass string }
	// RestoreSummary says where a restored table came from.
	RestoreSummary struct {
		SourceBackupArn   string
		SourceTableArn    string
		RestoreDateTime   *core.Time
		RestoreInProgress bool
	}
	// TableDescription is a table as it stands.
	TableDescription struct {
		AttributeDefinitions      []Attribute
		TableName                 string
		KeySchema                 []KeyElement
		TableStatus               string
		CreationDateTime          *core.Time
		ProvisionedThroughput     *ThroughputDescription
		TableSizeBytes            int64
		ItemCount                 int64
		TableArn                  string
		TableId                   string
		BillingModeSummary        *BillingSummary    `json:",omitempty"`
		LocalSecondaryIndexes     []IndexDescription `json:",omitempty"`
		GlobalSecondaryIndexes    []IndexDescription `json:",omitempty"`
		StreamSpecification       *Stream            `json:",omitempty"`
		LatestStreamLabel         string             `json:",omitempty"`
		LatestStreamArn           string             `json:",omitempty"`
		RestoreSummary            *RestoreSummary    `json:",omitempty"`
		SSEDescription            *SSEDescription    `json:",omitempty"`
		TableClassSummary         *TableClassSummary `json:",omitempty"`
		DeletionProtectionEnabled bool
		OnDemandThroughput        *OnDemand `json:",omitempty"`
		WarmThroughput            *Warm     `json:",omitempty"`
	}
)
