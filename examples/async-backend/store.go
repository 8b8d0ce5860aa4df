package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/queuedyno/queuedyno/jobqueue"
)

// schema creates what is missing, so every process can run it when it starts.
//
// updated_at is the last sign of life of a job. The index holds the unfinished
// jobs only: it is what the sweeper reads, and it stays small for ever.
const schema = `
CREATE TABLE IF NOT EXISTS jobs (
	id         text PRIMARY KEY,
	tenant_id  text NOT NULL,
	payload    json,
	status     text NOT NULL DEFAULT 'PENDING' CHECK (status IN ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED')),
	error      text,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS jobs_unfinished ON jobs (updated_at) WHERE status IN ('PENDING', 'RUNNING');`

// pending is the status of a job that no worker has claimed. It is not published.
const pending jobqueue.Status = "PENDING"

// operationTimeout limits one statement, with the wait for a connection of the
// pool: in an outage an error is better than a request that hangs.
const operationTimeout = 10 * time.Second

// job is a row.
type job struct {
	ID        string          `json:"jobId"`
	TenantID  string          `json:"tenantId"`
	Payload   json.RawMessage `json:"payload,omitempty"`
	Status    jobqueue.Status `json:"status"`
	Error     *string         `json:"error"`
	CreatedAt time.Time       `json:"createdAt"`
	UpdatedAt time.Time       `json:"updatedAt"`
}

var errNoJob = errors.New("no such job")

// store is the table of jobs: the truth about each of them.
type store struct{ pool *pgxpool.Pool }

// openStore connects and creates the table if it is missing. The pool opens
// connections again when Postgres restarts.
func openStore(ctx context.Context, url string, connections int) (*store, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("DATABASE_URL: %w", err) // pgx hides the password
	}
	cfg.MaxConns = int32(connections)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("connect to postgres: %w", err)
	}
	s := &store{pool}
	if err := s.migrate(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("create the table: %w", err)
	}
	return s, nil
}

func (s *store) close() { s.pool.Close() }

func (s *store) migrate(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		// IF NOT EXISTS alone fails when two processes start at once.
		if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock(hashtext('async-backend'))"); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, schema)
		return err
	})
}

func (s *store) ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// insert stores a new job.
func (s *store) insert(ctx context.Context, j job) error {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	_, err := s.pool.Exec(ctx, "INSERT INTO jobs (id, tenant_id, payload) VALUES ($1, $2, $3)", j.ID, j.TenantID, j.Payload)
	if err != nil {
		return fmt.Errorf("insert job: %w", err)
	}
	return nil
}

// get returns a job, or errNoJob.
func (s *store) get(ctx context.Context, id string) (j job, err error) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	err = s.pool.QueryRow(ctx, "SELECT id, tenant_id, payload, status, error, created_at, updated_at FROM jobs WHERE id = $1", id).
		Scan(&j.ID, &j.TenantID, &j.Payload, &j.Status, &j.Error, &j.CreatedAt, &j.UpdatedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return j, errNoJob
	}
	if err != nil {
		return j, fmt.Errorf("get job: %w", err)
	}
	return j, nil
}

// claim makes a pending job a running one and returns it. Of several workers that
// popped the same id, one succeeds; the others get errNoJob.
func (s *store) claim(ctx context.Context, id string) (j job, err error) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	err = s.pool.QueryRow(ctx, `
		UPDATE jobs SET status = 'RUNNING', updated_at = now()
		WHERE id = $1 AND status = 'PENDING'
		RETURNING id, tenant_id, payload`, id).Scan(&j.ID, &j.TenantID, &j.Payload)
	if errors.Is(err, pgx.ErrNoRows) {
		return j, errNoJob
	}
	if err != nil {
		return j, fmt.Errorf("claim job: %w", err)
	}
	return j, nil
}

// finish stores the outcome of a job. It returns false if the job has one
// already, which stays: a job ends once, even if it was done twice.
func (s *store) finish(ctx context.Context, id string, status jobqueue.Status, reason *string) (first bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	tag, err := s.pool.Exec(ctx, `
		UPDATE jobs SET status = $2, error = $3, updated_at = now()
		WHERE id = $1 AND status IN ('PENDING', 'RUNNING')`, id, status, reason)
	if err != nil {
		return false, fmt.Errorf("finish job: %w", err)
	}
	return tag.RowsAffected() == 1, nil
}

// reopen makes pending jobs of up to limit jobs that have been unfinished and
// without a sign of life for longer than stale, and returns their ids. Sweepers
// of several API processes get different jobs, because of SKIP LOCKED.
func (s *store) reopen(ctx context.Context, stale time.Duration, limit int) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, operationTimeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, `
		UPDATE jobs SET status = 'PENDING', updated_at = now()
		WHERE id IN (
			SELECT id FROM jobs
			WHERE status IN ('PENDING', 'RUNNING') AND updated_at < now() - $1::interval
			ORDER BY updated_at LIMIT $2 FOR UPDATE SKIP LOCKED)
		RETURNING id`, stale, limit)
	if err != nil {
		return nil, fmt.Errorf("reopen jobs: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("reopen jobs: %w", err)
	}
	return ids, nil
}
