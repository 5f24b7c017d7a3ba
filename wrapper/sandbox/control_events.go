package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// maxBehind is how many events a reader of the stream may be behind.
const maxBehind = 1000

// publish sends a request that has ended to all streams. One whose reader is too far behind is ended.
func (s *Server) publish(q record) {
	data, err := json.Marshal(q.json())
	if err != nil {
		return // cannot be: it has no value that JSON lacks
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for stream := range s.streams {
		select {
		case stream <- data:
		default:
			delete(s.streams, stream)
			close(stream)
		}
	}
}

// streamRequests sends events until the client goes, the reader is too far behind, or the http.Server shuts down, which
// would otherwise wait for the stream to end.
func (c *control) streamRequests(w http.ResponseWriter, r *http.Request) error {
	w.Header().Set("Content-Type", "text/event-stream")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	s, stream := c.server, make(chan []byte, maxBehind)
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	s.mu.Lock()
	s.streams[stream] = server
	if server != nil && !c.watched[server] {
		c.watched[server] = true
		server.RegisterOnShutdown(func() { s.endStreams(server) })
	}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.streams, stream)
	}()
	flusher := http.NewResponseController(w)
	for flusher.Flush() == nil { // until the client is gone
		select {
		case data, ok := <-stream:
			if !ok {
				return nil
			}
			_, _ = fmt.Fprintf(w, "data: %s\n\n", data)
		case <-r.Context().Done():
			return nil
		}
	}
	return nil
}

// endStreams ends the streams of a server, which may be told to shut down more than once.
func (s *Server) endStreams(of *http.Server) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for stream, server := range s.streams {
		if server == of {
			delete(s.streams, stream)
			close(stream)
		}
	}
}
