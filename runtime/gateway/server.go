package gateway

import (
	"log/slog"
	"net/http"
	"time"
)

// maxRequestHead bounds a request's head. Cookies with tokens in them run to
// tens of kilobytes; node:http refuses above 16 KiB, Deno above 400 KiB or so.
const maxRequestHead = 128 << 10

// NewServer returns an http.Server for a Gateway. Heads have to come soon and
// idle connections end; bodies and answers may take as long as they like, since
// streams do. Logger gets what net/http has to say, at debug level.
func NewServer(handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    maxRequestHead,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		// OPTIONS * is ours to answer too.
		DisableGeneralOptionsHandler: true,
	}
}
