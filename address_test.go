package tacho

import "testing"

func TestAddressFrame(t *testing.T) {
	f := AddressFrame("/usr/lib/libc.so.6", "ab12", 0x1f40, KindNative)
	if want := (Frame{Function: "libc.so.6+0x1f40", File: "build-id:ab12", Module: "/usr/lib/libc.so.6", Kind: KindNative}); f != want {
		t.Errorf("got %+v, want %+v", f, want)
	}
	for _, c := range []struct {
		frame  Frame
		id     string
		offset uint64
		ok     bool
	}{
		{f, "ab12", 0x1f40, true},
		{AddressFrame("app", "", 7, KindUnknown), "", 7, true},
		{AddressFrame("", "", 7, KindUnknown), "", 7, true},
		{Frame{Function: "main+0x1f", Module: "app"}, "", 0, false},
		{Frame{Function: "app+0x1f", Module: "app", Line: 3}, "", 0, false},
		{Frame{Function: "app+0x1f", Module: "app", File: "a.c"}, "", 0, false},
		{Frame{Function: "app+0xzz", Module: "app"}, "", 0, false},
		{Frame{Function: "main"}, "", 0, false},
	} {
		if id, offset, ok := c.frame.Address(); id != c.id || ok != c.ok || ok && offset != c.offset {
			t.Errorf("%+v: got %q, %#x, %t", c.frame, id, offset, ok)
		}
	}
}
