package scenario_test

// samples are texts of each field, written as Get writes them.
func samples() map[string][]string {
	return map[string][]string{
		"description": {"Is it, or: is it not?"},
		"load.rate":   {"1000/s", "max", "30/m"}, "load.steps": {"30s:500/s,20s:500/s..2000/s"},
		"load.replay": {"arrivals.csv"}, "load.replay.file": {"a b.csv"}, "load.replay.column": {"2", "time"},
		"load.replay.unit": {"ms", "ns"}, "load.replay.spread": {"true"}, "load.replay.speed": {"2", "0.5"},
		"load.arrivals": {"poisson", "constant"}, "load.duration": {"1m30s"}, "load.jobs": {"5000000000"},
		"load.in_flight": {"64"}, "load.max_in_flight": {"5000"}, "load.max_backlog": {"6000000000"}, "load.think": {"1.5s"},
		"producers": {"3", "external"}, "consumers": {"8", "external"}, "subscribers": {"4"}, "batch": {"5"},
		"payload": {"100B", "1048576B", "100..2KB", "90%:100,10%:64KiB"}, "work.time": {"7ms", "2ms..8ms", "exp(5ms)", "lognormal(p50=5ms,p99=40ms)"},
		"work.fail": {"0.01", "1"}, "work.running": {"true"}, "warmup": {"2s"}, "drain_timeout": {"30s"},
		"thresholds": {"lost == 0", "end_to_end.p99 < 50ms,lost == 0"},
		"dialect":    {"sidekiq", "celery", "bullmq", "plain"}, "job_name": {"Mail::SendJob"}, "job_args": {`[42, "a: b", {"c": null}]`, "[]"}, "update": {"id=.id,status=.state,completed=done|ok"},
		"design": {"list", "list-poll", "reliable-list", "stream"}, "visibility": {"3s"}, "poll": {"20ms"}, "queues": {"1,1,1", "1,2,7", "3,"},
		"notify": {"none", "pubsub"}, "channels": {"tenant", "pattern"}, "tenants": {"100", "100:1.2"}, "tenants.count": {"7"}, "tenants.skew": {"1.1"},
		"entry":                {"postgres", "http://127.0.0.1:3000/jobs", "https://${USER}:${PASSWORD}@api.example/{{.Tenant}}/jobs"},
		"entry.postgres.table": {"jobs", "app.Jobs_2"}, "entry.postgres.connections": {"20"},
		"entry.http.url": {"https://api.example/jobs?key=${API_KEY}"}, "entry.http.method": {"PUT"}, "entry.http.timeout": {"2s"}, "entry.http.connections": {"7"},
		"entry.http.headers": {"Accept: a, b;q=1", "Authorization: Bearer ${API_TOKEN}\nX-Job: {{.Job}}"}, "entry.http.status": {"202", "200,201"},
		"entry.http.body": {`{"tenantId": "{{ .Tenant }}", "n": {{.Job}}, "text": "a: b $${x}\n"}`}, "entry.http.id": {"id", ".data.id", "$.data.id"},
		"exit": {"ws://127.0.0.1:3000/ws", "wss://api.example/ws?tenant={{.Tenant}}"}, "exit.websocket.url": {"ws://[::1]:3000/"}, "exit.websocket.clients": {"20"},
		"exit.websocket.headers": {"Cookie: session=${SESSION}"}, "exit.websocket.subprotocol": {"graphql-ws"}, "exit.websocket.message": {`{"subscribe": "{{.Tenant}}"}`},
		"exit.websocket.id": {".job.id"}, "exit.websocket.status": {"state"}, "exit.websocket.tenant": {"tenantId"},
		"prefill": {"500"}, "hold": {"10s", "5s+10s"}, "hold.from": {"5s"}, "hold.for": {"10s"}, "seed": {"42", "9007199254740991"},
		"faults": {"10s+2s:pause=redis", "20s:kill=redis,restart=1s;40s:disconnect=subscribers", "50s:kill=workers,count=1,restart=1s", "30s+5s:network=consumers,latency=50ms,jitter=10ms,bandwidth=100000;50s:network=producers,reset"},
	}
}
