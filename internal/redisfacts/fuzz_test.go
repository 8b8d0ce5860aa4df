package redisfacts

import (
	"strings"
	"testing"
)

// Whatever a server answers to INFO: each fact is a line of it.
func FuzzReadInfo(f *testing.F) {
	for _, seed := range []string{
		"# Server\r\nredis_version:7.4.0\r\nredis_mode:standalone\r\n",
		"# Commandstats\r\ncmdstat_brpop:calls=5,usec=70,usec_per_call=14.00,rejected_calls=1,failed_calls=2\r\n",
		"cmdstat_client|list:calls=99999999999999999999", "cmdstat_:=", ":", "a:b:c", "#:x\n:", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		facts := Facts{Info: map[string]string{}, Commands: map[string]CommandFacts{}}
		facts.readInfo(text)
		if n := len(facts.Info) + len(facts.Commands); n > strings.Count(text, "\n")+1 {
			t.Errorf("%d facts in %q", n, text)
		}
		for key, value := range facts.Info {
			if !strings.Contains(text, key+":"+value) {
				t.Errorf("%s is %q, which %q does not say", key, value, text)
			}
		}
		facts.version()
		facts.mode()
	})
}

// Whatever a server answers of its replicas: an address that is read has a port.
func FuzzReplicaAddress(f *testing.F) {
	for _, seed := range []string{"ip=10.0.0.1,port=6379,state=online,offset=1,lag=0", "ip=::1,port=6379", "ip=,port=", "port=1", ",,=", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if addr, ok := replicaAddress(text); ok && !strings.Contains(addr, ":") {
			t.Errorf("%q is the address in %q", addr, text)
		}
	})
}
