package hotspot

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// placed is a file put into the JVM's file system for it to read.
type placed struct {
	dir    *os.File // the JVM's /tmp; the JVM connection owns it
	name   string
	inside string // path as the JVM sees it
}

// placeFile writes a file only the JVM's user can read into the JVM's /tmp. The
// name is random so that nobody in there can have put something in its place.
func (j *JVM) placeFile(content []byte) (*placed, error) {
	var r [8]byte
	rand.Read(r[:])
	f := &placed{dir: j.dial.tmp, name: fmt.Sprintf("tacho-%d-%s.jfc", j.p.NSPID, hex.EncodeToString(r[:]))}
	f.inside = "/tmp/" + f.name
	if err := f.write(content, j.p); err != nil {
		if errors.Is(err, unix.EROFS) || errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
			return nil, readOnlyTmp(j.p, "The settings of the recording cannot be written to the /tmp of process %d.", err)
		}
		return nil, fmt.Errorf("write the settings to %s: %w", j.p.HostPath(f.inside), err)
	}
	return f, nil
}

func (f *placed) write(content []byte, p Process) error {
	fd, err := unix.Openat(int(f.dir.Fd()), f.name, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return err
	}
	w := os.NewFile(uintptr(fd), f.name)
	_, err = w.Write(content)
	if err == nil && (os.Geteuid() != p.UID || os.Getegid() != p.GID) {
		if err = unix.Fchown(fd, p.UID, p.GID); os.Geteuid() == p.UID {
			err = nil // the group does not matter for our own file
		}
	}
	if cerr := w.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		f.remove()
	}
	return err
}

func (f *placed) remove() error {
	if err := unix.Unlinkat(int(f.dir.Fd()), f.name, 0); err != nil && err != unix.ENOENT {
		return fmt.Errorf("remove %s: %w", f.name, err)
	}
	return nil
}

// settingsFile is the .jfc of a set of settings. Events not in it are off.
func settingsFile(settings map[string]string) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<configuration version="2.0" label="Tacho">` + "\n")
	event := ""
	for _, k := range slices.Sorted(maps.Keys(settings)) {
		e, setting, _ := strings.Cut(k, "#")
		if e != event {
			if event != "" {
				b.WriteString("  </event>\n")
			}
			b.WriteString(`  <event name="` + escape(e) + "\">\n")
			event = e
		}
		b.WriteString(`    <setting name="` + escape(setting) + `">` + escape(settings[k]) + "</setting>\n")
	}
	if event != "" {
		b.WriteString("  </event>\n")
	}
	b.WriteString("</configuration>\n")
	return b.Bytes()
}

func escape(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s)) // a strings.Builder does not fail
	return b.String()
}
