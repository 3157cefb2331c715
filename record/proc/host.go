package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Host is what labels say about the machine.
type Host struct {
	Name   string
	BootID string // changes with every boot: tells two lives of one host apart
}

// HostFacts reads the host's name and boot id below procRoot ("/proc"). In a
// container the name is the container's own.
func HostFacts(procRoot string) (Host, error) {
	var h Host
	for _, f := range []struct {
		to   *string
		file string
	}{
		{&h.Name, "sys/kernel/hostname"},
		{&h.BootID, "sys/kernel/random/boot_id"},
	} {
		b, err := os.ReadFile(filepath.Join(procRoot, f.file))
		if err != nil {
			return h, fmt.Errorf("read host facts: %w", err)
		}
		*f.to = strings.TrimSpace(string(b))
	}
	return h, nil
}
