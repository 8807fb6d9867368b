package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/dev"
)

// awsFlags say what AWS to simulate, and where the processes that use it find
// the other parts.
type awsFlags struct {
	world        dev.World
	env          string
	mongo, redis string
}

func awsCommand() *cobra.Command {
	f := awsFlags{}
	c := &cobra.Command{Use: "aws", Short: "The simulated AWS alone", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		s, err := awssim.Start(f.world.AWSConfig())
		if err != nil {
			return err
		}
		if err := f.tell(s); err != nil {
			return err
		}
		return stay(c.Context(), s.Close, fmt.Sprintf("AWS is listening at %s (admin door: %s/_sim/); the fleet's environment is in %s", s.URL(), s.URL(), f.env))
	}}
	c.Flags().StringVar(&f.world.Addr, "addr", "127.0.0.1:4566", "where to listen")
	c.Flags().IntVar(&f.world.Accounts, "accounts", 20, "accounts, over two organizations")
	c.Flags().IntVar(&f.world.Warm, "warm", 5, "ready accounts that the fleet keeps in each organization")
	c.Flags().Uint64Var(&f.world.Seed, "seed", 1, "ids and delays; the same seed gives the same world")
	c.Flags().DurationVar(&f.world.IAMDelay, "iam-delay", dev.DefaultIAMDelay, "how long IAM takes to tell everybody")
	c.Flags().StringVar(&f.env, "env", filepath.Join(".kml", "env"), "file to write the fleet's environment to, for a shell to source")
	c.Flags().StringVar(&f.mongo, "mongo", "mongodb://127.0.0.1:27017/?directConnection=true", "where the fleet finds MongoDB")
	c.Flags().StringVar(&f.redis, "redis", "127.0.0.1:6379", "where the fleet finds Redis")
	return c
}

// tell writes the environment in which the fleet's processes find everything.
func (f awsFlags) tell(s *awssim.Server) error {
	names, err := labTypeNames()
	if err != nil {
		return err
	}
	key, err := dev.NewKey()
	if err != nil {
		return err
	}
	cfg := dev.Config(f.mongo, f.redis, s.URL(), key, dev.Organizations(s.Seeded, f.world.Warm, names))
	cfg.Metrics.Addr = "127.0.0.1:0" // several workers on one host
	orgs, err := filepath.Abs(filepath.Join(filepath.Dir(f.env), "organizations.yaml"))
	if err != nil {
		return err
	}
	if err := dev.WriteOrganizations(cfg, orgs); err != nil {
		return err
	}
	return dev.WriteEnvironment(dev.Environment(cfg, s.Seeded, orgs), f.env)
}
