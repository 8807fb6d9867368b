package config

// ClientVariables are read or set by kmlctl, in shells where a role of the fleet
// may be started too. They are none of the configuration.
var ClientVariables = []string{"KML_SERVER", "KML_API_KEY", "KML_PROFILE", "KML_LAB_ID", "KML_LAB_ENDS_AT"}
