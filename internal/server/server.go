// Package server puts the parts together: from a configuration to a handler
// that answers and a queue that works. It is the only place that knows them
// all, and it decides nothing itself.
package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"marelle/internal/apps"
	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/export"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/people/onde"
	"marelle/internal/kernel/pick"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/retention"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/search"
	"marelle/internal/kernel/session"
	"marelle/internal/kernel/session/sheet"
	"marelle/internal/kernel/share"
	"marelle/internal/kernel/show"
	"marelle/internal/kernel/tell"
	"marelle/internal/platform/blob"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/config"
	"marelle/internal/platform/cpu"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/jobs"
	"marelle/internal/platform/mail"
	"marelle/internal/platform/media"
	"marelle/internal/platform/push"
	"marelle/internal/platform/richtext"
	"marelle/internal/platform/secret"
	"marelle/internal/platform/spool"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// Server is Marelle, assembled.
type Server struct {
	Core   *app.Core
	Config *config.Config
	router *app.Router
	root   http.Handler
	limit  *web.Limit
	meter  *meter
}

// Open assembles a server: it opens the database, migrates it (copying it
// first), and declares every service. It listens to nothing and works no job.
func Open(ctx context.Context, cfg *config.Config, log *slog.Logger) (s *Server, err error) {
	s = &Server{Config: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	if err := os.MkdirAll(cfg.Data, 0o750); err != nil {
		return s, fmt.Errorf("data folder: %w", err)
	}
	core := &app.Core{Log: log, Base: cfg.Base, Proxies: cfg.Proxies, Demo: cfg.Demo, Clock: clock.System(), UploadMax: cfg.UploadMax}
	s.Core = core
	if !cfg.Now.IsZero() {
		core.Clock = clock.StartingAt(cfg.Now)
	}
	if core.DB, err = db.Open(ctx, cfg.DSN); err != nil {
		return s, err
	}
	if core.Blobs, err = blob.Open(ctx, cfg.Blobs, filepath.Join(cfg.Data, "files")); err != nil {
		return s, err
	}
	// Sixteen of the largest files at once, or many more of the usual ones.
	if core.Spool, err = spool.New(filepath.Join(cfg.Data, "spool"), 16*cfg.UploadMax); err != nil {
		return s, err
	}
	core.Live = notify.NewHub(core.DB, core.Clock, log)
	core.Hasher = secret.NewHasher(0, 0)
	program, err := os.Executable()
	if err != nil {
		return s, fmt.Errorf("program: %w", err)
	}
	core.Pictures = media.NewMaker(1, program)
	core.Clamd = cfg.Antivirus
	if cfg.SMTP != "" {
		if core.Mail, err = mail.ParseURL(cfg.SMTP); err != nil {
			return s, err
		}
	}

	core.Apps = append(Kernel(core), apps.All(core)...)
	var kinds []jobs.Kind
	var periodic []jobs.Every
	for _, a := range core.Apps {
		kinds = append(kinds, a.Jobs...)
		periodic = append(periodic, a.Periodic...)
	}
	if core.Catalog, err = i18n.New(Sentences(core.Apps)...); err != nil {
		return s, err
	}
	if err := Migrate(ctx, core); err != nil {
		return s, err
	}
	// A lost secret must not be replaced in silence: codes on paper, sealed
	// codes and confirmations all hang on it.
	known, err := people.Any(ctx, core.DB)
	if err != nil {
		return s, err
	}
	core.Keys, err = secret.Load(cfg.Secret, !known)
	if errors.Is(err, fs.ErrNotExist) {
		return s, errs.New(errs.Invalid, "secret.file_lost", "file", cfg.Secret)
	}
	if err != nil {
		return s, fmt.Errorf("secret: %w", err)
	}
	identity, err := push.NewIdentity(core.Keys, core.Base)
	if err != nil {
		return s, err
	}
	core.Push = push.NewSender(push.Options{Identity: identity, Hosts: cfg.PushHosts, Clock: core.Clock})
	opts := jobs.Options{Kinds: kinds, Periodic: periodic, Clock: core.Clock, Log: log}
	if opts.Listener, err = core.DB.Listener(ctx, cfg.DSN); err != nil {
		return s, err
	}
	if core.Jobs, err = jobs.New(core.DB, opts); err != nil {
		return s, err
	}
	return s, s.routes()
}

// Kernel declares the parts that every school has.
func Kernel(core *app.Core) []app.App {
	return []app.App{
		{Name: "people", Migrations: people.Migrations(), Messages: people.Messages(),
			Export: func(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
				return people.Export(ctx, q, core.Clock.Now(), person, add)
			},
			Erase: func(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
				return people.Erase(ctx, tx, g, core.Clock.Now(), person)
			},
			Merge: people.Merge,
			Retain: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
				return people.Retain(ctx, tx, g, core.Clock.Now())
			}},
		{Name: "resource", Migrations: resource.Migrations(), Merge: resource.Merge},
		{Name: "search", Migrations: search.Migrations(), Periodic: search.Periodic(),
			Jobs: search.Jobs(core.DB, core.Texts, func() *jobs.Queue { return core.Jobs })},
		{Name: "audit", Migrations: audit.Migrations(), Retain: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
			return audit.Expire(ctx, tx, core.Clock.Now())
		}},
		{Name: "notify", Migrations: notify.Migrations(), Erase: notify.Erase, Merge: notify.Merge,
			Export: func(ctx context.Context, q db.Querier, person string, add func(string, any) error) error {
				return notify.Export(ctx, q, core.Clock.Now(), person, add)
			},
			Retain: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
				return notify.Retain(ctx, tx, g, core.Clock.Now())
			},
			Jobs: notify.Jobs(core.DB, func() *jobs.Queue { return core.Jobs })},
		session.App(core),
		tell.App(core),
		file.App(core),
		pick.App(),
		show.App(),
		share.App(core),
		export.App(core),
		retention.App(core),
		{Name: "app", Messages: app.Messages()},
	}
}

