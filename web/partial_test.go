package web

import (
	"net/http"
	"strings"
	"testing"
)

// A damaged block costs its own samples and events, not the answer: the answer
// says what is missing.
func TestPartialAnswersSayWhatIsMissing(t *testing.T) {
	st := sampleData()
	st.missing = []string{"raw block 7 of minute 12:00: length 99 of 12 bytes"}
	h := newServer(st, nil)
	for what, has := range map[string]string{
		"samples?service=orders&type=cpu": `"time_ns":["`,
		"events?service=orders":           `"kind":"gc.`,
	} {
		w := get(t, h, "/api/v1/"+what+minuteOf)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, `"missing":["raw block 7 of minute 12:00: length 99 of 12 bytes"`) || !strings.Contains(body, has) {
			t.Errorf("%s: %d %.300s", what, w.Code, body)
		}
	}
}
