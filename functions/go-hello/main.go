// Package hello is the smallest Go function that is of use: JSON in, JSON out.
//
//	curl http://127.0.0.1:54321/functions/v1/go-hello -d '{"name":"Ann"}'
package hello

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
)

type request struct {
	Name string `json:"name"`
}

type response struct {
	Message string `json:"message"`
}

// Handler greets whom the body names.
func Handler(w http.ResponseWriter, r *http.Request) {
	var in request
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in)
	if err != nil && !errors.Is(err, io.EOF) {
		answer(w, r, http.StatusBadRequest, response{"The body is not JSON like {\"name\":\"Ann\"}."})
		return
	}
	if in.Name == "" {
		in.Name = "Go"
	}
	slog.InfoContext(r.Context(), "greeting", "name", in.Name)
	answer(w, r, http.StatusOK, response{"Hello " + in.Name + "!"})
}

func answer(w http.ResponseWriter, r *http.Request, status int, body response) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.WarnContext(r.Context(), "the client has gone", "error", err)
	}
}
