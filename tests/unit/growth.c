/* What the log says of a count that grows and grows, such as what a firewall forbids. */
#include <wire/tell.h>

#include <criterion/criterion.h>
#include <string.h>

static struct {
	unsigned lines;
	char last[WIRE_LINE_MAX];
} told;

static void note(void *context, enum wire_notice notice, const char *line)
{
	(void)context;
	cr_expect_eq(notice, WIRE_WARNING);
	told.lines++;
	strcpy(told.last, line);
}

static const struct wire wire = {.handler.notice = note};

/* So many inspections, between any two of which the count grows by that much. */
static void inspect(struct growth *growth, unsigned inspections, uint64_t each, uint64_t *count)
{
	for (unsigned i = 0; i < inspections; i++) {
		*count += each;
		tell_growth(&wire, *count, growth, "are lost");
	}
}

Test(growth, is_told_at_once_and_then_once_a_minute)
{
	struct growth growth = {0};
	uint64_t count = 0;

	inspect(&growth, 3, 0, &count);
	cr_expect_eq(told.lines, 0);
	inspect(&growth, 1, 2, &count);
	cr_expect_str_eq(told.last, "2 datagrams are lost");
	inspect(&growth, 59, 1, &count);
	cr_expect_eq(told.lines, 1, "it goes on");
	inspect(&growth, 1, 1, &count);
	cr_expect_str_eq(told.last, "60 datagrams are lost", "none is left out");
	inspect(&growth, 3600, 5, &count);
	cr_expect_eq(told.lines, 62);
}

Test(growth, that_ends_is_told_to_its_end)
{
	struct growth growth = {0};
	uint64_t count = 0;

	inspect(&growth, 5, 1, &count);
	inspect(&growth, 200, 0, &count);
	cr_expect_eq(told.lines, 2);
	cr_expect_str_eq(told.last, "4 datagrams are lost");
	inspect(&growth, 1, 1, &count);
	cr_expect_eq(told.lines, 3, "at once where it had stood still");
}
