package dev

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/config"
)

// Environment is c as the environment of a process, with the key of the fleet's
// own identity in the simulated AWS; the organizations are in a file of their
// own. It holds secrets of the simulation.
func Environment(c config.Config, seeded awssim.Seeded, organizationsFile string) []string {
	var keys []string
	for id, key := range c.Seal.Keys {
		keys = append(keys, id+":"+base64.StdEncoding.EncodeToString(key))
	}
	t := c.Timing
	env := map[string]any{
		"MONGO_URI": c.Mongo.URI.Reveal(), "MONGO_DATABASE": c.Mongo.Database, "REDIS_ADDR": c.Redis.Addr,
		"AWS_ENDPOINT_URL": c.AWS.EndpointURL, "AWS_REGION": c.AWS.Region, "ORGANIZATIONS_FILE": organizationsFile,
		"SEAL_KEYS": strings.Join(keys, ","), "SEAL_PRIMARY": c.Seal.Primary, "WORKER_CRITICAL": c.Worker.Critical, "WORKER_BULK": c.Worker.Bulk,
		"HTTP_ADDR": c.HTTP.Addr, "METRICS_ADDR": c.Metrics.Addr, "MONITOR_ADDR": c.Monitor.Addr, "LOG_LEVEL": c.Log.Level, "LOG_FORMAT": c.Log.Format,
		"PATIENCE": t.Patience, "SETTLE": t.Settle, "SETTLE_MAX": t.SettleMax, "SETTLE_POLL": t.SettlePoll, "READINESS_REFRESH": t.ReadinessRefresh,
		"READINESS_STALE": t.ReadinessStale, "SYNC_EVERY": t.SyncEvery, "REFILL_EVERY": t.RefillEvery, "MATCH_EVERY": t.MatchEvery, "SWEEP_EVERY": t.SweepEvery,
		"STUCK_AFTER": t.StuckAfter, "STUCK_RUN_AFTER": t.StuckRunAfter, "SESSION_LIFE": t.SessionLife, "CLOCK_SKEW": t.ClockSkew, "USER_MAX_AGE": t.UserMaxAge,
		"CLEANUP_ROUNDS": c.Cleanup.Rounds, "CLEANUP_ROUND_BACKOFF": c.Cleanup.RoundBackoff, "LIMIT_ACCOUNT": c.Limits.Account, "LIMIT_LAB_TYPE": c.Limits.LabType,
	}
	out := []string{
		"AWS_ACCESS_KEY_ID=" + seeded.Fleet.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + seeded.Fleet.SecretAccessKey, "AWS_REGION=us-east-1",
	}
	for name, value := range env {
		out = append(out, fmt.Sprintf("KML_%s=%v", name, value))
	}
	return out
}

// WriteOrganizations writes the organizations of c for KML_ORGANIZATIONS_FILE.
func WriteOrganizations(c config.Config, file string) error {
	b, err := yaml.Marshal(c.Organizations)
	if err != nil {
		return fmt.Errorf("organizations: %w", err)
	}
	return write(file, b)
}

// WriteEnvironment writes an environment that a shell can source.
func WriteEnvironment(env []string, file string) error {
	var b strings.Builder
	for _, kv := range env {
		name, value, _ := strings.Cut(kv, "=")
		fmt.Fprintf(&b, "export %s='%s'\n", name, strings.ReplaceAll(value, "'", `'\''`))
	}
	return write(file, []byte(b.String()))
}

// write replaces a file in one step, readable by its owner alone.
func write(file string, b []byte) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	tmp := file + ".new"
	if err := os.WriteFile(tmp, b, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := os.Rename(tmp, file); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

// ReadEnvironment reads a file of WriteEnvironment, waiting for it to appear.
func ReadEnvironment(ctx context.Context, file string) ([]string, error) {
	for {
		b, err := os.ReadFile(file) // #nosec: our own file
		if err == nil {
			return parseEnvironment(string(b)), nil
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("environment of the parts: %w", errors.Join(ctx.Err(), err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func parseEnvironment(text string) []string {
	var out []string
	for _, line := range strings.Split(text, "\n") {
		name, value, ok := strings.Cut(strings.TrimPrefix(line, "export "), "=")
		if ok {
			out = append(out, name+"="+strings.ReplaceAll(strings.Trim(value, "'"), `'\''`, "'"))
		}
	}
	return out
}
