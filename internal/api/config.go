package api

import (
	"github.com/rs/zerolog"

	"github.com/kodekloud/kml/internal/clock"
)

// Config is what the API is made of. Each noun's services are an interface in
// the file of its routes.
type Config struct {
	Version string
	Clock   clock.Clock
	Log     zerolog.Logger
	// Endpoint is where AWS answers, if it is not AWS itself; told to clients.
	Endpoint string
}
