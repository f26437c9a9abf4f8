package hello

import (
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHandlerGreets(t *testing.T) {
	for _, test := range []struct {
		body   string
		status int
		want   string
	}{
		{"", 200, `{"message":"Hello Go!"}`},
		{`{"name":"Ann"}`, 200, `{"message":"Hello Ann!"}`},
		{`name=Ann`, 400, "The body is not JSON"},
	} {
		w := httptest.NewRecorder()
		Handler(w, httptest.NewRequest("POST", "/functions/v1/go-hello", strings.NewReader(test.body)))
		if w.Code != test.status || !strings.Contains(w.Body.String(), test.want) {
			t.Errorf("%q: %d %s, want %d %s", test.body, w.Code, w.Body, test.status, test.want)
		}
	}
}
