package main

import (
	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/awssim"
	"github.com/kodekloud/kml/internal/dev"
)

func awsCommand() *cobra.Command {
	w := dev.World{}
	c := &cobra.Command{Use: "aws", Short: "The simulated AWS alone", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		s, err := awssim.Start(w.AWSConfig())
		if err != nil {
			return err
		}
		return stay(c.Context(), s.Close, "AWS is listening at "+s.URL()+" (admin door: "+s.URL()+"/_sim/)")
	}}
	c.Flags().StringVar(&w.Addr, "addr", "127.0.0.1:4566", "where to listen")
	c.Flags().IntVar(&w.Accounts, "accounts", 80, "accounts, over two organizations")
	c.Flags().Uint64Var(&w.Seed, "seed", 1, "ids and delays; the same seed gives the same world")
	c.Flags().DurationVar(&w.IAMDelay, "iam-delay", dev.DefaultIAMDelay, "how long IAM takes to tell everybody")
	return c
}
