package jobtable

import (
	"errors"

	"github.com/queuedyno/queuedyno/internal/postgres"
)

// explain makes an error one that says what to do about it.
func (t *Table) explain(op string, err error) error {
	err = postgres.Explain(op, t.facts.Address, err)
	if e, ok := errors.AsType[*postgres.Error](err); ok {
		if remedy := remedies[postgres.Code(err)]; remedy != "" {
			e.Remedy = remedy
		}
	}
	return err
}

// refuse is an error that is not Postgres's.
func (t *Table) refuse(op string, cause error, remedy string) error {
	return &postgres.Error{Op: op, Address: t.facts.Address, Err: cause, Remedy: remedy}
}

// remedies are those of errors that are due to the table, by SQLSTATE.
var remedies = map[string]string{
	"22001": "a column is too short: id needs 36 characters, and status 9",
	"22P02": "a column has a type that takes no such text: id must take a UUID, tenant_id a text such as t1, and status the words PENDING, COMPLETED and FAILED",
	"23502": "give the further columns of the table a default, or name another table",
	"23503": "name a table without the foreign key, or insert the rows that it refers to before the run",
	"23505": "name a table in which only id is unique",
	"23514": "a check of the table refuses the row: status must allow PENDING, COMPLETED and FAILED",
	"3F000": "write the table with its schema, as in app.jobs; or set a search_path for the user",
	"42501": "let the owner GRANT SELECT, INSERT, UPDATE, DELETE on the table to this user; to let a run create its table, GRANT CREATE ON SCHEMA public, or name a table that exists",
	"42703": "the table needs the columns id, tenant_id, status and error",
	"42P01": "another client dropped the table: keep it until the run is over",
	"42P10": "name a table, not a view that cannot be updated",
	"53300": "raise max_connections of Postgres, close other clients, or use fewer connections (--entry-connections)",
	"55000": "name a table, not a view that cannot be updated",
}
