package hotspot

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// tinyImage holds one resource, /m/p/b.
func tinyImage() []byte {
	texts := []byte("\x00m\x00p\x00b\x00")
	loc := []byte{0, 1 << 3, 1, 2<<3 | 1, 0, 3, 3 << 3, 5, 0}
	var b []byte
	for _, v := range []uint32{0xcafedada, 1 << 16, 0, 1, 1, uint32(len(loc)), uint32(len(texts)), 0xffffffff, 1} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(append(b, loc...), texts...)
}

func TestImage(t *testing.T) {
	for name, want := range map[string]bool{"b": true, "x": false, "bb": false, "": false} {
		if has, err := imageHas(bytes.NewReader(tinyImage()), "m", "p", name); err != nil || has != want {
			t.Errorf("%q: %v, %v", name, has, err)
		}
	}
	for off, v := range map[int]uint32{0: 1, 16: 0, 20: 1, 24: 0, 28: 0x80000000, 32: 1 << 30} {
		b := tinyImage()
		binary.LittleEndian.PutUint32(b[off:], v)
		if has, err := imageHas(bytes.NewReader(b), "m", "p", "b"); err == nil || has {
			t.Errorf("%d at offset %d passes", v, off)
		}
	}
	if _, err := imageHas(bytes.NewReader(tinyImage()[:30]), "m", "p", "b"); err == nil {
		t.Error("a cut file passes")
	}
}

func FuzzImage(f *testing.F) {
	f.Add(tinyImage())
	f.Fuzz(func(t *testing.T, b []byte) {
		if has, err := imageHas(bytes.NewReader(b), "m", "p", "b"); has && err != nil {
			t.Fatal("both")
		}
	})
}
