package config

import "testing"

func TestVariablesOfTheCommandLineAreNotOurs(t *testing.T) {
	t.Parallel()
	environ := []string{"KML_SEAL_KEYS=a:" + key}
	for _, name := range ClientVariables {
		environ = append(environ, name+"=x")
	}
	if _, err := Load(environ, write(t, "kml.yaml", inline())); err != nil {
		t.Errorf("in a shell of kmlctl: %v", err)
	}
	if _, err := Load([]string{"KML_SEAL_KEYS=a:" + key, "KML_SERVERS=x"}, write(t, "kml.yaml", inline())); err == nil {
		t.Error("an unknown variable is taken")
	}
}
