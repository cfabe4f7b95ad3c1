/* What the programs that measure relays share: requests of phones and their answers, sockets in a
 * relay's network namespace, its CPU time. What cannot be done ends the program. */
#ifndef NATBOX_TOOLS_TRAFFIC_H
#define NATBOX_TOOLS_TRAFFIC_H

#include <natbox/address.h>

#include <netinet/in.h>
#include <sys/uio.h>

enum { TRAFFIC_MESSAGE_MAX = 2048, TRAFFIC_DIGITS = 10 };

/* A request, with the places where ten digits stand. */
struct traffic_message {
	size_t length, cseq_at, branch_at;
	char bytes[TRAFFIC_MESSAGE_MAX];
};

/* CPU time of all threads of a process, those that have ended too, and of the first. */
struct traffic_cpu {
	double all_s, first_s;
};

/* Says what could not be done, and why. */
_Noreturn void traffic_die(const char *what);

double traffic_seconds(void);

struct traffic_cpu traffic_cpu(long pid);

/* Goes into the network namespace of a process: sockets belong to the one they are opened in. */
void traffic_enter(long pid);

/* A UDP socket with this IPv4 address, and room for a burst of any size. */
int traffic_socket(const struct address *address);
struct sockaddr_in traffic_sockaddr(const struct address *address);

/* A REGISTER of a phone behind a NAT, as phones register: 192.168.x.y in Via and Contact. */
void traffic_write(struct traffic_message *message, long user, const struct address *proxy);

/* Its number in CSeq and branch, which has to differ for each. */
void traffic_number(struct traffic_message *message, long number);
/* What stands in CSeq; -1 where there is none. */
long traffic_number_of(const char *bytes, size_t length);

/* A request with a status line in the place of its request line. */
struct iovec traffic_answer(char *bytes, size_t length);

/* Whether a request came without the private Contact that it was sent with: no other header field
 * of it has a private address behind an @. */
bool traffic_is_repaired(const char *bytes, size_t length);

bool traffic_read_number(const char *text, long least, long most, long *number);
bool traffic_read_address(const char *text, struct address *address);

#endif