// Sentences are the catalogues of everything the parts and the ground can say.
func Sentences(parts []app.App) []fs.FS {
	out := []fs.FS{ui.Messages, config.Messages, db.Messages, blob.Messages, secret.Messages, richtext.Messages, mail.Messages, media.Messages, spool.Messages, sheet.Messages, onde.Messages()}
	for _, a := range parts {
		if a.Messages != nil {
			out = append(out, a.Messages)
		}
	}
	return out
}

// Migrate brings the schema up to date. A SQLite database is copied beside
// itself first; on PostgreSQL each migration runs in its own transaction.
func Migrate(ctx context.Context, core *app.Core) error {
	var files []fs.FS
	for _, a := range core.Apps {
		if a.Migrations != nil {
			files = append(files, a.Migrations)
		}
	}
	copied := false
	before := func(int) error {
		if copied {
			return nil
		}
		copied = true
		path, err := core.DB.Copy(ctx, core.Clock.Now())
		if err == nil && path != "" {
			core.Log.InfoContext(ctx, "database copied before migration", "file", path)
		}
		return err
	}
	old, err := jobs.Outdated(ctx, core.DB)
	if err == nil && old {
		err = before(0)
	}
	if err != nil {
		return err
	}
	if err := jobs.Migrate(ctx, core.DB); err != nil {
		return err
	}
	n, err := core.DB.Migrate(ctx, before, files...)
	if n > 0 {
		core.Log.InfoContext(ctx, "database migrated", "migrations", n)
	}
	return err
}

func (s *Server) routes() error {
	core := s.Core
	s.router = app.NewRouter(core, app.Doors{
		Viewer: func(w http.ResponseWriter, r *http.Request) (*rights.Viewer, error) { return session.Enter(w, r, core) },
		Password: func(w http.ResponseWriter, r *http.Request) (*rights.Viewer, error) {
			return session.EnterByPassword(w, r, core)
		},
		Challenge: func(w http.ResponseWriter, r *http.Request, _ *rights.Viewer, err error) {
			session.Challenge(w, r, core, err)
		},
		Refuse: core.Refuse,
		Entry:  session.EntryPath,
	})
	for _, a := range core.Apps {
		if a.Routes != nil {
			a.Routes(s.router)
		}
	}
	mux := http.NewServeMux()
	mux.Handle(ui.Prefix, ui.Assets())
	poche := spoken(core, ui.Poche())
	for _, path := range []string{ui.ManifestPath, ui.WorkerPath, ui.OfflinePath} {
		mux.Handle("GET "+path, poche)
	}
	if core.Demo {
		kit := spoken(core, ui.KitHandler())
		mux.Handle("/kit", kit)
		mux.Handle("/kit/", kit)
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		if err := core.DB.Ping(ctx); err != nil {
			plain(w, http.StatusServiceUnavailable, "database")
			return
		}
		plain(w, http.StatusOK, "ready")
	})
	mux.Handle("/", s.router)
	busy, err := busyPage(core)
	if err != nil {
		return err
	}
	s.limit = &web.Limit{
		// A page takes a millisecond of a core: the last of 32 is answered within a
		// fraction of a second. Sign-ins that wait for their hash take none.
		Most: int64(32*cpu.Cores() + core.Hasher.Room()),
		Free: func(r *http.Request) bool {
			return (raw(r) && (!onDrive(r) || r.Method == http.MethodGet)) || health(r)
		},
		Base: core.Base, Page: busy,
	}
	s.root, err = web.Secure(mux, web.Options{
		Base: core.Base,
		// Health is asked for by address, not by name, and the page that says the
		// name is wrong has its styles under that name. Files keep the kernel's own
		// copy from disk to socket, which a wrapped writer would lose.
		AnyHost: func(r *http.Request) bool { return health(r) || strings.HasPrefix(r.URL.Path, ui.Prefix) },
		Raw:     raw,
		Refuse: func(w http.ResponseWriter, r *http.Request, err error) {
			core.Refuse(w, r.WithContext(i18n.With(r.Context(), core.Catalog)), nil, err)
		},
	})
	return err
}

