package worker

import "bytes"

// maxLine is the longest output line handed on in one piece, in bytes.
const maxLine = 64 << 10

// lineWriter cuts what is written to it into lines. The last one, without a
// newline, is handed on by flush.
type lineWriter struct {
	emit func(line string)
	rest []byte
}

func (l *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			l.rest = append(l.rest, p...)
			break
		}
		l.line(p[:i])
		p = p[i+1:]
	}
	for len(l.rest) >= maxLine {
		l.emit(string(l.rest[:maxLine]))
		l.rest = append(l.rest[:0], l.rest[maxLine:]...)
	}
	return n, nil
}

func (l *lineWriter) line(p []byte) {
	if len(l.rest) > 0 {
		p = append(l.rest, p...)
		l.rest = l.rest[:0]
	}
	l.emit(string(bytes.TrimSuffix(p, []byte{'\r'})))
}

func (l *lineWriter) flush() {
	if len(l.rest) > 0 {
		l.line(nil)
	}
}
