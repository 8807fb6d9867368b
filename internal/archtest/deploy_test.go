package archtest

import (
	"encoding/base64"
	"errors"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/kodekloud/kml/internal/config"
)

// decode reads the first document of a YAML file.
func decode(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(read(t, file)), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// documents gives the YAML documents of a file.
func documents(t *testing.T, file string) []map[string]any {
	t.Helper()
	d := yaml.NewDecoder(strings.NewReader(read(t, file)))
	var out []map[string]any
	for {
		var doc map[string]any
		err := d.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		out = append(out, doc)
	}
}

func deployed(t *testing.T, ext string) []string {
	t.Helper()
	var out []string
	for _, f := range files(t) {
		if strings.HasPrefix(f, "deploy/") && path.Ext(f) == ext {
			out = append(out, f)
		}
	}
	if len(out) == 0 {
		t.Fatalf("no %s files under deploy", ext)
	}
	return out
}

func TestDeployedYAMLParses(t *testing.T) {
	t.Parallel()
	for _, f := range deployed(t, ".yaml") {
		docs := documents(t, f)
		for _, d := range docs {
			if strings.HasPrefix(f, "deploy/kubernetes/") && (d["kind"] == nil || d["apiVersion"] == nil) {
				t.Errorf("%s: a document without kind or apiVersion", f)
			}
		}
		if len(docs) == 0 {
			t.Errorf("%s is empty", f)
		}
	}
}

var variable = regexp.MustCompile(`\bKML_[A-Z_]+[A-Z]\b`)

// ofTests are variables of tests, not of the configuration.
var ofTests = []string{"KML_TF_PLUGINS", "KML_CONFIG"}

func TestVariablesExist(t *testing.T) {
	t.Parallel()
	known := slices.Concat(ofTests, config.ClientVariables)
	for _, f := range config.Fields() {
		known = append(known, f.Env)
	}
	pages := append(deployed(t, ".yaml"), deployed(t, ".tf")...)
	for _, f := range files(t) {
		if path.Ext(f) == ".md" || f == "Procfile" || f == "Makefile" {
			pages = append(pages, f)
		}
	}
	for _, f := range pages {
		for _, v := range variable.FindAllString(read(t, f), -1) {
			if !slices.Contains(known, v) {
				t.Errorf("%s names %s, which the configuration does not know", f, v)
			}
		}
	}
}

// roles are the commands of cmd/kml that stay up.
var roles = []string{"worker", "scheduler", "api", "monitor"}

func TestEveryRoleIsDeployed(t *testing.T) {
	t.Parallel()
	var compose struct {
		Services map[string]struct{ Command []string }
	}
	decode(t, "deploy/compose.yaml", &compose)
	procfile := read(t, "Procfile")
	for _, role := range roles {
		if got := compose.Services[role].Command; !slices.Equal(got, []string{role}) {
			t.Errorf("compose.yaml runs %v as %s", got, role)
		}
		if !strings.Contains(procfile, "\n"+role+": ") {
			t.Errorf("Procfile has no line for %s", role)
		}
		found := false
		for _, d := range documents(t, "deploy/kubernetes/"+role+".yaml") {
			found = found || d["kind"] == "Deployment"
		}
		if !found {
			t.Errorf("%s.yaml has no Deployment", role)
		}
	}
}

// TestKustomize builds the manifests where a machine has kubectl.
func TestKustomize(t *testing.T) {
	t.Parallel()
	dir := "deploy/kubernetes"
	var k struct{ Resources []string }
	decode(t, dir+"/kustomization.yaml", &k)
	for _, f := range deployed(t, ".yaml") {
		if path.Dir(f) == dir && path.Base(f) != "kustomization.yaml" && !slices.Contains(k.Resources, path.Base(f)) {
			t.Errorf("%s is not in kustomization.yaml", f)
		}
	}
	bin, err := exec.LookPath("kubectl")
	if err != nil {
		t.Skip("no kubectl on this machine: the files were read, not built")
	}
	if out, err := exec.CommandContext(t.Context(), bin, "kustomize", filepath.Join(root, dir)).CombinedOutput(); err != nil {
		t.Errorf("kubectl kustomize: %v\n%s", err, out)
	}
}

// TestClusterConfigurationLoads reads the ConfigMap's file as a role would.
func TestClusterConfigurationLoads(t *testing.T) {
	t.Parallel()
	for _, d := range documents(t, "deploy/kubernetes/config.yaml") {
		if d["kind"] != "ConfigMap" {
			continue
		}
		data, ok := d["data"].(map[string]any)
		if !ok {
			t.Fatalf("data of the ConfigMap is %T", d["data"])
		}
		text, ok := data["kml.yaml"].(string)
		if !ok {
			t.Fatal("the ConfigMap has no kml.yaml")
		}
		file := filepath.Join(t.TempDir(), "kml.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		key := base64.StdEncoding.EncodeToString(make([]byte, 32))
		c, err := config.Load([]string{"KML_SEAL_KEYS=k1:" + key}, file)
		if err != nil {
			t.Fatal(err)
		}
		if len(c.Organizations) == 0 {
			t.Error("no organizations were read")
		}
		return
	}
	t.Error("config.yaml has no ConfigMap")
}
