/* A network namespace of a test's own, which goes with its process. */
#ifndef NATBOX_TESTS_OWN_NETWORK_H
#define NATBOX_TESTS_OWN_NETWORK_H

#include <stdint.h>

/* Has a shell run a command, which succeeds. */
void run(const char *command);

/* Skips the test where that may not be. The loopback interface is up. */
void enter_own_network(void);

/* The interface `near`, 192.0.2.1/24 and 2001:db8::1/64, and `far` at the other end of its wire,
 * both without link-local addresses, whose routes would change a moment later. Default routes lead
 * to the gateways .254 and ::254, which are to be made known by whoever wants to reach them. The
 * kernel has nothing left to tell of them afterwards. */
void lay_wire(void);

/* A socket that hears what comes and goes at far, from the IP header on. protocol: ETH_P_. */
int listen_at_far(uint16_t protocol);

#endif
