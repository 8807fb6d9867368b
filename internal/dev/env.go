package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
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
	c.OrganizationsFile = organizationsFile
	return append([]string{
		"AWS_ACCESS_KEY_ID=" + seeded.Fleet.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + seeded.Fleet.SecretAccessKey, "AWS_REGION=" + c.AWS.Region,
	}, c.Environ()...)
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

// assignment is a line of WriteEnvironment; a value may hold line ends.
var assignment = regexp.MustCompile(`(?m)^export (\w+)='((?:[^']|'\\'')*)'$`)

func parseEnvironment(text string) []string {
	var out []string
	for _, m := range assignment.FindAllStringSubmatch(text, -1) {
		out = append(out, m[1]+"="+strings.ReplaceAll(m[2], `'\''`, "'"))
	}
	return out
}
