package main

import (
	"context"
	"errors"
)

// serve runs functions until ctx ends.
func serve(_ context.Context, _ ServeOptions, _ *IO) error {
	return errors.New("serve is not wired")
}
