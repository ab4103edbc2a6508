package server

import (
	"context"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"marelle/internal/platform/jobs"
)

// meter counts requests by the pattern of their route, never by their address:
// neither a name nor an identifier reaches the metrics or the log.
type meter struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMeter(s *Server) *meter {
	m := &meter{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "marelle_requests_total", Help: "Requests by route and status."}, []string{"route", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "marelle_request_seconds", Help: "Time to answer, by route.",
			Buckets: []float64{.001, .003, .01, .03, .1, .3, 1, 3, 10}}, []string{"route"}),
	}
	gauge := func(name, help string, f func(ctx context.Context) (int, error)) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, func() float64 {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			defer cancel()
			n, err := f(ctx)
			if err != nil {
				return -1
			}
			return float64(n)
		})
	}
	m.registry.MustRegister(m.requests, m.seconds, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		// Those are neither timed nor logged one by one: a crowd would fill the log.
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "marelle_refused_total", Help: "Requests sent away with 503 because too many came at once."},
			func() float64 { return float64(s.limit.Refused()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "marelle_open_pages", Help: "Pages that are told at once of what arrives."},
			func() float64 { return float64(s.Core.Live.Count()) }),
		gauge("marelle_jobs_waiting", "Jobs still to be done.", func(ctx context.Context) (int, error) { return jobs.Count(ctx, s.Core.DB) }),
		gauge("marelle_jobs_dead", "Jobs given up, which the operator should look at.", func(ctx context.Context) (int, error) { return jobs.Dead(ctx, s.Core.DB) }),
	)
	return m
}

// status remembers what was answered. Unwrap keeps flushing and deadlines, and
// ReadFrom the kernel's own copy of files to the socket.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	if s.code == 0 {
		s.code = code
	}
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// measured counts and logs each request. Files are served through the bare
// writer: a wrapped one would lose sendfile.
func (s *Server) measured(next http.Handler) http.Handler {
	s.meter = newMeter(s)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		if raw(r) {
			next.ServeHTTP(w, r)
			return
		}
		st := &status{ResponseWriter: w}
		next.ServeHTTP(st, r)
		route, took := r.Pattern, time.Since(began)
		if route == "" {
			route = "other"
		}
		if st.code == 0 {
			st.code = http.StatusOK
		}
		s.meter.requests.WithLabelValues(route, strconv.Itoa(st.code)).Inc()
		s.meter.seconds.WithLabelValues(route).Observe(took.Seconds())
		s.Core.Log.InfoContext(r.Context(), "request", "method", r.Method, "route", route, "status", st.code, "ms", took.Milliseconds())
	})
}

// serveMetrics answers Prometheus on an address of its own until ctx ends.
func (s *Server) serveMetrics(ctx context.Context) error {
	if s.Config.MetricsAddr == "" {
		return nil
	}
	ln, err := net.Listen("tcp", s.Config.MetricsAddr)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.meter.registry, promhttp.HandlerOpts{}))
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		_ = srv.Close()
	}()
	go func() { _ = srv.Serve(ln) }()
	return nil
}
