//go:build soak

package main

import (
	"testing"
	"time"
)

func TestServerAwayTenMinutes(t *testing.T) { serverAway(t, 10*time.Minute) }
