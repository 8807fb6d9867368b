// Command kmlctl steers a fleet over its HTTP API: labs, accounts, bookings,
// keys, queues. What it does is in package cli.
package main

import (
	"os"

	"github.com/kodekloud/kml/internal/cli"
)

func main() { os.Exit(cli.Execute()) }
