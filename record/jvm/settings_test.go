package jvm

import (
	"encoding/xml"
	"strings"
	"testing"
	"time"

	"tacho/record/hotspot"
)

func TestSettingsAsJFC(t *testing.T) {
	s := Settings{CPUPeriod: 30 * time.Millisecond}.withDefaults()
	for major, want := range map[int]map[string]string{
		17: {"jdk.ExecutionSample/period": "30 ms", "jdk.ThreadPark/threshold": "10 ms", "jdk.ObjectAllocationSample/throttle": "100/s", "jdk.CPUTimeSample/throttle": ""},
		25: {"jdk.ExecutionSample/period": "", "jdk.CPUTimeSample/throttle": "30 ms", "jdk.CPULoad/period": "1000 ms"},
	} {
		var doc struct {
			Events []struct {
				Name     string `xml:"name,attr"`
				Settings []struct {
					Name  string `xml:"name,attr"`
					Value string `xml:",chardata"`
				} `xml:"setting"`
			} `xml:"event"`
		}
		if err := xml.Unmarshal(s.jfc(major), &doc); err != nil {
			t.Fatalf("JDK %d: %v", major, err)
		}
		got := map[string]string{}
		for _, e := range doc.Events {
			for _, x := range e.Settings {
				got[e.Name+"/"+x.Name] = x.Value
			}
		}
		for k, v := range want {
			if got[k] != v {
				t.Errorf("JDK %d: %s is %q, want %q", major, k, got[k], v)
			}
		}
		if names := s.names(major); len(names) != len(doc.Events) {
			t.Errorf("JDK %d: %d events are decoded, %d are recorded", major, len(names), len(doc.Events))
		}
	}
}

func TestOldJDKsAreNotAskedForLiveChunks(t *testing.T) {
	for major, want := range map[int]bool{8: true, 11: true, 13: true, 14: false, 17: false, 25: false, 0: false} {
		if err := tooOld(hotspot.Version{Major: major}); (err != nil) != want {
			t.Errorf("JDK %d: %v", major, err)
		}
	}
	if r := refused(tooOld(hotspot.Version{Major: 11})); !strings.Contains(r.reason, "JDK 11") || r.remedy == "" || r.retry != 0 {
		t.Errorf("JDK 11: %+v", r)
	}
}

func TestMainName(t *testing.T) {
	for main, want := range map[string]string{
		"org.apache.catalina.startup.Bootstrap": "Bootstrap", "/srv/orders-1.4.2.jar": "orders", "app.jar": "app",
		"my.module/com.acme.Main": "Main", "Main": "Main", "": "", "/opt/log4j2-server-2.0-SNAPSHOT.jar": "log4j2-server",
	} {
		if got := mainName(main); got != want {
			t.Errorf("%q: %q, want %q", main, got, want)
		}
	}
}
