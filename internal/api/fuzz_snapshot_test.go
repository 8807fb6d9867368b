package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
	"go.mongodb.org/mongo-driver/v2/bson"
	driver "go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// snapshots reads all that the stores hold, and puts it back.
type snapshots struct {
	db    *driver.Database
	redis goredis.UniversalClient
}

// notState are collections that calls are written down in, refused ones too.
var notState = []string{"activity", "idempotent_calls"}

// ofUse are the fields of an API key that say when it was last used.
var ofUse = []string{"last_used", "last_from", "version", "writes"}

// held is one document of MongoDB or one key of Redis. Two are the same if their
// texts are.
type held struct {
	text  string
	doc   bson.Raw // of MongoDB, whole
	in    string   // its collection
	value any      // of Redis
}

// state is all that is held, by a name for people.
type state map[string]held

func newSnapshots(t testing.TB, b *bench) *snapshots {
	t.Helper()
	uri, err := simulated()
	must(t, err)
	client, err := driver.Connect(options.Client().ApplyURI(uri))
	must(t, err)
	t.Cleanup(func() { must(t, client.Disconnect(context.Background())) })
	return &snapshots{client.Database(b.name), b.redis}
}

func (s *snapshots) take(ctx context.Context) (state, error) {
	out := state{}
	return out, errors.Join(s.takeMongo(ctx, out), s.takeRedis(ctx, out))
}

func (s *snapshots) takeMongo(ctx context.Context, out state) error {
	names, err := s.db.ListCollectionNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.Contains(notState, name) {
			continue
		}
		found, err := s.db.Collection(name).Find(ctx, bson.D{})
		if err != nil {
			return err
		}
		var docs []bson.Raw
		if err := found.All(ctx, &docs); err != nil {
			return err
		}
		for _, doc := range docs {
			text := string(doc)
			if name == "api_keys" {
				text = withoutUse(doc)
			}
			out[name+" "+doc.Lookup("_id").String()] = held{text: text, doc: doc, in: name}
		}
	}
	return nil
}

func withoutUse(doc bson.Raw) string {
	var out strings.Builder
	elements, _ := doc.Elements() // it came from the driver
	for _, e := range elements {
		if !slices.Contains(ofUse, e.Key()) {
			out.WriteString(e.String())
		}
	}
	return out.String()
}

func (s *snapshots) takeRedis(ctx context.Context, out state) error {
	keys, err := s.redis.Keys(ctx, "*").Result()
	if err != nil {
		return err
	}
	keys = slices.DeleteFunc(keys, func(k string) bool { return strings.HasPrefix(k, "rate:") || strings.HasPrefix(k, "kml:failures:") })
	kinds := map[string]*goredis.StatusCmd{}
	if _, err = s.redis.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for _, k := range keys {
			kinds[k] = p.Type(ctx, k)
		}
		return nil
	}); err != nil {
		return err
	}
	read := map[string]func() any{}
	_, err = s.redis.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for k, kind := range kinds {
			if read[k] = reads(ctx, p, kind.Val(), k); read[k] == nil {
				return fmt.Errorf("key %s is a %s", k, kind.Val())
			}
		}
		return nil
	})
	for k, value := range read {
		v := value()
		text, jerr := json.Marshal(v)
		err = errors.Join(err, jerr)
		out["redis "+k] = held{text: string(text), value: v}
	}
	return err
}

// reads asks for a key's value, in an order that is always the same.
func reads(ctx context.Context, p goredis.Pipeliner, kind, key string) func() any {
	switch kind {
	case "string":
		c := p.Get(ctx, key)
		return func() any { return c.Val() }
	case "hash":
		c := p.HGetAll(ctx, key)
		return func() any { return c.Val() }
	case "list":
		c := p.LRange(ctx, key, 0, -1)
		return func() any { return c.Val() }
	case "set":
		c := p.SMembersMap(ctx, key)
		return func() any { return c.Val() }
	case "zset":
		c := p.ZRangeWithScores(ctx, key, 0, -1)
		return func() any { return c.Val() }
	case "stream":
		c := p.XRange(ctx, key, "-", "+")
		return func() any { return c.Val() }
	}
	return nil
}

// differ names what is not the same, sorted.
func (s state) differ(now state) []string {
	var out []string
	for name := range now {
		if s[name].text != now[name].text {
			out = append(out, name)
		}
	}
	for name := range s {
		if _, ok := now[name]; !ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// restore makes the stores hold what they held before.
func (s *snapshots) restore(ctx context.Context, before, now state) error {
	for _, name := range before.differ(now) {
		var err error
		if was, is := before[name], now[name]; was.doc != nil || is.doc != nil {
			err = s.restoreDoc(ctx, was, is)
		} else {
			err = s.restoreKey(ctx, strings.TrimPrefix(name, "redis "), was.value)
		}
		if err != nil {
			return fmt.Errorf("restore %s: %w", name, err)
		}
	}
	return nil
}

func (s *snapshots) restoreDoc(ctx context.Context, was, is held) error {
	if was.doc == nil {
		_, err := s.db.Collection(is.in).DeleteOne(ctx, bson.D{{Key: "_id", Value: is.doc.Lookup("_id")}})
		return err
	}
	_, err := s.db.Collection(was.in).ReplaceOne(ctx, bson.D{{Key: "_id", Value: was.doc.Lookup("_id")}}, was.doc, options.Replace().SetUpsert(true))
	return err
}

func (s *snapshots) restoreKey(ctx context.Context, key string, value any) error {
	_, err := s.redis.TxPipelined(ctx, func(p goredis.Pipeliner) error {
		p.Del(ctx, key)
		switch v := value.(type) {
		case string:
			p.Set(ctx, key, v, 0)
		case map[string]string:
			p.HSet(ctx, key, v)
		case []string:
			for _, item := range v {
				p.RPush(ctx, key, item)
			}
		case map[string]struct{}:
			for _, item := range slices.Sorted(maps.Keys(v)) {
				p.SAdd(ctx, key, item)
			}
		case []goredis.Z:
			p.ZAdd(ctx, key, v...)
		case []goredis.XMessage:
			for _, m := range v {
				p.XAdd(ctx, &goredis.XAddArgs{Stream: key, ID: m.ID, Values: m.Values})
			}
		}
		return nil
	})
	return err
}
