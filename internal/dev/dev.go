// Package dev is a fleet on embedded parts: a simulated AWS, a MongoDB and a
// Redis on loopback sockets, and the configuration that points the fleet at
// them. It serves laptops, the demo and tests.
//
// Invariants:
//   - The parts are spoken to over sockets, by the very code that runs in
//     production.
//   - Nothing listens beyond the loopback interface.
package dev

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/config"
	"github.com/kodekloud/kml/internal/fleet"
	"github.com/kodekloud/kml/internal/mongosim"
	"github.com/kodekloud/kml/internal/redisdev"
)

// World says what AWS to simulate.
type World struct {
	Accounts int // over both organizations
	Warm     int // ready accounts per organization
	Seed     uint64
	IAMDelay time.Duration // how long IAM takes to tell everybody
	Addr     string
}

// Defaults of the simulated AWS. AWS itself takes about four seconds for IAM and
// minutes for CloudTrail: a demo of three minutes has it a little faster.
const (
	DefaultIAMDelay = 400 * time.Millisecond
	stateDelay      = 300 * time.Millisecond
	trailMin        = 500 * time.Millisecond
	trailMax        = 3 * time.Second
)

// AWSConfig is the simulated AWS of w: two organizations, latency, throttles.
func (w World) AWSConfig() awssim.Config {
	half := w.Accounts / 2
	ms := func(low, high int) core.Distribution {
		return core.Distribution{Min: time.Duration(low) * time.Millisecond, Max: time.Duration(high) * time.Millisecond}
	}
	return awssim.Config{
		Addr: w.Addr,
		Options: core.Options{Seed: w.Seed, IAMDelay: w.IAMDelay, StateDelay: stateDelay, Throttle: true,
			TrailDelay: core.Distribution{Min: trailMin, Max: trailMax}},
		Latency: map[string]core.Distribution{"*": ms(2, 8), "iam": ms(10, 30), "sts": ms(5, 15), "organizations": ms(10, 30)},
		Organizations: []awssim.Organization{
			{Name: "alpha", ManagementAccount: "111111111111", Units: []awssim.Unit{{Name: "production", Accounts: w.Accounts - half}, {Name: "quarantine"}}},
			{Name: "beta", ManagementAccount: "222222222222", Units: []awssim.Unit{{Name: "production", Accounts: half}, {Name: "quarantine"}}},
		},
	}
}

// Organizations is what the fleet is told of the seeded ones.
func Organizations(s awssim.Seeded, warm int, labTypes []string) []fleet.Organization {
	out := make([]fleet.Organization, 0, len(s.Organizations))
	for _, o := range s.Organizations {
		org := fleet.Organization{Name: o.Name, ManagementAccount: o.ManagementAccount, ManagementRole: o.ManagementRole, MemberRole: o.MemberRole}
		for _, u := range o.Units {
			ou := fleet.OU{ID: u.ID, Purpose: fleet.Purpose(u.Name)}
			if ou.Purpose == fleet.Production {
				ou.Warm, ou.WarmFor = warm, labTypes
			}
			org.OUs = append(org.OUs, ou)
		}
		out = append(out, org)
	}
	return out
}

// Config is the configuration of a fleet on embedded parts.
func Config(mongoURI, redisAddr, endpoint string, key []byte, orgs []fleet.Organization) config.Config {
	c := config.Config{Organizations: orgs}
	c.Mongo = config.Mongo{URI: config.URI(mongoURI), Database: "kml"}
	c.Redis = config.Redis{Addr: redisAddr}
	c.AWS = config.AWS{EndpointURL: endpoint, Region: "us-east-1"}
	c.Seal = config.Seal{Keys: config.Keys{"dev": key}, Primary: "dev"}
	c.Worker = config.Worker{Critical: 24, Bulk: 32}
	// A load test is one key; nobody balances loads, so nothing waits for it.
	c.HTTP = config.HTTP{Addr: "127.0.0.1:8080", RatePerMinute: 600_000, Burst: 60_000, Failures: 20, Metrics: true, DrainWait: 100 * time.Millisecond, ShutdownWait: 10 * time.Second}
	// Who tries webhooks on a laptop has the receiver on it too.
	c.Webhooks.AllowPrivate = config.Prefixes{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	c.OIDC = config.OIDC{RoleClaim: "roles", OwnerClaim: "sub"}
	c.Metrics.Addr, c.Monitor.Addr = "127.0.0.1:9090", "127.0.0.1:8081"
	c.Log = config.Log{Level: "info", Format: "console"}
	c.Timing = config.Timing{Patience: 5 * time.Minute, Settle: time.Second, SettleMax: 2 * time.Minute, SettlePoll: time.Second,
		ReadinessRefresh: 2 * time.Minute, ReadinessStale: 10 * time.Minute, SyncEvery: time.Minute, RefillEvery: time.Second, MatchEvery: time.Second,
		SweepEvery: 2 * time.Second, StuckAfter: 8 * time.Second, StuckRunAfter: 15 * time.Second,
		SessionLife: 20 * time.Second, ClockSkew: time.Second, UserMaxAge: 24 * time.Hour}
	c.Cleanup = config.Cleanup{Rounds: 12, RoundBackoff: time.Second}
	c.Limits = config.Limits{Account: 8, LabType: 20}
	c.Booking = config.Booking{Lead: 20 * time.Second, Turn: 30 * time.Second, NoShow: time.Minute, WarmAhead: 20 * time.Second}
	return c
}

// Fleet is a set of embedded parts that run.
type Fleet struct {
	Sim    *awssim.Server
	Mongo  *mongosim.Server
	Redis  *redisdev.Server
	Config config.Config
	Base   aws.Config // the fleet's own identity
}

// Start starts all parts. mongoPath and redisDir are ":memory:" or places on disk.
func Start(ctx context.Context, w World, mongoPath, redisDir string, labTypes []string) (*Fleet, error) {
	f := &Fleet{}
	var err error
	if f.Sim, err = awssim.Start(w.AWSConfig()); err != nil {
		return nil, err
	}
	if f.Mongo, err = mongosim.Start(mongosim.Config{Path: mongoPath}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	if f.Redis, err = redisdev.Start(ctx, redisdev.Config{Dir: redisDir}); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	key, err := NewKey()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	f.Config = Config(f.Mongo.URI(), f.Redis.Addr(), f.Sim.URL(), key, Organizations(f.Sim.Seeded, w.Warm, labTypes))
	f.Base = Base(f.Sim.Seeded)
	return f, nil
}

// Base is the fleet's own identity in a seeded world.
func Base(s awssim.Seeded) aws.Config {
	return aws.Config{Region: "us-east-1", Credentials: credentials.NewStaticCredentialsProvider(s.Fleet.AccessKeyID, s.Fleet.SecretAccessKey, "")}
}

// NewKey makes a sealing key.
func NewKey() ([]byte, error) {
	key := make([]byte, 32)
	if _, err := rand.Read(key); err != nil {
		return nil, fmt.Errorf("sealing key: %w", err)
	}
	return key, nil
}

// Close stops what was started.
func (f *Fleet) Close() error {
	var errs []error
	if f.Redis != nil {
		errs = append(errs, f.Redis.Close())
	}
	if f.Mongo != nil {
		errs = append(errs, f.Mongo.Close())
	}
	if f.Sim != nil {
		errs = append(errs, f.Sim.Close())
	}
	return errors.Join(errs...)
}
