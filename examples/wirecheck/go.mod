module github.com/queuedyno/queuedyno/examples/wirecheck

go 1.26.0
