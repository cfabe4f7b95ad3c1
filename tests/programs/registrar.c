/* A registrar that tells what it has bound, for the lab.
 *
 *     registrar [-b] ADDRESS:PORT
 *
 * Compares Contacts as RFC 3261 19.1.4 says, or with -b byte by byte. Takes every REGISTER at its
 * word, without credentials, and answers with the list of what is bound; nothing runs out. Prints
 * a line for each: "REGISTER of USER from ADDRESS:PORT: COUNT bound". Every other request goes to
 * all that is bound for the user of its Request-URI, and answers the way back that their Vias tell:
 * that does for requests outside of dialogs. Where nothing is bound the answer is 404. */
#include "registrar/bindings.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DATAGRAM_MAX = 65507, AORS_MAX = 16, USER_MAX = 64 };

struct aor {
	char user[USER_MAX];
	struct bindings bindings;
};

struct registrar {
	int socket;
	const char *own;
	bool compares_bytes;
	unsigned count;
	struct aor aors[AORS_MAX];
};

/* Where an answer goes that has this Via on top (RFC 3261 18.2.2, RFC 3581 4). */
static bool way_back(const struct sip_via *via, struct address *to)
{
	const struct text host = via->received.value.length ? via->received.value : via->host;
	uint32_t port;

	if (!address_parse_host(host, to) || !address_is_ipv4(to))
		return false;
	to->port = via->port ? via->port : SIP_DEFAULT_PORT;
	if (text_number(via->rport.value, &port))
		to->port = (uint16_t)port;
	return true;
}

/* What cannot be sent is lost, as on any network. */
static void send_to(const struct registrar *registrar, const struct address *to, const char *bytes,
	size_t length)
{
	struct sockaddr_in other = {.sin_family = AF_INET, .sin_port = htons(to->port)};

	memcpy(&other.sin_addr, to->ip + 12, sizeof(other.sin_addr));
	(void)!sendto(registrar->socket, bytes, length, 0, (const struct sockaddr *)&other,
		sizeof(other));
}

static void send_edited(const struct registrar *registrar, const struct address *to,
	const struct sip_message *message, struct edits *edits)
{
	static char bytes[DATAGRAM_MAX];
	const long length = edits_apply(edits, message->whole, bytes, sizeof(bytes));

	if (length > 0)
		send_to(registrar, to, bytes, (size_t)length);
}

/* bindings: NULL where there is nothing to list. */
static void answer(const struct registrar *registrar, const struct sip_message *message,
	const char *status, const struct bindings *bindings)
{
	static char bytes[DATAGRAM_MAX], list[BINDINGS_MAX * (BINDING_URI_MAX + 32)];
	const bool has_list = bindings && bindings_list(bindings, list, sizeof(list));
	struct sip_cursor cursor = {0};
	struct address to;
	struct text via;
	size_t length = (size_t)snprintf(bytes, sizeof(bytes), "SIP/2.0 %s\r\n", status);

	if (!way_back(&message->top_via, &to))
		return;
	while (sip_next_value(message, SIP_VIA, &cursor, &via))
		length += (size_t)snprintf(bytes + length, sizeof(bytes) - length, "Via: %.*s\r\n",
			(int)via.length, via.at);
	length += (size_t)snprintf(bytes + length, sizeof(bytes) - length,
		"From: %.*s\r\nTo: %.*s;tag=registrar\r\nCall-ID: %.*s\r\nCSeq: %.*s\r\n"
		"%s%s%sContent-Length: 0\r\n\r\n",
		(int)message->from.length, message->from.at, (int)message->to.length,
		message->to.at, (int)message->call_id.length, message->call_id.at,
		(int)message->cseq.length, message->cseq.at, has_list ? "Contact: " : "",
		has_list ? list : "", has_list ? "\r\n" : "");
	if (length < sizeof(bytes))
		send_to(registrar, &to, bytes, length);
}

/* The one of a user, made where it is asked for first; NULL when there is no room. */
static struct aor *aor_of(struct registrar *registrar, struct text user)
{
	struct aor *aor = registrar->aors;

	for (; aor < registrar->aors + registrar->count; aor++) {
		if (text_equal(user, text_from(aor->user)))
			return aor;
	}
	if (registrar->count == AORS_MAX || !user.length || user.length >= sizeof(aor->user))
		return NULL;
	memcpy(aor->user, user.at, user.length);
	aor->bindings.compares_bytes = registrar->compares_bytes;
	registrar->count++;
	return aor;
}

static void take_register(struct registrar *registrar, const struct sip_message *message,
	const struct address *source)
{
	char from[ADDRESS_TEXT_MAX];
	struct sip_contact to;
	struct aor *aor = NULL;

	if (!sip_contact_parse(message->to, &to))
		aor = aor_of(registrar, to.uri.user);
	if (!aor || !bindings_take(&aor->bindings, message)) {
		answer(registrar, message, "503 No Room", NULL);
		return;
	}
	answer(registrar, message, "200 OK", &aor->bindings);
	address_format(source, from);
	printf("REGISTER of %s from %s: %u bound\n", aor->user, from, aor->bindings.count);
	fflush(stdout);
}

