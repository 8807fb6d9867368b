package awssim_test

import (
	"archive/zip"
	"bytes"
	"cmp"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// TestTerraform holds the whole against a client that nobody here wrote: a
// configuration of some eighty resources is planned, applied, planned again
// without a change, and destroyed; then the oracle finds the account as it was.
// The provider reads back all that it wrote, so a field that is lost shows.
func TestTerraform(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("terraform takes its time")
	}
	tf := newTerraform(t)
	b := newMember(t, core.Options{Seed: 7})
	before := b.inventory()
	tf.env = b.env(t)
	tf.run(t, "init", "-plugin-dir="+tf.plugins)
	tf.run(t, "plan", "-out=plan")
	tf.run(t, "apply", "-parallelism=20", "plan")
	tf.run(t, "plan", "-detailed-exitcode") // exit code 2 would mean changes
	if n := len(b.inventory()) - len(before); n < 50 {
		t.Errorf("the oracle sees %d things of Terraform's; want at least 50", n)
	}
	tf.run(t, "destroy", "-parallelism=20", "-auto-approve")
	for _, id := range b.inventory() {
		// AWS keeps a deleted table's backup for 35 days, and its own role.
		if !slices.Contains(before, id) && !strings.Contains(id, "system-backup") && !strings.Contains(id, "AWSServiceRoleForAutoScaling") {
			t.Errorf("terraform left %s", id)
		}
	}
}

// terraform is a working directory with the configuration of testdata.
type terraform struct {
	path, plugins, dir string
	env                []string
}

// newTerraform skips the test where terraform or its AWS provider is missing:
// the provider is not downloaded.
func newTerraform(t *testing.T) *terraform {
	t.Helper()
	tf := &terraform{plugins: pluginDir(), dir: t.TempDir()}
	var err error
	if tf.path, err = exec.LookPath("terraform"); err != nil {
		t.Skip("no terraform on the PATH")
	}
	if tf.plugins == "" {
		t.Skip("no AWS provider: set KML_TF_PLUGINS to a folder with registry.terraform.io/hashicorp/aws (terraform providers mirror makes one)")
	}
	if err := os.CopyFS(tf.dir, os.DirFS("testdata/terraform")); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(tf.dir, "f.zip"), functionZip(t), 0o600); err != nil {
		t.Fatal(err)
	}
	return tf
}

func (tf *terraform) run(t *testing.T, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tf.path, append(args, "-no-color")...)
	cmd.Dir = tf.dir
	cmd.Env = append(tf.env, "TF_INPUT=0", "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1", "TF_CLI_CONFIG_FILE="+os.DevNull)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("terraform %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// pluginDir finds a mirror of providers that has AWS's: where KML_TF_PLUGINS
// says, where the configuration of Terraform says, or in a usual place.
func pluginDir() string {
	if dir := os.Getenv("KML_TF_PLUGINS"); dir != "" {
		return dir
	}
	home, _ := os.UserHomeDir() // without a home there is nothing in it
	config := cmp.Or(os.Getenv("TF_CLI_CONFIG_FILE"), filepath.Join(home, ".terraformrc"))
	for _, pattern := range append(mirrors(config),
		filepath.Join(home, ".terraform.d/plugins"), filepath.Join(home, ".local/share/terraform/plugins"),
		"/usr/local/share/terraform/plugins", "/usr/share/terraform/plugins", "/opt", "/opt/*",
	) {
		dirs, err := filepath.Glob(filepath.Join(pattern, "registry.terraform.io/hashicorp/aws"))
		if err == nil && len(dirs) > 0 {
			return filepath.Dir(filepath.Dir(filepath.Dir(dirs[0])))
		}
	}
	return ""
}

// mirrors reads the paths of the filesystem_mirror blocks out of Terraform's
// configuration.
func mirrors(config string) []string {
	text, err := os.ReadFile(config)
	if err != nil {
		return nil // most machines have none
	}
	found := map[string]bool{}
	_, rest, _ := strings.Cut(string(text), "filesystem_mirror")
	for line := range strings.Lines(rest) {
		if name, value, ok := strings.Cut(line, "="); ok && strings.TrimSpace(name) == "path" {
			found[strings.Trim(strings.TrimSpace(value), `"`)] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// functionZip is the deployment package of a function.
func functionZip(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("index.py")
	if err == nil {
		_, err = f.Write([]byte("def handler(e, c): return e\n"))
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
