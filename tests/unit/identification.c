/* By what fragments of one datagram are known. */
#include "wire/send/identification.h"

#include <criterion/criterion.h>

#include "frames.h"

Test(identification, no_two_of_a_destination_are_alike_for_a_long_time_and_none_is_0)
{
	static struct identifications identifications;
	const struct flow flow = flow_of("192.0.2.1:5060", "198.51.100.7:40000");
	uint16_t last;

	cr_assert_eq(identifications_prepare(&identifications), 0);
	last = identification_next(&identifications, &flow);
	for (unsigned i = 0; i < 2 * 65536; i++) {
		const uint16_t next = identification_next(&identifications, &flow);

		cr_assert_neq(next, 0);
		cr_assert_eq(next, last == UINT16_MAX ? 1 : last + 1);
		last = next;
	}
}

Test(identification, others_count_apart)
{
	static struct identifications identifications;
	const struct flow flow = flow_of("192.0.2.1:5060", "198.51.100.7:40000");
	struct flow other = flow;
	uint16_t first;
	unsigned apart = 0;

	cr_assert_eq(identifications_prepare(&identifications), 0);
	first = identification_next(&identifications, &flow);
	for (unsigned i = 0; i < 100; i++) {
		other.destination.ip[15] = (uint8_t)(100 + i);
		identification_next(&identifications, &other);
		apart += identification_next(&identifications, &flow) == (uint16_t)(first + 1);
		first = identification_next(&identifications, &flow);
	}
	cr_expect_gt(apart, 90, "%u", apart);
}
