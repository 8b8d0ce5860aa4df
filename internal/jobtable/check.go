package jobtable

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/queuedyno/queuedyno/internal/nearest"
	"github.com/queuedyno/queuedyno/internal/postgres"
)

// create creates the table of the run.
func (t *Table) create(ctx context.Context, name string) error {
	if _, err := t.observer.Exec(ctx, fmt.Sprintf(DDL, postgres.Quote(name))); err != nil {
		return t.explain("create the table "+name, err)
	}
	t.facts.Created, t.facts.Table = true, name
	return t.find(ctx, name)
}

// find finds the table and checks that it has the columns.
func (t *Table) find(ctx context.Context, name string) error {
	t.facts.Table = name
	op := "check the table " + name
	types := map[string]string{}
	var resolved, column, of string
	err := postgres.Each(ctx, t.observer, []any{&resolved, &column, &of}, func() { types[column] = of }, `
		SELECT format('%I.%I', n.nspname, c.relname), a.attname, format_type(a.atttypid, -1)
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE c.oid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped`, postgres.Quote(name))
	if err != nil {
		return t.explain(op, err)
	}
	ddl := fmt.Sprintf(DDL, name)
	if resolved == "" {
		remedy := "create it: " + ddl
		if near := t.near(ctx, name); near != "" {
			remedy = fmt.Sprintf("write %s if that is meant; otherwise create it: %s", near, ddl)
		}
		return t.refuse(op, errors.New("it does not exist"), remedy)
	}
	if missing := slices.DeleteFunc(columns(), func(c string) bool { return types[c] != "" }); len(missing) > 0 {
		return t.refuse(op, fmt.Errorf("it has no column %s", strings.Join(missing, ", ")), "name a table with the columns of "+ddl)
	}
	t.target = target{name: resolved, types: types}
	return nil
}

// near is a table with a name like that one.
func (t *Table) near(ctx context.Context, name string) string {
	var names []string
	var one string
	err := postgres.Each(ctx, t.observer, []any{&one}, func() { names = append(names, one) }, `SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND pg_table_is_visible(oid)
		AND relnamespace NOT IN ('pg_catalog'::regnamespace, 'information_schema'::regnamespace) ORDER BY 1 LIMIT 1000`)
	if err != nil {
		return ""
	}
	if folded := strings.ToLower(name); slices.Contains(names, folded) {
		return folded
	}
	return nearest.Nearest(name, names)
}

// rehearse inserts, updates and deletes rows with the statements of the run, in a
// transaction that it undoes. Rights, types and constraints of a table show then.
func (t *Table) rehearse(ctx context.Context, o Options) error {
	one := o.Prefix + rest(o.Prefix, 'e')
	two, three := o.Prefix+rest(o.Prefix, 'd'), o.Prefix+rest(o.Prefix, 'c')
	steps := []struct {
		op, sql string
		args    []any
		rows    int64
	}{
		{"insert into", t.sql.insert, []any{one, o.Tenant}, 1},
		{"insert into", t.sql.insertMany, []any{[]string{two, three}, []string{o.Tenant, o.Tenant}}, 2},
		{"update", t.sql.finish, []any{one, Completed, nil}, 1},
		{"update", t.sql.finishMany, []any{[]string{two, three}, Failed, "a reason"}, 2},
		{"count the rows of", t.sql.count, t.sql.ours, 2},
		{"delete from", t.sql.remove, t.sql.ours, 3},
	}
	err := postgres.Undo(ctx, t.pool, func(exec func(sql string, args ...any) (int64, error)) error {
		for _, s := range steps {
			n, err := exec(s.sql, s.args...)
			if err != nil {
				return t.explain(s.op+" the table "+t.facts.Table, err)
			}
			if n != s.rows {
				return t.refuse(s.op+" the table "+t.facts.Table, fmt.Errorf("%d rows were affected instead of %d", n, s.rows),
					"name a table without a rule, a trigger or a policy (row level security) that changes what a statement does")
			}
		}
		return nil
	})
	return t.explain("check the table "+t.facts.Table, err)
}

// describe asks what a report says of the server and of the table.
func (t *Table) describe(ctx context.Context) error {
	f := &t.facts
	f.Settings = map[string]string{}
	var name, value string
	err := postgres.Each(ctx, t.observer, []any{&name, &value}, func() { f.Settings[name] = value },
		"SELECT name, current_setting(name) FROM pg_settings WHERE name = ANY ($1)",
		[]string{"server_version", "max_connections", "synchronous_commit", "fsync", "shared_buffers", "max_wal_size"})
	if err != nil {
		return t.explain("read the settings of Postgres", err)
	}
	f.Version, _, _ = strings.Cut(f.Settings["server_version"], " ")
	delete(f.Settings, "server_version")
	var indexed bool
	err = t.observer.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
		WHERE i.indrelid = to_regclass($1) AND i.indpred IS NULL AND a.attname = 'id')`, t.target.name).Scan(&indexed)
	if err != nil {
		return t.explain("check the table "+f.Table, err)
	}
	if !indexed {
		f.Cautions = append(f.Cautions, fmt.Sprintf("no index of the table %s begins with id, so every UPDATE reads the whole table", f.Table))
	}
	return nil
}
