#include <natbox/report.h>

const char *const event_type_names[EVENT_TYPES] = {
	[EVENT_ENDPOINT_ADD] = "endpoint-add",
	[EVENT_ENDPOINT_REMOVE] = "endpoint-remove",
	[EVENT_REASON_ADD] = "reason-add",
	[EVENT_REASON_REFRESH] = "reason-refresh",
	[EVENT_REASON_END] = "reason-end",
	[EVENT_REWRITE] = "rewrite",
	[EVENT_KEEPALIVE] = "keepalive",
	[EVENT_REPLY] = "reply",
	[EVENT_LOST] = "lost",
	[EVENT_FOUND] = "found",
	[EVENT_MALFORMED] = "malformed",
	[EVENT_REFUSED] = "refused",
};

const char *const reason_kind_names[REASON_KINDS] = {
	[REASON_REGISTRATION] = "registration",
	[REASON_SUBSCRIPTION] = "subscription",
	[REASON_DIALOG] = "dialog",
};

const char *const rewritten_field_names[REWRITTEN_FIELDS] = {"contact", "via", "ruri", "other"};

const char *const refusal_names[REFUSALS] = {
	[REFUSED_ENDPOINTS] = "endpoints",
	[REFUSED_ENDPOINTS_PER_ADDRESS] = "endpoints-per-address",
	[REFUSED_UNPROVEN] = "unproven",
	[REFUSED_UNPROVEN_PER_ADDRESS] = "unproven-per-address",
	[REFUSED_REASONS] = "reasons",
	[REFUSED_REASONS_PER_ENDPOINT] = "reasons-per-endpoint",
	[REFUSED_TRANSACTIONS] = "transactions",
	[REFUSED_DATAGRAM] = "datagram",
};

const char *const verdict_names[VERDICTS] = {"pass", "rewrite", "consume"};
