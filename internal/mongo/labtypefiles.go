package mongo

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/kodekloud/kml/internal/fleet"
)

type labTypeFiles struct{ coll collection }

var _ fleet.LabTypeFiles = (*labTypeFiles)(nil)

// LabTypeFiles keeps applied lab types, every revision of them.
func (db *DB) LabTypeFiles() fleet.LabTypeFiles {
	return &labTypeFiles{db.collection(labTypeFilesName)}
}

// fileDoc is a revision as stored. Nothing is written to it again.
type fileDoc struct {
	Key       string        `bson:"_id"` // name@revision
	Name      string        `bson:"name"`
	Revision  int64         `bson:"revision"`
	File      fleet.LabType `bson:"file"`
	AppliedBy string        `bson:"applied_by"`
	AppliedAt time.Time     `bson:"applied_at"`
	Writes    []string      `bson:"writes"`
}

func fileKey(name string, revision int64) string { return fmt.Sprintf("%s@%d", name, revision) }

// Put implements [fleet.LabTypeFiles].
func (s *labTypeFiles) Put(ctx context.Context, lt fleet.LabType, who string, at time.Time) error {
	doc := fileDoc{Key: fileKey(lt.Name, lt.Revision), Name: lt.Name, Revision: lt.Revision, AppliedBy: who, AppliedAt: at}
	var write string
	doc.Writes, write = withWrite(nil)
	var err error
	if doc.File, err = inConditions(lt, func(k string) (string, error) { return escapeKey(k), nil }); err != nil {
		return fmt.Errorf("lab type %s: %w", doc.Key, err)
	}
	if err := s.coll.insert(ctx, doc.Key, write, doc); err != nil {
		return fmt.Errorf("insert lab type %s: %w", doc.Key, err)
	}
	return nil
}

// Get implements [fleet.LabTypeFiles].
func (s *labTypeFiles) Get(ctx context.Context, name string, revision int64) (fleet.LabType, error) {
	key := fileKey(name, revision)
	doc, err := get[fileDoc](ctx, s.coll, bson.D{{Key: "_id", Value: key}})
	if err != nil {
		return fleet.LabType{}, fmt.Errorf("lab type %s: %w", key, err)
	}
	return doc.labType()
}

// Latest implements [fleet.LabTypeFiles], by name.
func (s *labTypeFiles) Latest(ctx context.Context) ([]fleet.LabType, error) {
	cursor, err := s.coll.Aggregate(ctx, driver.Pipeline{
		{{Key: "$match", Value: bson.D{{Key: "name", Value: bson.D{{Key: "$gt", Value: ""}}}}}}, // all, by the index
		{{Key: "$sort", Value: desc("name", "revision")}},
		{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$name"}, {Key: "newest", Value: bson.D{{Key: "$first", Value: "$$ROOT"}}}}}},
		{{Key: "$sort", Value: asc("_id")}},
	})
	if err != nil {
		return nil, fmt.Errorf("list lab types: %w", err)
	}
	var found []struct {
		Newest fileDoc `bson:"newest"`
	}
	if err := cursor.All(ctx, &found); err != nil {
		return nil, fmt.Errorf("list lab types: %w", err)
	}
	out := make([]fleet.LabType, len(found))
	for i, f := range found {
		if out[i], err = f.Newest.labType(); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (d *fileDoc) labType() (fleet.LabType, error) {
	lt, err := inConditions(d.File, unescapeKey)
	if err != nil {
		return fleet.LabType{}, fmt.Errorf("lab type %s: %w", d.Key, err)
	}
	return lt, nil
}

// inConditions gives a copy of a lab type with the keys of its statements'
// conditions renamed: they are operators and condition keys of IAM, which may
// have dots.
func inConditions(lt fleet.LabType, rename func(string) (string, error)) (fleet.LabType, error) {
	lt.Statements = slices.Clone(lt.Statements)
	for i, st := range lt.Statements {
		if st.Conditions == nil {
			continue
		}
		renamed := make(map[string]map[string][]string, len(st.Conditions))
		for op, keys := range st.Conditions {
			inner, err := renameKeys(keys, rename)
			if err != nil {
				return lt, err
			}
			outer, err := rename(op)
			if err != nil {
				return lt, err
			}
			renamed[outer] = inner
		}
		lt.Statements[i].Conditions = renamed
	}
	return lt, nil
}