// raw are the answers that nothing may wrap: files, assets that are compressed
// already, and the stream of an open page.
func raw(r *http.Request) bool {
	return r.URL.Path == tell.LivePath || onDrive(r) || strings.HasPrefix(r.URL.Path, "/fichiers/") || strings.HasPrefix(r.URL.Path, ui.Prefix)
}

// onDrive are the requests of programs, which read no page.
func onDrive(r *http.Request) bool {
	return r.URL.Path == session.DrivePath || strings.HasPrefix(r.URL.Path, session.DrivePath+"/")
}

func health(r *http.Request) bool { return r.URL.Path == "/healthz" || r.URL.Path == "/readyz" }

// busyPage is what those see who come when there are too many.
func busyPage(core *app.Core) ([]byte, error) {
	title := core.Catalog.T("error.title.unavailable")
	var page bytes.Buffer
	err := ui.ErrorPage(ui.Shell{Title: title, Portal: "Marelle"}, http.StatusServiceUnavailable, title, core.Catalog.T("error.busy"), "", ui.Link{}, ui.Kept{}).
		Render(i18n.With(context.Background(), core.Catalog), &page)
	if err != nil {
		return nil, fmt.Errorf("busy page: %w", err)
	}
	return page.Bytes(), nil
}

// spoken gives a handler of ui the sentences it shows.
func spoken(core *app.Core, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r.WithContext(i18n.With(r.Context(), core.Catalog)))
	})
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

// Handler answers every request.
func (s *Server) Handler() http.Handler { return s.limit.Handler(s.root) }

// Routes lists every route with its need, for the matrix of rights.
func (s *Server) Routes() []app.Route { return s.router.Routes() }

// Run listens, works jobs, and stops gracefully when ctx ends: requests under
// way have ten seconds to finish. ready is called once with the address.
func (s *Server) Run(ctx context.Context, ln net.Listener, ready func()) (err error) {
	srv := &http.Server{
		Handler:           s.limit.Handler(s.measured(s.root)),
		ReadHeaderTimeout: 10 * time.Second,
		// Forms set a nearer deadline of their own; this one is for bodies that
		// nobody reads, and must let the largest upload through.
		ReadTimeout:    web.Patience(max(s.Core.UploadMax, people.MaxImport)),
		IdleTimeout:    2 * time.Minute,
		MaxHeaderBytes: 32 << 10,
		ErrorLog:       slog.NewLogLogger(s.Core.Log.Handler(), slog.LevelDebug),
	}
	srv.RegisterOnShutdown(s.Core.Live.Close) // a stop waits for no open page
	release, err := s.Core.DB.Own()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	if err := s.Core.Jobs.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if err := s.serveMetrics(ctx); err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	failed := make(chan error, 1)
	go func() {
		if s.Config.TLSCert != "" {
			failed <- srv.ServeTLS(ln, s.Config.TLSCert, s.Config.TLSKey)
		} else {
			failed <- srv.Serve(ln)
		}
	}()
	if ready != nil {
		ready()
	}
	select {
	case err = <-failed:
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	err = errors.Join(err, srv.Shutdown(stop), s.Core.Jobs.Stop(stop))
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close releases the database and the lock.
func (s *Server) Close() error {
	var err error
	if s.Core != nil && s.Core.Live != nil {
		s.Core.Live.Close()
	}
	if s.Core != nil && s.Core.Push != nil {
		s.Core.Push.Close()
	}
	if s.Core != nil && s.Core.DB != nil {
		err = s.Core.DB.Close()
	}
	return err
}
