package jobqueue

// DefaultTenant is whose a job is that does not say.
const DefaultTenant = "t1"

// Element is what an element of the list says of its job.
type Element struct {
	JobID, TenantID string
}

// ParseElement reads an element of the list, which is a job's id or a JSON
// object with the keys jobId and, if need be, tenantId. An id may be a text or
// a number, and the other values of the object may be anything, as in a [View]. It
// never fails: for a worker any other text is a job, too, and the whole element is
// its id.
func ParseElement(element []byte) Element {
	var found [facts][]byte
	obj := standard.search(object(element), 1<<factID|1<<factTenant, 0, &found)
	if obj.end() != nil || found[factID] == nil {
		return Element{JobID: string(element), TenantID: DefaultTenant}
	}
	e := Element{JobID: string(contents(found[factID])), TenantID: DefaultTenant}
	if tenant := found[factTenant]; tenant != nil {
		e.TenantID = string(contents(tenant))
	}
	return e
}
