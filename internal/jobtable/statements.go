package jobtable

import (
	"context"
	"fmt"
	"strings"

	"github.com/queuedyno/queuedyno/internal/postgres"
)

// target is the table and the types of its columns.
type target struct {
	name  string // with its schema, each between quotes
	types map[string]string
}

// The columns that a table must have.
const (
	idColumn     = "id"
	tenantColumn = "tenant_id"
	statusColumn = "status"
	errorColumn  = "error"
)

func columns() []string { return []string{idColumn, tenantColumn, statusColumn, errorColumn} }

// statements are the texts of the statements. Each connection prepares them at their
// first use and keeps them.
type statements struct {
	insert, insertMany string
	finish, finishMany string
	count, remove      string
	ours               []any // the arguments of count and remove
}

// statements are those for the table. A number of rows travels in one array of texts a
// column; Postgres casts them to the types of the columns, which may be uuid, a number or an
// enumeration.
func (t target) statements(created bool, prefix string) statements {
	id, tenant, status, reason := t.types[idColumn], t.types[tenantColumn], t.types[statusColumn], t.types[errorColumn]
	s := statements{
		insert: fmt.Sprintf("INSERT INTO %s (id, tenant_id, status) VALUES ($1::text::%s, $2::text::%s, '%s')", t.name, id, tenant, Pending),
		insertMany: fmt.Sprintf("INSERT INTO %s (id, tenant_id, status) SELECT u.id::%s, u.tenant::%s, '%s'::text::%s FROM unnest($1::text[], $2::text[]) AS u (id, tenant)",
			t.name, id, tenant, Pending, status),
		finish:     fmt.Sprintf("UPDATE %s SET status = $2::text::%s, error = $3::text::%s WHERE id = $1::text::%s", t.name, status, reason, id),
		finishMany: fmt.Sprintf("UPDATE %s SET status = $2::text::%s, error = $3::text::%s WHERE id = ANY ($1::text[]::%s[])", t.name, status, reason, id),
	}
	// A created table holds no other rows. In a table of the user the rows of the run
	// are found by what its ids begin with; where ids are of type uuid, the index
	// answers that, since they are in the order of their text.
	where := ""
	switch {
	case created:
	case id == "uuid":
		where = " WHERE id BETWEEN $1::text::uuid AND $2::text::uuid"
		s.ours = []any{prefix + rest(prefix, '0'), prefix + rest(prefix, 'f')}
	case id == "text" || strings.HasPrefix(id, "character varying"):
		where = " WHERE id LIKE $1"
		s.ours = []any{prefix + "%"}
	default:
		where = " WHERE id::text LIKE $1"
		s.ours = []any{prefix + "%"}
	}
	s.count = "SELECT status::text, count(*) FROM " + t.name + where + " GROUP BY 1"
	s.remove = "DELETE FROM " + t.name + where
	return s
}

// rest is what makes a UUID of a prefix, with one digit throughout.
func rest(prefix string, digit byte) string {
	const form = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
	return strings.ReplaceAll(form[min(len(prefix), len(form)):], "x", string(digit))
}

// Insert stores jobs that have not ended, all or none of them: one with an INSERT of
// one row, several with one INSERT for all. The time in which it waits for a connection
// of the pool is part of it. The lists are equally long. Of a connection that is lost
// meanwhile, whether the jobs are stored is not known; an [*AwayError] says that they are
// not.
func (t *Table) Insert(ctx context.Context, ids, tenants []string) error {
	const op = "insert into"
	var err error
	switch len(ids) {
	case 0:
	case 1:
		_, err = t.exec(ctx, op, t.sql.insert, ids[0], tenants[0])
	default:
		_, err = t.exec(ctx, op, t.sql.insertMany, ids, tenants)
	}
	return err
}

// Finish updates jobs that ended with the same status, with one UPDATE for all. The
// reason is that of a failure; an empty one is NULL. It says how many rows there were:
// a row that is missing is one that another client removed.
func (t *Table) Finish(ctx context.Context, ids []string, status, reason string) (rows int64, err error) {
	var why any
	if reason != "" {
		why = reason
	}
	const op = "update"
	switch len(ids) {
	case 0:
	case 1:
		rows, err = t.exec(ctx, op, t.sql.finish, ids[0], status, why)
	default:
		rows, err = t.exec(ctx, op, t.sql.finishMany, ids, status, why)
	}
	return rows, err
}

// AwayError is that of a statement that was not sent, because there was no connection to
// Postgres: it may be tried again.
type AwayError struct{ Err error }

func (e *AwayError) Error() string { return e.Err.Error() }
func (e *AwayError) Unwrap() error { return e.Err }

// Count is how many rows of this run have each status.
func (t *Table) Count(ctx context.Context) (map[string]int64, error) {
	counts := map[string]int64{}
	var status string
	var n int64
	err := postgres.Each(ctx, t.observer, []any{&status, &n}, func() { counts[status] = n }, t.sql.count, t.sql.ours...)
	if err != nil {
		return nil, t.explain("count the rows of the table "+t.facts.Table, err)
	}
	return counts, nil
}

// exec executes a statement on a connection of the pool. op is what it does to the table,
// for an error.
func (t *Table) exec(ctx context.Context, op, sql string, args ...any) (rows int64, err error) {
	c, err := t.pool.Acquire(ctx)
	if err != nil {
		return 0, &AwayError{t.explain(op+" the table "+t.facts.Table, err)}
	}
	defer c.Release()
	busy := t.busy.Add(1)
	defer t.busy.Add(-1)
	t.statements.Add(1)
	for most := t.maxBusy.Load(); busy > most && !t.maxBusy.CompareAndSwap(most, busy); {
		most = t.maxBusy.Load()
	}
	tag, err := c.Exec(ctx, sql, args...)
	if err == nil {
		return tag.RowsAffected(), nil
	}
	lost := c.Conn().IsClosed()
	if lost {
		t.pool.Lost()
	}
	explained := t.explain(op+" the table "+t.facts.Table, err)
	if lost && postgres.Unsent(err) {
		return 0, &AwayError{explained}
	}
	return 0, explained
}
