package mongo

import (
	"context"
	"fmt"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// The collections.
const (
	accountsName     = "accounts"
	sessionsName     = "sessions"
	cleaningsName    = "cleanings"
	evidenceName     = "evidence"
	labTypesName     = "lab_types"
	activityName     = "activity"
	keysName         = "api_keys"
	labTypeFilesName = "lab_type_files"
	targetsName      = "pool_targets"
	callsName        = "idempotent_calls"
	webhooksName     = "webhooks"
	deliveriesName   = "deliveries"
	calendarsName    = "calendars"
	bookingsName     = "bookings" // that are over
)

// How long logs are kept, roughly: MongoDB tidies up when it comes to it.
const (
	keepEvidence   = 90 * 24 * time.Hour
	keepActivity   = 400 * 24 * time.Hour
	keepDeliveries = 30 * 24 * time.Hour // once done
)

// indexes is every index of every collection. Queries and the index each leans
// on: equality first, then the order asked for, then ranges. They are made anew
// for each Open, since the driver writes names into them.
func indexes() map[string][]driver.IndexModel {
	return map[string][]driver.IndexModel{
		accountsName: {
			// One session holds one account.
			{Keys: asc("session_id"), Options: where("session_id").SetUnique(true)},
			{Keys: asc("state", "purpose", "rested_since", "_id")}, // the pool, asked for when Redis has forgotten it
			{Keys: asc("state", "since")},                          // stuck accounts
			{Keys: asc("state", "next_try")},                       // due accounts
			{Keys: asc("state", "purpose", "org", "ou")},           // counts
			{Keys: asc("purpose", "rested_since", "_id")},
			{Keys: asc("org", "ou", "rested_since", "_id")},
			{Keys: asc("ou", "rested_since", "_id")},
			{Keys: asc("since")},
			{Keys: asc("next_try")},
			{Keys: asc("rested_since", "_id")},
			{Keys: asc("booking", "rested_since", "_id"), Options: where("booking")},
			{Keys: asc("lab_type", "rested_since", "_id"), Options: where("lab_type")},
		},
		sessionsName: {
			{Keys: asc("request_id"), Options: options.Index().SetUnique(true)},
			{Keys: bson.D{{Key: "state", Value: 1}, {Key: "pool", Value: 1}, {Key: "priority", Value: -1}, {Key: "queued_at", Value: 1}, {Key: "_id", Value: 1}}}, // the waiting list
			{Keys: asc("state", "requested_at", "_id")},
			{Keys: asc("state", "ends_at")},
			{Keys: asc("state", "wait_until")},
			{Keys: asc("state", "assigned_at")},
			{Keys: asc("account_id", "requested_at", "_id")},
			{Keys: asc("student", "requested_at", "_id")},
			{Keys: asc("lab_type", "requested_at", "_id")},
			{Keys: asc("owner", "requested_at", "_id")},
			{Keys: asc("owner", "state", "requested_at", "_id")},
			{Keys: asc("booking", "requested_at", "_id"), Options: where("booking")},
			{Keys: asc("org", "requested_at", "_id"), Options: where("org")},
			{Keys: asc("state", "not_before"), Options: where("not_before")},
			{Keys: asc("unpublished", "written_at"), Options: where("unpublished")},
			{Keys: asc("ended_at"), Options: where("ended_at")}, // usage
			{Keys: asc("ends_at")},
			{Keys: asc("wait_until")},
			{Keys: asc("assigned_at")},
			{Keys: asc("requested_at", "_id")},
		},
		cleaningsName: {
			{Keys: asc("phase", "written_at")},
			{Keys: asc("done_at"), Options: where("done_at")}, // usage
			{Keys: asc("account_id", "started_at", "_id")},
		},
		evidenceName: {
			{Keys: asc("run_id", "at", "_id")},
			{Keys: asc("at"), Options: expire(keepEvidence)},
		},
		activityName: {
			{Keys: asc("account", "at", "_id")},
			{Keys: asc("session", "at", "_id")},
			{Keys: asc("lab_type", "at", "_id")},
			{Keys: asc("kind", "at", "_id")},
			{Keys: asc("who", "at", "_id")},
			{Keys: asc("at", "_id")},
			{Keys: asc("at"), Options: expire(keepActivity)},
		},
		labTypeFilesName: {{Keys: asc("name", "revision"), Options: options.Index().SetUnique(true)}},
		keysName:         {{Keys: asc("role")}},
		callsName: {
			{Keys: asc("expires"), Options: expire(0)},
		},
		bookingsName: {
			{Keys: asc("owner", "start", "_id")},
			{Keys: asc("start", "_id")},
		},
		webhooksName: {{Keys: asc("owner", "_id")}},
		deliveriesName: {
			{Keys: asc("state", "next_try", "_id")}, // due
			{Keys: asc("webhook", "state", "created_at", "_id")},
			{Keys: asc("webhook", "created_at", "_id")},
			{Keys: asc("owner", "state", "created_at", "_id")},
			{Keys: asc("owner", "created_at", "_id")},
			{Keys: asc("state", "created_at", "_id")},
			{Keys: asc("created_at", "_id")},
			{Keys: asc("done_at"), Options: expire(keepDeliveries)},
		},
	}
}

func expire(d time.Duration) *options.IndexOptionsBuilder {
	return options.Index().SetExpireAfterSeconds(int32(d / time.Second))
}

// where makes an index of those documents that have the field.
func where(field string) *options.IndexOptionsBuilder {
	return options.Index().SetPartialFilterExpression(bson.D{{Key: field, Value: bson.D{{Key: "$exists", Value: true}}}})
}

// asc is ascending keys; also a sort order.
func asc(fields ...string) bson.D { return order(1, fields) }

// desc is descending keys.
func desc(fields ...string) bson.D { return order(-1, fields) }

func order(direction int32, fields []string) bson.D {
	d := make(bson.D, len(fields))
	for i, f := range fields {
		d[i] = bson.E{Key: f, Value: direction}
	}
	return d
}

// createIndexes makes the indexes that are missing; MongoDB leaves the others
// alone, and refuses one that exists with other options.
func (db *DB) createIndexes(ctx context.Context) error {
	for name, models := range indexes() {
		if _, err := db.db.Collection(name).Indexes().CreateMany(ctx, models); err != nil {
			return fmt.Errorf("create indexes of %s: %w", name, err)
		}
	}
	return nil
}
