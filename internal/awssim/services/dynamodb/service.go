package dynamodb

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// Service is the state of DynamoDB in every account and Region.
type Service struct {
	w     *core.World
	shelf core.Shelf[state]
	core  *core.Service
}

type state struct {
	account, region string
	tables          map[string]*table
	backups         map[string]*backup // by ARN
}

// New makes the service.
func New(w *core.World) *Service {
	s := &Service{w: w}
	s.shelf.New = func(account, region string) *state {
		return &state{account: account, region: region, tables: map[string]*table{}, backups: map[string]*backup{}}
	}
	s.core = &core.Service{
		Name: "dynamodb", TargetPrefixes: []string{"DynamoDB_20120810"},
		Settle: s.settle, Inventory: s.inventory, ResourcePolicy: s.resourcePolicy,
		// "Service, account, and table quotas": backups are rated, table calls bounded by 500 at once.
		Rates: map[string]core.Rate{"CreateBackup": {PerSecond: 50, Burst: 50}, "DeleteBackup": {PerSecond: 10, Burst: 10}, "ListBackups": {PerSecond: 5, Burst: 5}},
	}
	for _, ops := range [][]core.Op{s.tableOps(), s.settingOps(), s.policyOps(), s.backupOps(), s.itemOps(), s.readOps(), s.batchOps(), s.transactOps()} {
		s.core.Ops = append(s.core.Ops, ops...)
	}
	return s
}

// Core is what the world registers.
func (s *Service) Core() *core.Service { return s.core }

func (s *Service) at(c *core.Call) *state { return s.shelf.At(c.Account.ID, c.Region) }

func (s *Service) settle(account, region string, now time.Time) {
	st := s.shelf.Peek(account, region)
	if st == nil {
		return
	}
	for name, t := range st.tables {
		if t.settle(now) {
			delete(st.tables, name)
		}
	}
	for arn, b := range st.backups {
		if b.expired(now) {
			delete(st.backups, arn)
		}
	}
}

func (s *Service) inventory(account string, now time.Time) []core.Resource {
	var out []core.Resource
	s.shelf.Each(account, func(_, region string, st *state) {
		s.settle(account, region, now)
		for _, t := range sorted(st.tables) {
			out = append(out, core.Resource{Service: "dynamodb", Kind: "table", Region: region, ID: t.name, ARN: t.arn, State: t.status(now), Children: len(t.items)})
		}
		for _, b := range sorted(st.backups) {
			kind := "backup"
			if b.Type == "SYSTEM" {
				kind = "system-backup" // DynamoDB's own; it ends by itself
			}
			out = append(out, core.Resource{Service: "dynamodb", Kind: kind, Region: region, ID: b.Name, ARN: b.ARN, State: b.status(now)})
		}
	})
	return out
}

// resourcePolicy is the policy of the table that an ARN (its own, or one of an
// index) belongs to.
func (s *Service) resourcePolicy(arn string) (*core.ResourcePolicy, string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || !strings.HasPrefix(parts[5], "table/") {
		return nil, ""
	}
	st := s.shelf.Peek(parts[4], parts[3])
	if st == nil {
		return nil, parts[4]
	}
	t := st.tables[strings.Split(parts[5], "/")[1]]
	if t == nil || t.policy == nil {
		return nil, parts[4]
	}
	return &core.ResourcePolicy{ARN: t.arn, Policy: t.policy.parsed}, parts[4]
}

type tablePolicy struct {
	doc, revision string
	parsed        *iameval.Policy
}

// tableName takes the name out of a name or an ARN.
func tableName(nameOrARN string) string {
	if i := strings.Index(nameOrARN, ":table/"); i >= 0 {
		name, _, _ := strings.Cut(nameOrARN[i+len(":table/"):], "/")
		return name
	}
	return nameOrARN
}

func tableARN(account, region, name string) string {
	return fmt.Sprintf("arn:aws:dynamodb:%s:%s:table/%s", region, account, name)
}

// on says that an operation acts on the table its input names.
func on[In any](s *Service, name func(*In) string) core.Option {
	return core.Needs(func(c *core.Call, in *In) []core.Permission {
		return []core.Permission{s.permission(c, "", name(in))}
	})
}

// permission is for an action ("" the operation's own) on a table, with the
// table's tags as condition keys.
func (s *Service) permission(c *core.Call, action, name string) core.Permission {
	n := tableName(name)
	p := core.Permission{Action: action, Resource: tableARN(c.Account.ID, c.Region, n)}
	if t := s.at(c).tables[n]; t != nil {
		p.Context = core.TagKeys(nil, t.tags)
	}
	return p
}

func validation(format string, args ...any) *core.Error {
	return core.Errorf(400, "ValidationException", format, args...)
}

func inUse(format string, args ...any) *core.Error {
	return core.Errorf(400, "ResourceInUseException", format, args...)
}

func notFound(format string, args ...any) *core.Error {
	return core.Errorf(400, "ResourceNotFoundException", format, args...)
}

// sorted gives the values of m by key.
func sorted[T any](m map[string]T) []T {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	out := make([]T, len(keys))
	for i, k := range keys {
		out[i] = m[k]
	}
	return out
}
