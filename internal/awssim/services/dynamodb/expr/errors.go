package expr

import (
	"errors"
	"fmt"
)

var errKey = errors.New("Query key condition not supported")

func errMissing(key string) error {
	return fmt.Errorf("Query condition missed key schema element: %s", key)
}
