package s3

import (
	"cmp"
	"sort"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Options bound the simulated S3. The zero value is ready to use.
type Options struct {
	// MaxObject is the largest object in bytes, parts of a multipart upload
	// together; default 64 MiB.
	MaxObject int64
	// NameBlock is how long, in state delays, the name of a deleted bucket
	// stays blocked for other accounts and Regions; default 60. AWS speaks of
	// hours.
	NameBlock float64
}

// Service is the simulated S3.
type Service struct {
	w       *core.World
	opts    Options
	buckets map[string]*bucket
	graves  map[string]grave
	blocks  map[string]*publicAccessBlock // S3 Control, by account
	core    *core.Service
}

// grave is the name of a deleted bucket.
type grave struct {
	account, region string
	until           time.Time
}

// New makes the service; the caller adds Core() to the world.
func New(w *core.World, o Options) *Service {
	o.MaxObject = cmp.Or(o.MaxObject, 64<<20)
	o.NameBlock = cmp.Or(o.NameBlock, 60)
	s := &Service{
		w: w, opts: o, buckets: map[string]*bucket{}, graves: map[string]grave{},
		blocks: map[string]*publicAccessBlock{},
	}
	s.core = &core.Service{
		Name: "s3", REST: core.RESTXML, Route: route, Ops: s.ops(),
		ErrorBody: controlError, Inventory: s.inventory, ResourcePolicy: s.resourcePolicy,
		// "Best practices design patterns: optimizing Amazon S3 performance":
		// 3,500 writes and 5,500 reads a second, per prefix; no account-wide
		// rate is documented, so none is enforced.
	}
	return s
}

// Core is the service as the pipeline knows it.
func (s *Service) Core() *core.Service { return s.core }

func (s *Service) inventory(account string, _ time.Time) []core.Resource {
	var out []core.Resource
	for _, b := range s.owned(account) {
		out = append(out, core.Resource{
			Service: "s3", Kind: "bucket", Region: b.region, ID: b.name, ARN: bucketARN(b.name),
			Children: b.versionCount() + len(b.uploads),
		})
	}
	return out
}

// owned lists an account's buckets by name.
func (s *Service) owned(account string) []*bucket {
	var out []*bucket
	for _, b := range s.buckets {
		if b.account == account {
			out = append(out, b)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].name < out[j].name })
	return out
}

func bucketARN(name string) string      { return "arn:aws:s3:::" + name }
func objectARN(name, key string) string { return "arn:aws:s3:::" + name + "/" + key }

// splitARN takes a bucket's or an object's ARN apart; key is "" for a bucket.
func splitARN(arn string) (bucket, key string, ok bool) {
	rest, ok := strings.CutPrefix(arn, "arn:aws:s3:::")
	if !ok {
		return "", "", false
	}
	bucket, key, _ = strings.Cut(rest, "/")
	return bucket, key, true
}
