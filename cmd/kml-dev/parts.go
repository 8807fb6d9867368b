package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/kodekloud/kml/internal/mongosim"
)

func mongoCommand() *cobra.Command {
	var addr, path string
	c := &cobra.Command{Use: "mongo", Short: "The embedded MongoDB alone", Args: cobra.NoArgs, RunE: func(c *cobra.Command, _ []string) error {
		s, err := mongosim.Start(mongosim.Config{Addr: addr, Path: path})
		if err != nil {
			return err
		}
		return stay(c.Context(), s.Close, "MongoDB is listening at "+s.URI())
	}}
	c.Flags().StringVar(&addr, "addr", "127.0.0.1:27017", "where to listen")
	c.Flags().StringVar(&path, "path", ":memory:", "file that holds the data")
	return c
}

// stay tells that a part is up and keeps it so until ctx ends.
func stay(ctx context.Context, stop func() error, said string) error {
	fmt.Println(said)
	<-ctx.Done()
	return stop()
}
