package symbol

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tacho/format/formattest"
	"tacho/format/jemalloc"
)

// TestJemallocProfileGetsNames: a real heap profile, whose mappings have no build
// ids, resolved by the program's name.
func TestJemallocProfileGetsNames(t *testing.T) {
	lib, err := filepath.Glob("/usr/lib/*/libjemalloc.so.2")
	if _, gcc := exec.LookPath("gcc"); gcc != nil || err != nil || len(lib) == 0 {
		t.Skip("no gcc or no libjemalloc.so.2 on this machine: apt-get install gcc libjemalloc2")
	}
	dir := t.TempDir()
	src := "#include <stdlib.h>\nvoid *kept[4000];\n__attribute__((noinline)) void *cache_put(size_t n) { char *p = malloc(n); p[0] = 1; return p; }\n" +
		"__attribute__((noinline)) void *session_new(void) { char *p = cache_put(3000); p[1] = 2; return p; }\n" +
		"int main(void) { for (int i = 0; i < 4000; i++) kept[i] = session_new(); return 0; }\n"
	if err := os.WriteFile(filepath.Join(dir, "a.c"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	prog := filepath.Join(dir, "shop")
	run(t, "gcc", "-O1", "-g", "-fno-optimize-sibling-calls", "-o", prog, filepath.Join(dir, "a.c"))
	cmd := exec.Command(prog)
	cmd.Env = append(os.Environ(), "LD_PRELOAD="+lib[0], "MALLOC_CONF=prof:true,prof_final:true,lg_prof_sample:14,prof_prefix:"+dir+"/heap")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	heaps, _ := filepath.Glob(dir + "/heap*.heap")
	if len(heaps) != 1 {
		t.Fatalf("heap profiles: %v", heaps)
	}
	f, err := os.Open(heaps[0])
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	res := formattest.Decode(jemalloc.Decoder(), f, formattest.Options())
	if res.Err != nil {
		t.Fatal(res.Err)
	}
	s := open(t)
	put(t, s, prog)
	b := res.Batches[0]
	if n, _ := s.Resolve(b); n < 3 {
		t.Errorf("%d addresses resolved", n)
	}
	total := int64(0)
	for _, p := range b.Profiles {
		for _, x := range p.Samples {
			var names []string
			for _, fr := range b.Stack(x.Stack) {
				if strings.HasSuffix(fr.Module, "/shop") {
					names = append(names, fr.Function)
				}
			}
			if p.Type.Name == "inuse_space" && len(names) > 2 && slices.Equal(names[:3], []string{"cache_put", "session_new", "main"}) {
				total += x.Value
			}
		}
	}
	if want := 4000 * 3072.0; float64(total) < want*0.7 || float64(total) > want*1.3 { // 3000 is of size class 3072; sampled
		t.Errorf("main → session_new → cache_put keeps %d bytes, about %.0f expected", total, want)
	}
}
