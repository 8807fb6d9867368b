// Command kml-dev is KML on a laptop: the whole fleet in one process on embedded
// parts, each embedded part alone, and a demo that plays a class against it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := &cobra.Command{Use: "kml-dev", Short: "KML on a laptop: embedded parts, the all-in-one, the demo", SilenceUsage: true, SilenceErrors: true}
	root.AddCommand(runCommand(), stopCommand(), demoCommand(),
		procsCommand("demo-procs", "The same with every role a process of its own", nil),
		procsCommand("demo-crash", "The same, with processes killed in between", crash), pauseCommand(),
		awsCommand(), mongoCommand())
	if err := root.ExecuteContext(ctx); err != nil {
		if !errors.Is(err, errBroken) { // the report has told it
			fmt.Fprintln(os.Stderr, "kml-dev:", err)
		}
		stop()
		os.Exit(1)
	}
}
