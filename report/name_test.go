package report

import (
	"strings"
	"testing"
)

func TestShorten(t *testing.T) {
	const long = "com.example.model.OrderService.priceAll"
	for _, c := range []struct {
		name string
		w    int
		want string
	}{
		{long, 80, long},
		{long, 38, "c.example.model.OrderService.priceAll"},
		{long, 33, "c.e.model.OrderService.priceAll"},
		{long, 30, "c.e.m.OrderService.priceAll"},
		{long, 26, "OrderService.priceAll"},
		{long, 20, "OrderS…vice.priceAll"},
		{long, 1, "…"},
		{long, 0, ""},
		{"github.com/acme/shop/internal/price.(*Engine).Total", 37, "g/a/s/internal/price.(*Engine).Total"},
		{"github.com/acme/shop/internal/price.(*Engine).Total", 30, "g/a/s/i/price.(*Engine).Total"},
		{"com.acme.Foo$$Lambda/0x00007f.run", 32, "c.acme.Foo$$Lambda/0x00007f.run"},
		{"com.acme.Foo.bar(java.lang.String)", 33, "c.acme.Foo.bar(java.lang.String)"},
		{"do_syscall_64_after_hwframe", 12, "do_…_hwframe"},
		{"kotlinx.coroutines.builders.launch", 26, "k.c.builders.launch"},
		{"java.util.regex.Pattern$GroupTail.match", 25, "Pattern$GroupTail.match"},
		{"[JIT C2]", 20, "[JIT C2]"},
		{"漢字漢字漢字", 7, "漢…漢字"},
		{"\x1b[2Jcom.acme.Foo.bar", 40, `\x1b[2Jcom.acme.Foo.bar`},
		{"..", 1, "…"},
		{"", 5, ""},
	} {
		if got := Shorten(c.name, c.w); got != c.want {
			t.Errorf("Shorten(%q, %d) = %q, want %q", c.name, c.w, got, c.want)
		}
	}
}

// A megabyte of dots is shortened in one pass; the quadratic way took minutes.
func TestShortenLong(t *testing.T) {
	if got := Shorten(strings.Repeat("a.", 1<<19)+"Foo.bar", 10); got != "Foo.bar" {
		t.Errorf("got %q", got)
	}
}
