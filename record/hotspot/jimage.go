package hotspot

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"path"

	"golang.org/x/sys/unix"
)

// bakedOptions says whether the runtime image of a JVM brings options of its
// own: jlink --add-options stores them as a resource that no command line
// shows. A JVM without an image file (JDK 8) has none.
func bakedOptions(p Process) (bool, error) {
	f, err := p.OpenInside(path.Join(path.Dir(path.Dir(p.LibJVM)), "modules"), unix.O_RDONLY|unix.O_NONBLOCK, 0)
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	return imageHas(f, "java.base", "jdk/internal/vm", "options")
}

const (
	imageHeader   = 28
	maxImageTable = 1 << 22 // entries; a full JDK has some 33,000
	imageSeed     = 0x01000193
)

// imageHash is the hash of jimage's perfect hash table.
func imageHash(name string, seed uint32) uint32 {
	for i := range len(name) {
		seed = seed*imageSeed ^ uint32(name[i])
	}
	return seed & 0x7fffffff
}

// imageHas looks up a resource without extension in a jimage file
// (imageFile.hpp), little-endian on all machines Linux JVMs run on:
//
//	0  magic CAFEDADA   4 version   8 flags   12 resources
//	16 length of the tables   20 bytes of locations   24 bytes of strings
//	28 redirect: int32 each   then offset into locations: uint32 each
//	   then locations   then strings, zero-terminated
//
// redirect at hash(name): negative, -1-i is the place in the tables; positive,
// the seed whose hash is; 0, there is no such name.
func imageHas(r io.ReaderAt, module, parent, base string) (bool, error) {
	u32 := func(off int64) (uint32, error) {
		var b [4]byte
		if _, err := r.ReadAt(b[:], off); err != nil {
			return 0, fmt.Errorf("runtime image at offset %d: %w", off, err)
		}
		return binary.LittleEndian.Uint32(b[:]), nil
	}
	var h [imageHeader / 4]uint32
	for i := range h {
		var err error
		if h[i], err = u32(int64(4 * i)); err != nil {
			return false, err
		}
	}
	length, locations, texts := int64(h[4]), int64(h[5]), int64(h[6])
	if h[0] != 0xcafedada || length == 0 || length > maxImageTable {
		return false, fmt.Errorf("runtime image at offset 0: magic %08x, %d entries", h[0], length)
	}
	name := "/" + module + "/" + parent + "/" + base
	at := int64(imageHash(name, imageSeed)) % length
	redirect, err := u32(imageHeader + 4*at)
	switch {
	case err != nil:
		return false, err
	case redirect == 0:
		return false, nil
	case int32(redirect) > 0:
		at = int64(imageHash(name, redirect)) % length
	default:
		at = -1 - int64(int32(redirect))
	}
	if at >= length {
		return false, fmt.Errorf("runtime image: place %d in tables of %d", at, length)
	}
	off, err := u32(imageHeader + 4*length + 4*at)
	if err != nil {
		return false, err
	}
	if int64(off) >= locations {
		return false, fmt.Errorf("runtime image: location at %d of %d bytes", off, locations)
	}
	start := imageHeader + 8*length
	var loc [64]byte // seven attributes of at most nine bytes
	n, err := r.ReadAt(loc[:], start+int64(off))
	if err != nil && err != io.EOF {
		return false, fmt.Errorf("runtime image at offset %d: %w", start+int64(off), err)
	}
	want := map[byte]string{1: module, 2: parent, 3: base, 4: ""}
	for kind, offset := range imageAttributes(loc[:n]) {
		text, ok := want[kind]
		if !ok {
			continue
		}
		got := make([]byte, len(text)+1)
		if int64(offset) >= texts {
			return false, fmt.Errorf("runtime image: string at %d of %d bytes", offset, texts)
		}
		if _, err := r.ReadAt(got, start+locations+int64(offset)); err != nil && err != io.EOF { // a shorter string ends the file
			return false, fmt.Errorf("runtime image: string at %d: %w", offset, err)
		}
		if !bytes.Equal(got, append([]byte(text), 0)) {
			return false, nil // the table holds another name at this place
		}
		delete(want, kind)
	}
	for _, text := range want { // an attribute that is not stored is ""
		if text != "" {
			return false, nil
		}
	}
	return true, nil
}

// imageAttributes decodes a location: kind<<3 | bytes-1, then the value,
// big-endian; kind 0 ends it.
func imageAttributes(b []byte) map[byte]uint64 {
	out := map[byte]uint64{}
	for len(b) > 0 && b[0]>>3 != 0 {
		kind, n := b[0]>>3, int(b[0]&7)+1
		if len(b) < 1+n {
			return out
		}
		var v uint64
		for _, c := range b[1 : 1+n] {
			v = v<<8 | uint64(c)
		}
		out[kind] = v
		b = b[1+n:]
	}
	return out
}
