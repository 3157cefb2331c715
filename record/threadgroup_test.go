package record

import "testing"

func TestThreadGroups(t *testing.T) {
	for name, want := range map[string]string{
		"http-nio-8080-exec-12": "http-nio-#-exec-#",
		"main":                  "main",
		"":                      "(unnamed)",
		"C2 CompilerThread0":    GroupC2,
		"C2 CompilerThre":       GroupC2, // as the kernel cuts it
		"C1 CompilerThre":       GroupC1,
		"GC Thread#1":           GroupGC,
		"G1 Main Marker":        GroupGC,
		"VM Periodic Tas":       GroupVM,
		"JFR Recorder Thread":   GroupRecorder,
		"G1Gadget-7":            "G#Gadget-#", // no thread of the G1 collector
		"Größe-3":               "Größe-#",
	} {
		if got := ThreadGroup(name); got != want {
			t.Errorf("%q: %q, want %q", name, got, want)
		}
	}
	for group, want := range map[string]string{GroupC2: "[JIT C2]", GroupGC: "[GC]", GroupVM: "[VM]", GroupRecorder: "[JFR]", "http-#": "[unsampled]"} {
		f := RuntimeFrame(group)
		if f.Function != want || !f.Kind.Synthetic() {
			t.Errorf("%s: frame %+v, want %s", group, f, want)
		}
	}
}