/* With a Via on top whose branch is made of the one below, so that it is the same when the request
 * comes again. */
static void forward(const struct registrar *registrar, const struct sip_message *message,
	const struct binding *binding)
{
	const struct text uri = text_from(binding->uri);
	const struct sip_via *below = &message->top_via;
	static struct edits edits;
	struct sip_uri parsed;
	struct address to;
	char via[512];
	int length;

	if (sip_uri_parse(uri, &parsed) || !parsed.is_address || !address_is_ipv4(&parsed.address))
		return;
	to = parsed.address;
	to.port = uri_port(&parsed);
	length = snprintf(via, sizeof(via), "SIP/2.0/UDP %s;branch=%.*s-%u, ", registrar->own,
		(int)below->branch.length, below->branch.at, to.port);
	if ((size_t)length >= sizeof(via))
		return;
	edits_reset(&edits);
	edits_replace(&edits, message->request_uri, uri);
	edits_replace(
		&edits, (struct text){below->value.at, 0}, (struct text){via, (size_t)length});
	send_edited(registrar, &to, message, &edits);
}

static void take_request(struct registrar *registrar, const struct sip_message *message)
{
	struct sip_uri uri;
	const struct aor *aor = NULL;

	if (!sip_uri_parse(message->request_uri, &uri))
		aor = aor_of(registrar, uri.user);
	if (!aor || !aor->bindings.count) {
		answer(registrar, message, "404 Not Found", NULL);
		return;
	}
	for (unsigned i = 0; i < aor->bindings.count; i++)
		forward(registrar, message, &aor->bindings.list[i]);
}

static void take_answer(const struct registrar *registrar, const struct sip_message *message)
{
	struct sip_cursor cursor = {0};
	static struct edits edits;
	struct text own, next;
	struct sip_via via;
	struct address to;

	if (!sip_next_value(message, SIP_VIA, &cursor, &own) ||
		!sip_next_value(message, SIP_VIA, &cursor, &next) || sip_via_parse(next, &via) ||
		!way_back(&via, &to))
		return;
	edits_reset(&edits);
	edits_cut_value(&edits, message, own);
	send_edited(registrar, &to, message, &edits);
}

/* A request with the place that it came from in its Via, where the sender asks for that. */
static bool complete(struct sip_message *message, const struct address *source)
{
	static char bytes[DATAGRAM_MAX];
	static struct edits edits;
	char text[ADDRESS_TEXT_MAX + 32], host[ADDRESS_TEXT_MAX];
	long length;

	if (!message->top_via.rport.whole.at || message->top_via.rport.value.length)
		return true;
	address_format_host(source, host);
	length = snprintf(text, sizeof(text), ";received=%s;rport=%u", host, source->port);
	edits_reset(&edits);
	edits_replace(&edits, message->top_via.rport.whole, (struct text){text, (size_t)length});
	length = edits_apply(&edits, message->whole, bytes, sizeof(bytes));
	return length > 0 && !sip_scan(bytes, (size_t)length, message, &(enum sip_defect){0});
}

static void take(
	struct registrar *registrar, const char *bytes, size_t length, const struct address *source)
{
	static struct sip_message message;

	if (sip_scan(bytes, length, &message, &(enum sip_defect){0}))
		return;
	if (!message.is_request)
		take_answer(registrar, &message);
	else if (!complete(&message, source))
		return;
	else if (message.method == SIP_REGISTER)
		take_register(registrar, &message, source);
	else
		take_request(registrar, &message);
}

static int listen_at(const char *own)
{
	struct sockaddr_in bound = {.sin_family = AF_INET};
	struct address address;
	int descriptor;

	if (address_parse(text_from(own), SIP_DEFAULT_PORT, &address) < 0 ||
		!address_is_ipv4(&address)) {
		errno = EINVAL;
		return -1;
	}
	bound.sin_port = htons(address.port);
	memcpy(&bound.sin_addr, address.ip + 12, sizeof(bound.sin_addr));
	descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0 || bind(descriptor, (const struct sockaddr *)&bound, sizeof(bound)) < 0)
		return -1;
	return descriptor;
}

int main(int argc, char **argv)
{
	static struct registrar registrar;
	static char bytes[DATAGRAM_MAX];

	registrar.compares_bytes = argc == 3 && strcmp(argv[1], "-b") == 0;
	if (argc != (registrar.compares_bytes ? 3 : 2)) {
		fprintf(stderr, "usage: registrar [-b] ADDRESS:PORT\n");
		return 2;
	}
	registrar.own = argv[argc - 1];
	registrar.socket = listen_at(registrar.own);
	if (registrar.socket < 0) {
		fprintf(stderr, "registrar: %s: %s\n", registrar.own, strerror(errno));
		return 1;
	}
	for (;;) {
		struct sockaddr_in other = {0};
		socklen_t other_length = sizeof(other);
		const ssize_t length = recvfrom(registrar.socket, bytes, sizeof(bytes), 0,
			(struct sockaddr *)&other, &other_length);
		struct address source;

		if (length <= 0)
			continue;
		source = address_ipv4(&other.sin_addr, ntohs(other.sin_port));
		take(&registrar, bytes, (size_t)length, &source);
	}
}
