package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/app"
	"github.com/kodekloud/kml/internal/dev"
)

func runCommand() *cobra.Command {
	var accounts int
	c := &cobra.Command{Use: "run", Short: "The all-in-one: every role and every part in this process, until interrupted", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error { return runAll(c.Context(), accounts) }}
	c.Flags().IntVar(&accounts, "accounts", 20, "AWS accounts, over two organizations")
	return c
}

func runAll(ctx context.Context, accounts int) (err error) {
	names, err := labTypeNames()
	if err != nil {
		return err
	}
	w := dev.World{Accounts: accounts, Warm: max(2, accounts/4), Seed: 1, IAMDelay: dev.DefaultIAMDelay}
	parts, err := dev.Start(ctx, w, ":memory:", ":memory:", names)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.Close()) }()
	log := zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, NoColor: !isTerminal(os.Stderr)}).Level(zerolog.InfoLevel).With().Timestamp().Logger()
	a, err := app.Open(ctx, parts.Config, log, &parts.Base)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	fmt.Printf("simulated AWS  %s\nMongoDB        %s\nRedis          %s\nhealth         http://%s/healthz\nmetrics        http://%s/metrics\nqueues         http://%s\n",
		parts.Sim.URL(), parts.Mongo.URI(), parts.Redis.Addr(), parts.Config.HTTP.Addr, parts.Config.Metrics.Addr, parts.Config.Monitor.Addr)
	return app.All(ctx, a.Worker, a.Scheduler, a.API, a.ServeMetrics, a.Monitor)
}
